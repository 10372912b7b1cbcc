"""The router's answers as LangChain's messages and chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_mcp_router.messages import REPLAY_KEY
from langchain_mcp_router.providers import langchain_provider
from langchain_mcp_router.usage import usage_metadata
from mcp_router import (
    AttemptEvent,
    Completion,
    DeltaEvent,
    DoneEvent,
    MalformedResponseError,
    Reasoning,
    ReasoningEvent,
    RestartEvent,
    StreamEvent,
)

# What LangSmith's tracer reads to say which model really answered; its name is in
# langchain_core.utils._gateway, which is private.
_TRACED_KEY = "lc_gateway_metadata"

_DETAILS = {"latency_ms", "first_token_ms", "attempts", "mode", "confidence", "warnings"}

Json = dict[str, Any]


def response_metadata(done: Completion) -> Json:
    """Say who answered, why it ended, what it cost in decimal USD, and every attempt it took."""
    told = done.model_dump(mode="json", include=_DETAILS | {"cost_usd"})
    return {
        "model_name": done.model,
        "model_provider": langchain_provider(done.provider),
        "finish_reason": done.finish_reason,
        "decision_id": done.decision_id,
        "cost_usd": told.pop("cost_usd"),
        "router": told,
    }


def traced(done: Completion) -> Json:
    """Give the generation info from which tracers take the real model and provider."""
    return {
        _TRACED_KEY: {"provider": langchain_provider(done.provider), "model": done.model},
    }


def with_warnings(done: Completion, warnings: tuple[str, ...]) -> Completion:
    """Add warnings of the adapter to those of the router."""
    return done.model_copy(update={"warnings": (*done.warnings, *warnings)}) if warnings else done


class Answers:
    """Writes the answer to one call, whole or in pieces; `warnings` are the adapter's own.

    A stream's content is plain text, or v1 blocks where the model thinks before it speaks.
    """

    def __init__(self, warnings: tuple[str, ...] = ()) -> None:
        self._warnings = warnings
        self._source = ("", "")
        self._blocks = False
        self._began = False

    def result(self, done: Completion) -> ChatResult:
        """Write a whole answer."""
        done = with_warnings(done, self._warnings)
        calls = [
            tool_call(id=one.id, name=one.name, args=dict(one.arguments)) for one in done.tool_calls
        ]
        message = AIMessage(
            content=_content(done),
            tool_calls=calls,
            additional_kwargs=_replay(done),
            response_metadata=response_metadata(done) | _version(done),
            usage_metadata=usage_metadata(done.usage),
        )
        return ChatResult(
            generations=[ChatGeneration(message=message, generation_info=traced(done))]
        )

    def chunks(self, event: StreamEvent) -> Iterator[ChatGenerationChunk]:
        """Write what an event of the router adds to the answer.

        Raises:
            MalformedResponseError: a stream broke after it was given, and cannot be taken back.
        """
        if isinstance(event, DeltaEvent):
            yield self._text(event.text)
        elif isinstance(event, ReasoningEvent):
            yield from self._reasoning(event.text)
        elif isinstance(event, AttemptEvent):
            self._source = (event.provider, event.model)
        elif isinstance(event, RestartEvent):
            raise broken_off(event, provider=self._source[0])
        elif isinstance(event, DoneEvent):
            yield from self._end(with_warnings(event.result, self._warnings))

    def _text(self, text: str) -> ChatGenerationChunk:
        self._began = True
        if not self._blocks:
            return _chunk(AIMessageChunk(content=text))
        return self._block({"type": "text", "text": text, "index": 1})

    def _reasoning(self, text: str) -> Iterator[ChatGenerationChunk]:
        self._blocks = self._blocks or not self._began
        self._began = True
        # Plain text that has begun has no place for thoughts.
        if self._blocks:
            yield self._block({"type": "reasoning", "reasoning": text, "index": 0})

    def _end(self, done: Completion) -> Iterator[ChatGenerationChunk]:
        """Write the tool calls, then usage and metadata, which come once."""
        for index, call in enumerate(done.tool_calls):
            arguments = json.dumps(dict(call.arguments), default=dict, ensure_ascii=False)
            piece = tool_call_chunk(name=call.name, args=arguments, id=call.id, index=index)
            block = {**piece, "type": "tool_call_chunk", "index": index + 2}
            message = AIMessageChunk(
                content=[block] if self._blocks else "",
                tool_call_chunks=[piece],
                response_metadata=self._version(),
            )
            yield _chunk(message)
        message = AIMessageChunk(
            content=self._signature(done),
            additional_kwargs=_replay(done),
            response_metadata=response_metadata(done) | self._version(),
            usage_metadata=usage_metadata(done.usage),
            chunk_position="last",
        )
        yield _chunk(message, traced(done))

    def _block(self, block: Json) -> ChatGenerationChunk:
        return _chunk(AIMessageChunk(content=[block], response_metadata=self._version()))

    def _signature(self, done: Completion) -> str | list[str | Json]:
        if not self._blocks:
            return ""
        signed = [one.signature for one in done.reasoning if one.signature]
        if len(done.reasoning) != 1 or not signed:
            return []
        extras = {"signature": signed[0]}
        return [{"type": "reasoning", "extras": extras, "index": 0}]

    def _version(self) -> Json:
        return {"output_version": "v1"} if self._blocks else {}


def broken_off(event: RestartEvent, *, provider: str) -> MalformedResponseError:
    """Say that a stream broke off in the middle of an answer that was given to the caller."""
    return MalformedResponseError(
        provider=provider,
        model=event.model,
        problem=f"its answer broke off in the middle, {event.reason}",
        hint="What was given cannot be taken back, so another model was not asked; ask again.",
    )


def _chunk(message: AIMessageChunk, info: Json | None = None) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=message, generation_info=info)


def _content(done: Completion) -> str | list[str | Json]:
    if not done.reasoning:
        return done.content
    blocks: list[str | Json] = [_thought(one) for one in done.reasoning]
    if done.content:
        blocks.append({"type": "text", "text": done.content})
    calls = done.tool_calls
    blocks += [
        {"type": "tool_call", "id": one.id, "name": one.name, "args": dict(one.arguments)}
        for one in calls
    ]
    return blocks


def _thought(reasoning: Reasoning) -> Json:
    block: Json = {"type": "reasoning", "reasoning": reasoning.text}
    return block | ({"extras": {"signature": reasoning.signature}} if reasoning.signature else {})


def _version(done: Completion) -> Json:
    return {"output_version": "v1"} if done.reasoning else {}


def _replay(done: Completion) -> Json:
    """Keep what its provider wants to see again and no field of a LangChain message holds."""
    kept: Json = {}
    if any(one.signature for one in done.reasoning):
        kept["reasoning"] = [one.model_dump(mode="json") for one in done.reasoning]
    signatures = {one.id: one.signature for one in done.tool_calls if one.signature}
    if signatures:
        kept["signatures"] = signatures
    return {REPLAY_KEY: kept} if kept else {}
