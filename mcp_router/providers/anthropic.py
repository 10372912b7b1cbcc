"""The Anthropic wire: messages, in the versions 2023-06-01 and 2026-10-21.

Source: https://docs.claude.com/en/api/messages
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mcp_router.providers.anthropic_answer import AnthropicReader, parse_answer
from mcp_router.providers.effort import anthropic_thinking
from mcp_router.providers.fit import Fitted, fit
from mcp_router.providers.parts import (
    NO_PARAMETERS,
    OPENING,
    no_messages,
    own_reasoning,
    parts_of,
    short_id,
    source_of,
    system_text,
    unsupported,
)
from mcp_router.providers.prefix import mark_prefix
from mcp_router.providers.schema import closed, is_closable
from mcp_router.providers.wire import Call, Json, PreparedRequest, Reply, Target
from mcp_router.types import Media, Message, Part, Reasoning, Text, ToolCall, ToolResult

FIRST_VERSION = "2023-06-01"
BEARER_VERSION = "2026-10-21"
"""From this version on the key is a bearer token and sampling parameters are refused."""

# The API wants a limit; more than this makes long prompts fail, for both share the window.
_MAX_TOKENS = 32_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AnthropicWire:
    """Messages."""

    def request(self, target: Target, call: Call, *, stream: bool) -> PreparedRequest:
        """Write a request to `/v1/messages`; raises as `Wire.request` says."""
        version = target.provider.api_version or FIRST_VERSION
        fitted = fit(
            target,
            call,
            max_temperature=1.0,
            max_stops=8191,
            json_mode=False,
            takes_schema=is_closable,
        )
        body: Json = {
            "model": target.model.id,
            "max_tokens": fitted.max_tokens or min(target.model.max_output, _MAX_TOKENS),
            "messages": _messages(target, call),
        }
        system = system_text(call.messages, instruction=fitted.instruction)
        if system:
            body["system"] = [{"type": "text", "text": system}]
        thinking = anthropic_thinking(
            target,
            call.reasoning_effort,
            max_tokens=body["max_tokens"],
            settled=_is_settled(body, fitted=fitted),
            unthought=_goes_on_unthought(body),
        )
        parameters = _add_parameters(body, fitted=fitted, version=version, thinks=thinking.on)
        warnings = fitted.warnings + thinking.warnings + parameters
        _merge(body, thinking.body)
        if call.tools:
            body["tools"] = [_tool(one.name, one.description, one.parameters) for one in call.tools]
        if fitted.tool_choice is not None:
            body["tool_choice"] = _tool_choice(fitted.tool_choice)
        if fitted.cache:
            mark_prefix(body)
        if stream:
            body["stream"] = True
        return PreparedRequest(
            url=_url(target.provider.base_url),
            headers=_headers(target.api_key, version=version),
            json=body,
            warnings=warnings,
        )

    def parse(self, body: object, *, provider: str) -> Reply:
        """Read a message; raises as `Wire.parse` says."""
        return parse_answer(body, provider=provider)

    def reader(self, *, provider: str) -> AnthropicReader:
        """Start reading the events of a message."""
        return AnthropicReader(provider=provider)


def _url(base: str) -> str:
    base = base.rstrip("/")
    return f"{base}/messages" if base.endswith("/v1") else f"{base}/v1/messages"


def _headers(key: str | None, *, version: str) -> dict[str, str]:
    headers = {"anthropic-version": version}
    if key:
        # Versions are dates, so that they sort as text.
        bearer = version >= BEARER_VERSION
        headers |= {"authorization": f"Bearer {key}"} if bearer else {"x-api-key": key}
    return headers


def _is_settled(body: Json, *, fitted: Fitted) -> bool:
    """Say whether a request rules out that the model thinks first."""
    forced = fitted.tool_choice not in (None, "auto", "none")
    return forced or body["messages"][-1]["role"] == "assistant"


def _goes_on_unthought(body: Json) -> bool:
    """Say whether results follow calls of tools that were made without thoughts of its own."""
    turns = body["messages"][-2:]
    answers = any(block["type"] == "tool_result" for block in turns[-1]["content"])
    return bool(answers and "thinking" not in turns[0]["content"][0]["type"])


def _merge(body: Json, more: Json) -> None:
    output = {**body.get("output_config", {}), **more.get("output_config", {})}
    body |= more
    if output:
        body["output_config"] = output


def _add_parameters(body: Json, *, fitted: Fitted, version: str, thinks: bool) -> tuple[str, ...]:
    if fitted.stop:
        body["stop_sequences"] = list(fitted.stop)
    if fitted.response_schema is not None:
        schema = {"type": "json_schema", "schema": closed(fitted.response_schema)}
        body["output_config"] = {"format": schema}
    if fitted.temperature is None:
        return ()
    if thinks:
        return ("temperature dropped: a model that thinks takes none",)
    if version >= BEARER_VERSION:
        return (f"temperature dropped: version {version} of the API rejects it",)
    body["temperature"] = fitted.temperature
    return ()


def _tool(name: str, description: str, parameters: Mapping[str, object]) -> Json:
    tool: Json = {"name": name, "input_schema": parameters or NO_PARAMETERS}
    return {**tool, "description": description} if description else tool


def _tool_choice(choice: str) -> Json:
    if choice in ("auto", "none"):
        return {"type": choice}
    return {"type": "any"} if choice == "required" else {"type": "tool", "name": choice}


def _messages(target: Target, call: Call) -> list[Json]:
    """Write the turns: neighbours of one role are joined, for tool results must stand together."""
    turns: list[Json] = []
    for message in call.messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(target, message)
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise no_messages()
    if turns[0]["role"] == "assistant" and len(turns) > 1:
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
    for turn in turns:
        if turn["role"] == "user":
            # Tool results come first in their turn, or the API does not find them.
            turn["content"].sort(key=_is_no_result)
    _trim_prefill(turns[-1])
    return turns


def _is_no_result(block: Json) -> bool:
    return bool(block["type"] != "tool_result")


def _trim_prefill(turn: Json) -> None:
    """Strip the end of an answer begun for the model; the API refuses trailing spaces there."""
    last = turn["content"][-1]
    if turn["role"] == "assistant" and last["type"] == "text":
        last["text"] = last["text"].rstrip()


def _blocks(target: Target, message: Message) -> list[Json]:
    parts = parts_of(message)
    if message.role != "assistant":
        return [block for part in parts for block in _user_block(target, part)]
    own = own_reasoning(parts, provider=target.provider.name)
    thinking = [_thinking(part) for part in own]
    return thinking + [block for part in parts for block in _assistant_block(part)]


def _thinking(part: Reasoning) -> Json:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _assistant_block(part: Part) -> Iterable[Json]:
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, ToolCall):
        call_id = short_id(part.id, pattern=_ID, length=32)
        return (
            {"type": "tool_use", "id": call_id, "name": part.name, "input": dict(part.arguments)},
        )
    return ()


def _user_block(target: Target, part: Part) -> Iterable[Json]:
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, Media):
        return (_media(target, part),)
    if isinstance(part, ToolResult):
        return (_result(target, part),)
    return ()


def _text(part: Text) -> Iterable[Json]:
    # The API refuses blank text.
    return ({"type": "text", "text": part.text},) if part.text.strip() else ()


def _result(target: Target, result: ToolResult) -> Json:
    call_id = short_id(result.tool_call_id, pattern=_ID, length=32)
    block: Json = {"type": "tool_result", "tool_use_id": call_id}
    if isinstance(result.content, str):
        block["content"] = result.content
    else:
        block["content"] = [b for part in result.content for b in _user_block(target, part)]
    return {**block, "is_error": True} if result.is_error else block


def _media(target: Target, media: Media) -> Json:
    source = source_of(media)
    if source.media_type.startswith("image/"):
        kind = "image"
    elif source.media_type == "application/pdf":
        kind = "document"
    else:
        raise unsupported(target, source)
    if source.url:
        return {"type": kind, "source": {"type": "url", "url": source.url}}
    inline = {"type": "base64", "media_type": source.media_type, "data": source.data}
    return {"type": kind, "source": inline}
