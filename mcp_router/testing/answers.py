"""What a healthy answer says: the echo of the request, a tool call, or JSON for a schema."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from mcp_router.testing.behaviours import Answer
from mcp_router.testing.examples import Hints, example, quoted, tool_calls
from mcp_router.testing.neutral import Asked, Body, Called, Finish, Reply, encode, tokens_in
from mcp_router.types import Usage

_CREATED = 1_790_000_000


def echo(text: str) -> str:
    """Return what an unscripted model answers to a prompt: the prompt and its CRC-32.

    An answer that equals `echo(prompt)` is whole and belongs to that prompt.

    >>> echo("hi")
    'You said: hi [crc32 d8932aac]'
    """
    checksum = zlib.crc32(text.encode("utf-8", "replace"))
    return f"You said: {text} [crc32 {checksum:08x}]"


def compose(answer: Answer, *, asked: Asked, serial: int) -> Reply:
    """Fill in a healthy answer to a request; `serial` makes its ids unique."""
    calls = _calls(answer, asked, serial)
    text = _text(answer, asked, calls)
    finish: Finish = "tool_calls" if calls and answer.finish == "stop" else answer.finish
    return Reply(
        serial=serial,
        model=asked.model,
        text=text,
        reasoning=answer.reasoning,
        calls=calls,
        finish=finish,
        usage=answer.usage or _usage(asked, text, answer.reasoning, calls),
        chunks=answer.chunks,
        created=_CREATED,
        include_usage=asked.include_usage,
        logprob=answer.logprob if asked.logprobs else None,
    )


def _calls(answer: Answer, asked: Asked, serial: int) -> tuple[Called, ...]:
    if answer.tool_calls is not None:
        return tuple(
            Called(call.id, call.name, dict[str, Any](call.arguments)) for call in answer.tool_calls
        )
    wanted = answer.text is None and asked.tools and asked.tool_choice != "none"
    # A model that sees the results of its calls answers, unless it is forced to call again.
    if not wanted or (asked.answered and asked.tool_choice == "auto"):
        return ()
    found = tool_calls(asked.tools, text=asked.text, choice=asked.tool_choice)
    return tuple(
        Called(_call_id(serial, index), name, arguments)
        for index, (name, arguments) in enumerate(found if asked.parallel else found[:1])
    )


def _call_id(serial: int, index: int) -> str:
    digits = base64.b32encode(f"{serial:08x}{index:02x}".encode())
    return digits.decode().rstrip("=")


def _text(answer: Answer, asked: Asked, calls: tuple[Called, ...]) -> str:
    if isinstance(answer.text, str):
        return answer.text
    if answer.text is not None:
        return answer.text(asked)
    if calls:
        return ""
    if asked.schema is not None:
        return encode(example(asked.schema, hints=Hints(asked.text))).decode()
    if asked.json_mode:
        return encode(_keyed(asked.text)).decode()
    return echo(asked.text)


def _keyed(text: str) -> Body:
    """Give JSON mode the keys a prompt names in quotes."""
    return dict.fromkeys(quoted(text), "example") or {"answer": echo(text)}


def _usage(asked: Asked, text: str, reasoning: str, calls: tuple[Called, ...]) -> Usage:
    written = tokens_in(text) + sum(tokens_in(str(call.arguments)) + 4 for call in calls)
    return Usage(
        input_tokens=asked.prompt_tokens,
        output_tokens=written,
        reasoning_tokens=tokens_in(reasoning),
    )
