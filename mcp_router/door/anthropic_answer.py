"""Answers as Anthropic's clients read them: a message, whole or as events.

Source: https://docs.claude.com/en/api/messages, https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcp_router.door.facts import facts_of
from mcp_router.door.shapes import as_bytes

if TYPE_CHECKING:
    from mcp_router.types import Completion, Reasoning, ToolCall, Usage

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


class AnthropicSpeech:
    """Writes answers of one request; a stream numbers its blocks and has one open at a time."""

    def __init__(self, *, request_id: str) -> None:
        self._request_id = request_id
        self._blocks = 0
        self._open = ""

    def whole(self, done: Completion) -> dict[str, Any]:
        """Write an answer that has ended."""
        content = [_thinking(one) for one in done.reasoning]
        if done.content or not done.tool_calls:
            content.append({"type": "text", "text": done.content})
        content += [_tool_use(one, arguments=dict(one.arguments)) for one in done.tool_calls]
        return {
            **self._head(done.model),
            "content": content,
            "stop_reason": _reason(done),
            "stop_sequence": None,
            "usage": usage_body(done.usage),
            "x_router": facts_of(done),
        }

    def begin(self, model: str) -> bytes:
        """Begin a stream; what the prompt took is known at its end."""
        message: dict[str, Any] = {
            **self._head(model),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return _event("message_start", {"message": message})

    def text(self, text: str) -> bytes:
        """Write a piece of the answer."""
        start = self._opened("text", {"type": "text", "text": ""})
        return start + self._delta({"type": "text_delta", "text": text})

    def thought(self, text: str) -> bytes:
        """Write a piece of the thinking."""
        start = self._opened("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        return start + self._delta({"type": "thinking_delta", "thinking": text})

    def tool_call(self, call: ToolCall) -> bytes:
        """Write a tool call, in a block of its own."""
        start = self._closed() + self._opened("tool", _tool_use(call, arguments={}))
        arguments = json.dumps(call.arguments, default=dict)
        delta = self._delta({"type": "input_json_delta", "partial_json": arguments})
        return start + delta + self._closed()

    def end(self, done: Completion) -> bytes:
        """End a stream."""
        head = b""
        if not self._blocks:
            head = self._opened("text", {"type": "text", "text": ""})
        told = {
            "delta": {"stop_reason": _reason(done), "stop_sequence": None},
            "usage": usage_body(done.usage),
            "x_router": facts_of(done),
        }
        return head + self._closed() + _event("message_delta", told) + _event("message_stop", {})

    def _head(self, model: str) -> dict[str, Any]:
        return {
            "id": self._request_id.replace("req_", "msg_"),
            "type": "message",
            "role": "assistant",
            "model": model,
        }

    def _opened(self, kind: str, block: dict[str, Any]) -> bytes:
        if self._open == kind:
            return b""
        before = self._closed()
        self._open = kind
        self._blocks += 1
        told = {"index": self._blocks - 1, "content_block": block}
        return before + _event("content_block_start", told)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", {"index": self._blocks - 1, "delta": delta})

    def _closed(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _event("content_block_stop", {"index": self._blocks - 1})


def usage_body(usage: Usage) -> dict[str, Any]:
    """Write a usage: the prompt is what was neither read from a cache nor put in one."""
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens + usage.reasoning_tokens,
    }


def _thinking(thought: Reasoning) -> dict[str, Any]:
    # The provider goes along, as only it takes its own signature back.
    mark = f"{thought.provider}:{thought.signature}" if thought.signature else ""
    if thought.redacted:
        return {"type": "redacted_thinking", "data": mark}
    return {"type": "thinking", "thinking": thought.text, "signature": mark}


def _tool_use(call: ToolCall, *, arguments: dict[str, Any]) -> dict[str, Any]:
    plain = json.loads(json.dumps(arguments, default=dict))
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": plain}


def _reason(done: Completion) -> str:
    return _REASONS.get(done.finish_reason, "tool_use" if done.tool_calls else "end_turn")


def _event(name: str, body: dict[str, Any]) -> bytes:
    data = as_bytes({"type": name, **body})
    return b"event: " + name.encode("ascii") + b"\ndata: " + data + b"\n\n"
