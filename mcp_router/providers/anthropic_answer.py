"""Answers on the Anthropic wire, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mcp_router.providers.frame import Frame
from mcp_router.providers.reading import as_list, as_object, as_text, decode, tool_call
from mcp_router.providers.sse import Event
from mcp_router.providers.usage import anthropic_usage
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

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def parse_answer(body: object, *, provider: str) -> Reply:
    """Read a message; raises as `Wire.parse` says."""
    answer = as_object(body)
    if answer.get("type") == "error" or answer.get("error"):
        raise FailureInAnswer(answer.get("error"))
    reason = as_text(answer.get("stop_reason"))
    if not isinstance(answer.get("content"), list) or not reason:
        raise BadAnswer("the answer was cut before it was finished")
    text: list[str] = []
    calls: list[ToolCall] = []
    reasoning: list[Reasoning] = []
    for block in map(as_object, as_list(answer["content"])):
        kind = block.get("type")
        if kind == "text":
            text.append(as_text(block.get("text")))
        elif kind == "tool_use":
            call_id, name = as_text(block.get("id")), as_text(block.get("name"))
            calls.append(tool_call(call_id, name, block.get("input"), signature=None))
        elif kind in ("thinking", "redacted_thinking"):
            reasoning.append(_reasoning(block, provider=provider))
    return Reply(
        content="".join(text),
        tool_calls=tuple(calls),
        reasoning=tuple(reasoning),
        finish_reason=_REASONS.get(reason, "other"),
        usage=anthropic_usage(answer.get("usage")),
        model=as_text(answer.get("model")) or None,
    )


def _reasoning(block: Json, *, provider: str) -> Reasoning:
    if block["type"] == "redacted_thinking":
        return Reasoning(signature=as_text(block.get("data")), redacted=True, provider=provider)
    signature = as_text(block.get("signature")) or None
    return Reasoning(text=as_text(block.get("thinking")), signature=signature, provider=provider)


class AnthropicReader:
    """Reads the events of a streamed message."""

    def __init__(self, *, provider: str) -> None:
        self._provider = provider
        self._reason = ""
        self._model: str | None = None
        self._usage: Json = {}
        self._call_numbers: dict[int, int] = {}
        self._frame = Frame()
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the stop reason has been seen."""
        return bool(self._reason)

    def read(self, event: Event) -> Sequence[Delta]:
        """Turn one event into deltas; raises as `Reader.read` says."""
        text = self._frame.text(event.data)
        if text is not None:
            return (TextDelta(text),)
        return self._read(event) if event.data.strip() else ()

    def usage(self) -> Usage | None:
        """Tokens reported so far."""
        return anthropic_usage(self._usage)

    def finish(self) -> FinishDelta:
        """Close the answer; raises as `Reader.finish` says."""
        if not self._reason:
            raise BadAnswer("the stream was cut before the answer was finished")
        return FinishDelta(_REASONS.get(self._reason, "other"), self._model)

    def _read(self, event: Event) -> Sequence[Delta]:
        data = as_object(decode(event.data))
        kind = data.get("type")
        if kind == "content_block_delta":
            deltas = self._delta(_number(data), as_object(data.get("delta")))
            if deltas and isinstance(deltas[0], TextDelta):
                self._frame.learn(event.data, text=deltas[0].text)
            return deltas
        if kind == "content_block_start":
            return self._start(_number(data), as_object(data.get("content_block")))
        if kind == "message_start":
            message = as_object(data.get("message"))
            self._model = as_text(message.get("model")) or None
            self._add_usage(message.get("usage"))
        elif kind == "message_delta":
            self._reason = as_text(as_object(data.get("delta")).get("stop_reason")) or self._reason
            self._add_usage(data.get("usage"))
        elif kind == "message_stop":
            self.done = True
        elif kind == "error" or data.get("error"):
            raise FailureInAnswer(data.get("error"))
        elif kind is None:
            raise BadAnswer("an event of the stream has no type")
        return ()

    def _add_usage(self, usage: object) -> None:
        # The counts are totals so far, and a later event may leave some out or null.
        self._usage |= {key: one for key, one in as_object(usage).items() if one is not None}

    def _start(self, index: int, block: Json) -> Sequence[Delta]:
        kind = block.get("type")
        if kind == "tool_use":
            number = self._call_numbers[index] = len(self._call_numbers)
            arguments = json.dumps(block["input"]) if block.get("input") else ""
            call_id, name = as_text(block.get("id")), as_text(block.get("name"))
            return (ToolCallDelta(number, id=call_id, name=name, arguments=arguments),)
        if kind == "redacted_thinking":
            data = as_text(block.get("data"))
            return (ReasoningDelta(signature=data, redacted=True, number=index),)
        text = as_text(block.get("text"))
        return (TextDelta(text),) if text else ()

    def _delta(self, index: int, delta: Json) -> Sequence[Delta]:
        kind = delta.get("type")
        if kind == "text_delta":
            text = delta.get("text")
            return (TextDelta(text),) if isinstance(text, str) and text else ()
        if kind == "input_json_delta":
            if index not in self._call_numbers:
                # The input of a tool that the provider runs itself.
                return ()
            fragment = as_text(delta.get("partial_json"))
            return (ToolCallDelta(self._call_numbers[index], arguments=fragment),)
        if kind == "thinking_delta":
            return (ReasoningDelta(as_text(delta.get("thinking")), number=index),)
        if kind == "signature_delta":
            signature = as_text(delta.get("signature"))
            return (ReasoningDelta(signature=signature, number=index),)
        return ()


def _number(event: Json) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0
