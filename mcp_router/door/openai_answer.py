"""Answers as OpenAI's clients read them: a chat completion, whole or in chunks.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from mcp_router.door.facts import facts_of
from mcp_router.door.shapes import as_bytes

if TYPE_CHECKING:
    from mcp_router.door.asked import Asked
    from mcp_router.types import Completion, ToolCall, Usage

_REASONS = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}
DONE = b"data: [DONE]\n\n"


class OpenAISpeech:
    """Writes answers of one request."""

    def __init__(self, asked: Asked, *, request_id: str) -> None:
        self._asked = asked
        self._request_id = request_id
        self._created = int(time.time())
        self._model = ""
        self._calls = 0

    def whole(self, done: Completion) -> dict[str, Any]:
        """Write an answer that has ended."""
        message: dict[str, Any] = {"role": "assistant", "content": done.content, "refusal": None}
        thinking = "".join(one.text for one in done.reasoning)
        if thinking:
            message["reasoning_content"] = thinking
        if done.tool_calls:
            message["content"] = done.content or None
            message["tool_calls"] = [_call(one) for one in done.tool_calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _reason(done),
        }
        return {
            **self._head("chat.completion", done.model),
            "choices": [choice],
            "usage": usage_body(done.usage),
            "x_router": facts_of(done),
        }

    def begin(self, model: str) -> bytes:
        """Begin a stream."""
        self._model = model
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        """Write a piece of the answer."""
        return self._chunk({"content": text})

    def thought(self, text: str) -> bytes:
        """Write a piece of the thinking, where DeepSeek and those compatible with it put it."""
        return self._chunk({"reasoning_content": text})

    def tool_call(self, call: ToolCall) -> bytes:
        """Write a tool call."""
        self._calls += 1
        return self._chunk({"tool_calls": [{"index": self._calls - 1, **_call(call)}]})

    def end(self, done: Completion) -> bytes:
        """End a stream; what is known only now goes into its last chunk."""
        last: dict[str, Any] = {"x_router": facts_of(done)}
        if not self._asked.stream_usage:
            return self._chunk({}, reason=_reason(done), more=last) + DONE
        tail: dict[str, Any] = self._head("chat.completion.chunk", self._model)
        tail |= {"choices": [], "usage": usage_body(done.usage), **last}
        return self._chunk({}, reason=_reason(done)) + _frame(tail) + DONE

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {
            "id": self._request_id.replace("req_", "chatcmpl-"),
            "object": kind,
            "created": self._created,
            "model": model,
        }

    def _chunk(
        self,
        delta: dict[str, Any],
        *,
        reason: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        body = {**self._head("chat.completion.chunk", self._model), "choices": [choice]}
        if self._asked.stream_usage:
            body["usage"] = None
        return _frame({**body, **(more or {})})


def usage_body(usage: Usage) -> dict[str, Any]:
    """Write a usage: here the prompt counts with what was cached, the answer with its thinking."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    answer = usage.output_tokens + usage.reasoning_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, default=dict)
    body: dict[str, Any] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
    if call.signature is not None:
        # Some providers refuse a history whose calls have lost it.
        body["extra_content"] = {"signature": call.signature}
    return body


def _reason(done: Completion) -> str:
    if done.finish_reason == "content_filter":
        return "content_filter"
    return _REASONS.get(done.finish_reason, "tool_calls" if done.tool_calls else "stop")


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + as_bytes(body) + b"\n\n"
