"""Putting a streamed answer together again."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mcp_router.providers.reading import decode_arguments, tool_call
from mcp_router.providers.wire import (
    BadAnswer,
    Delta,
    FinishDelta,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from mcp_router.types import Reasoning, ToolCall, Usage

CUT_CALL = "a tool call was cut by the token limit and left out"


class _Thought:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.signature: str | None = None
        self.redacted = False


class _Call:
    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.signature: str | None = None


class Assembler:
    """Collects the deltas of one stream, and gives the reply at any moment."""

    def __init__(self, *, provider: str) -> None:
        self._provider = provider
        self._text: list[str] = []
        self._thoughts: dict[int, _Thought] = {}
        self._calls: dict[int, _Call] = {}
        self._usage: Usage | None = None
        self._finish: FinishDelta | None = None

    def add(self, delta: Delta) -> None:
        """Take the next delta."""
        if isinstance(delta, TextDelta):
            self._text.append(delta.text)
        elif isinstance(delta, ToolCallDelta):
            call = self._calls.setdefault(delta.number, _Call())
            call.id = call.id or delta.id or ""
            call.name = call.name or delta.name or ""
            call.signature = delta.signature or call.signature
            call.arguments.append(delta.arguments)
        elif isinstance(delta, ReasoningDelta):
            thought = self._thoughts.setdefault(delta.number, _Thought())
            thought.text.append(delta.text)
            thought.signature = delta.signature or thought.signature
            thought.redacted = thought.redacted or delta.redacted
        elif isinstance(delta, UsageDelta):
            self._usage = delta.usage
        else:
            self._finish = delta

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    def reply(self) -> Reply:
        """Give the answer so far; its finish reason is "error" until the stream has ended.

        Raises:
            BadAnswer: a tool call is not whole, and the token limit is not the reason.
        """
        finish = self._finish or FinishDelta("error")
        calls: list[ToolCall] = []
        warnings = finish.warnings
        for number, call in self._calls.items():
            try:
                calls.append(_whole(call, number=number))
            except BadAnswer:
                if finish.reason != "length":
                    raise
                warnings = (*warnings, CUT_CALL)
        return Reply(
            content=self.text,
            tool_calls=tuple(calls),
            reasoning=tuple(self._reasoning(one) for one in self._thoughts.values()),
            finish_reason=finish.reason,
            usage=self._usage,
            model=finish.model,
            warnings=warnings,
            logprobs=finish.logprobs,
        )

    def _reasoning(self, thought: _Thought) -> Reasoning:
        return Reasoning(
            text="".join(thought.text),
            signature=thought.signature,
            provider=self._provider,
            redacted=thought.redacted,
        )


def deltas_of(reply: Reply) -> Iterator[Delta]:
    """Give a whole reply as the deltas that `Assembler` would put together to it."""
    for number, thought in enumerate(reply.reasoning):
        yield ReasoningDelta(thought.text, thought.signature, thought.redacted, number)
    if reply.content:
        yield TextDelta(reply.content)
    for number, call in enumerate(reply.tool_calls):
        arguments = json.dumps(call.arguments, default=dict)
        yield ToolCallDelta(number, call.id, call.name, arguments, call.signature)
    if reply.usage is not None:
        yield UsageDelta(reply.usage)
    yield FinishDelta(reply.finish_reason, reply.model, reply.warnings, reply.logprobs)


def _whole(call: _Call, *, number: int) -> ToolCall:
    arguments = decode_arguments("".join(call.arguments))
    return tool_call(call.id or f"call_{number}", call.name, arguments, signature=call.signature)
