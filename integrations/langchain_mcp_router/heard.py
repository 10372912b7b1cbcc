"""What a chat model says, as the router hears it: enough to judge it and to pay for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_mcp_router.usage import usage_of
from mcp_router import (
    FinishDelta,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UsageDelta,
)

Delta = TextDelta | ReasoningDelta | ToolCallDelta | UsageDelta | FinishDelta

_REASONS = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "prohibited_content": "content_filter",
}
_THOUGHTS = ("thinking", "reasoning")
_BESIDE = frozenset({"text", "tool_call", "tool_use", "tool_call_chunk", "input_json_delta"})


def reply_of(result: ChatResult) -> Reply:
    """Read a whole answer."""
    generation = result.generations[0]
    message = cast("AIMessage", generation.message)
    inside = {**(result.llm_output or {}), **(generation.generation_info or {})}
    calls = tuple(
        ToolCall(id=call["id"] or "", name=call["name"], arguments=call["args"])
        for call in message.tool_calls
    )
    return Reply(
        content=message.text or _shown(message),
        tool_calls=calls,
        finish_reason=_reason({**inside, **message.response_metadata}, called=bool(calls)),
        usage=usage_of(message.usage_metadata),
    )


class Hearing:
    """Follows one stream."""

    def __init__(self) -> None:
        self._usage: UsageMetadata | None = None
        self._metadata: dict[str, Any] = {}
        self._calls: dict[object, int] = {}
        self._shown = ""
        self.spoke = False

    def deltas(self, chunk: ChatGenerationChunk) -> Iterator[Delta]:
        """Read a piece of the answer."""
        message = cast("AIMessageChunk", chunk.message)
        self._metadata |= {**(chunk.generation_info or {}), **message.response_metadata}
        if message.usage_metadata is not None:
            self._usage = add_usage(self._usage, message.usage_metadata)
            yield from self._used()
        thought = _thought(message)
        if thought:
            self.spoke = True
            yield ReasoningDelta(thought)
        if message.text:
            self.spoke = True
            yield TextDelta(message.text)
        self._shown = self._shown or _shown(message)
        for piece in message.tool_call_chunks:
            self.spoke = True
            number = self._number(piece.get("index"), call_id=piece.get("id"))
            name, arguments = piece.get("name"), piece.get("args") or ""
            yield ToolCallDelta(number, piece.get("id"), name, arguments)

    def _used(self) -> Iterator[Delta]:
        found = usage_of(self._usage)
        if found is not None:
            yield UsageDelta(found)

    def end(self) -> Iterator[Delta]:
        """Close the answer."""
        if self._shown:
            yield TextDelta(self._shown)
        yield FinishDelta(_reason(self._metadata, called=bool(self._calls)))

    def _number(self, index: object, *, call_id: str | None) -> int:
        key = index if index is not None else call_id
        if key is None:
            # A piece that names neither goes on with the last call.
            return max(0, len(self._calls) - 1)
        return self._calls.setdefault(key, len(self._calls))


def _thought(message: AIMessageChunk) -> str:
    told = message.additional_kwargs.get("reasoning_content")
    texts = [told] if isinstance(told, str) else []
    for block in _blocks(message):
        kind = block.get("type")
        texts += [str(block[key]) for key in _THOUGHTS if kind in _THOUGHTS and block.get(key)]
    return "".join(texts)


def _shown(message: BaseMessage) -> str:
    """Name what an answer holds besides text, so that an image is not taken for nothing."""
    kinds = [str(one.get("type")) for one in _blocks(message)]
    other = [kind for kind in kinds if kind not in _BESIDE and kind not in _THOUGHTS]
    return f"[{', '.join(dict.fromkeys(other))}]" if other else ""


def _blocks(message: BaseMessage) -> list[Mapping[str, Any]]:
    content = message.content
    if isinstance(content, str):
        return []
    return [cast("Mapping[str, Any]", one) for one in content if isinstance(one, dict)]


def _reason(metadata: Mapping[str, Any], *, called: bool) -> str:
    said = metadata.get("stop_reason") or metadata.get("finish_reason")
    incomplete = metadata.get("incomplete_details")
    if isinstance(incomplete, Mapping):
        said = cast("Mapping[str, Any]", incomplete).get("reason") or said
    found = _REASONS.get(str(said or "").lower(), "stop")
    return "tool_calls" if called and found == "stop" else found
