"""Answers on the OpenAI wire, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from mcp_router.providers.assemble import CUT_CALL
from mcp_router.providers.frame import Frame
from mcp_router.providers.logprobs import Tally, logprobs_of
from mcp_router.providers.parts import marked
from mcp_router.providers.reading import (
    as_list,
    as_object,
    as_text,
    decode,
    decode_arguments,
    tool_call,
)
from mcp_router.providers.sse import Event
from mcp_router.providers.usage import openai_usage
from mcp_router.providers.wire import (
    BadAnswer,
    Delta,
    FailureInAnswer,
    FinishDelta,
    Json,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
)
from mcp_router.types import Reasoning, ToolCall, Usage

THOUGHT_FIELDS = ("reasoning_content", "reasoning")
"""Where servers put the thinking of a message."""

_REASONS = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "error": "error",
    "abort": "error",
    "insufficient_system_resource": "error",
}


def parse_answer(body: object, *, provider: str) -> Reply:
    """Read a chat completion; raises as `Wire.parse` says."""
    answer = as_object(body)
    choice = _choice(answer)
    if not choice:
        raise BadAnswer("the answer holds no choice")
    message = as_object(choice.get("message"))
    reason = as_text(choice.get("finish_reason"))
    if not message or not reason:
        raise BadAnswer("the answer was cut before it was finished")
    text, thoughts = _content(message.get("content"))
    calls, warnings = _tool_calls(message, provider=provider, reason=reason)
    return Reply(
        content=text + as_text(message.get("refusal")),
        tool_calls=calls,
        reasoning=_reasoning(message, thoughts=thoughts, provider=provider),
        finish_reason=_reason(reason, has_calls=bool(calls)),
        usage=openai_usage(answer.get("usage")),
        model=as_text(answer.get("model")) or None,
        warnings=warnings,
        logprobs=logprobs_of(choice.get("logprobs")),
    )


def _choice(answer: Json) -> Json:
    """Find the first choice, unless there is a failure in its place."""
    choices = as_list(answer.get("choices"))
    choice = as_object(choices[0]) if choices else {}
    error = answer.get("error") or choice.get("error")
    if error:
        raise FailureInAnswer(error)
    return choice


def _content(content: object) -> tuple[str, str]:
    """Read the text and the thinking of a content, which Mistral writes as parts."""
    if isinstance(content, str):
        return content, ""
    text: list[str] = []
    thoughts: list[str] = []
    for part in map(as_object, as_list(content)):
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thoughts.append(as_text(inner) or _content(inner)[0])
        else:
            text.append(as_text(part.get("text")))
    return "".join(text), "".join(thoughts)


def _thought(message: Json) -> tuple[str, str] | None:
    """Find the thinking of a message and the field it came in."""
    for field in THOUGHT_FIELDS:
        text = message.get(field)
        if isinstance(text, str) and text:
            return text, field
    return None


def _reasoning(message: Json, *, thoughts: str, provider: str) -> tuple[Reasoning, ...]:
    found = _thought(message)
    if found is not None:
        text, field = found
        return (Reasoning(text=text, signature=field, provider=provider),)
    return (Reasoning(text=thoughts, provider=provider),) if thoughts else ()


def _tool_calls(
    message: Json, *, provider: str, reason: str
) -> tuple[tuple[ToolCall, ...], tuple[str, ...]]:
    calls: list[ToolCall] = []
    for number, raw in enumerate(map(as_object, as_list(message.get("tool_calls")))):
        function = as_object(raw.get("function"))
        arguments = function.get("arguments")
        try:
            decoded = decode_arguments(arguments) if isinstance(arguments, str) else arguments
        except BadAnswer:
            if _REASONS.get(reason) == "length":
                return tuple(calls), (CUT_CALL,)
            raise
        call_id = as_text(raw.get("id")) or f"call_{number}"
        name = as_text(function.get("name"))
        mark = _mark(raw, provider=provider)
        calls.append(tool_call(call_id, name, decoded, signature=mark))
    return tuple(calls), ()


def _mark(raw: Json, *, provider: str) -> str | None:
    """Keep the opaque field in which Gemini's compatible endpoint signs a call."""
    extra = raw.get("extra_content")
    return marked(provider, json.dumps(extra)) if extra else None


def _reason(reason: str, *, has_calls: bool) -> str:
    normal = _REASONS.get(reason, "other")
    # Several servers say "stop" after a tool call.
    return "tool_calls" if has_calls and normal in ("stop", "other") else normal


class OpenAIReader:
    """Reads a stream of chat completion chunks."""

    def __init__(self, *, provider: str) -> None:
        self._provider = provider
        self._reason = ""
        self._model: str | None = None
        self._usage: object = None
        self._calls: list[_Open] = []
        self._frame = Frame()
        self._words = Tally()
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the finish reason has been seen."""
        return bool(self._reason)

    def read(self, event: Event) -> Sequence[Delta]:
        """Turn one chunk into deltas; raises as `Reader.read` says."""
        data = event.data
        text = self._frame.text(data) if event.name == "message" else None
        if text is not None:
            return (TextDelta(text),)
        if data == "[DONE]":
            self.done = True
            return ()
        return () if not data or data.isspace() else self._read(event)

    def usage(self) -> Usage | None:
        """Tokens reported so far."""
        return openai_usage(self._usage)

    def finish(self) -> FinishDelta:
        """Close the answer; raises as `Reader.finish` says."""
        if not self._reason:
            raise BadAnswer("the stream was cut before the answer was finished")
        reason = _reason(self._reason, has_calls=bool(self._calls))
        return FinishDelta(reason, self._model, logprobs=self._words.figures())

    def _read(self, event: Event) -> Sequence[Delta]:
        chunk = as_object(decode(event.data))
        if not chunk:
            raise BadAnswer("a chunk of the stream is not a JSON object")
        if event.name == "error":
            raise FailureInAnswer(chunk.get("error") or chunk)
        choice = _choice(chunk)
        if self._model is None:
            self._model = as_text(chunk.get("model")) or None
        usage = chunk.get("usage")
        if not usage and "x_groq" in chunk:
            usage = as_object(chunk["x_groq"]).get("usage")
        if usage:
            self._usage = usage
        deltas = self._piece(choice) if choice else ()
        logprobs = choice.get("logprobs")
        if logprobs:
            self._words.add(logprobs)
        # A chunk with figures of its own is like no other.
        elif len(deltas) == 1 and not (usage or self._reason):
            content = as_object(choice.get("delta")).get("content")
            if isinstance(content, str) and content:
                self._frame.learn(event.data, text=content)
        return deltas

    def _piece(self, choice: Json) -> Sequence[Delta]:
        reason = choice.get("finish_reason")
        if reason:
            self._reason = str(reason)
        delta = as_object(choice.get("delta"))
        content = delta.get("content")
        if len(delta) == 1 and isinstance(content, str):
            # Nearly every chunk is nothing but a piece of text.
            return (TextDelta(content),) if content else ()
        return self._delta(delta) if delta else ()

    def _delta(self, delta: Json) -> list[Delta]:
        deltas: list[Delta] = []
        found = _thought(delta)
        if found is not None:
            deltas.append(ReasoningDelta(found[0], found[1]))
        content = delta.get("content")
        if content:
            text, thoughts = _content(content)
            if thoughts:
                deltas.append(ReasoningDelta(thoughts))
            if text:
                deltas.append(TextDelta(text))
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            deltas.append(TextDelta(refusal))
        if delta.get("tool_calls"):
            deltas.extend(map(self._call, map(as_object, as_list(delta["tool_calls"]))))
        return deltas

    def _call(self, raw: Json) -> ToolCallDelta:
        function = as_object(raw.get("function"))
        call_id, name = as_text(raw.get("id")) or None, as_text(function.get("name")) or None
        arguments = function.get("arguments")
        if arguments and not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        return ToolCallDelta(
            number=self._number(raw.get("index"), call_id=call_id, name=name),
            id=call_id,
            name=name,
            arguments=as_text(arguments),
            signature=_mark(raw, provider=self._provider),
        )

    def _number(self, index: object, *, call_id: str | None, name: str | None) -> int:
        """Number the calls ourselves: some servers give every parallel call the same index."""
        for number in range(len(self._calls) - 1, -1, -1):
            known = self._calls[number]
            if known.label == index:
                if call_id and name and known.call_id not in (None, call_id):
                    break
                return number
        self._calls.append(_Open(index, call_id))
        return len(self._calls) - 1


class _Open(NamedTuple):
    label: object
    call_id: str | None
