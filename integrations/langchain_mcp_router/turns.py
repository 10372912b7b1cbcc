"""One call as delegates answer it: what they said goes to the caller as they said it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_mcp_router.answers import broken_off, response_metadata, traced
from langchain_mcp_router.usage import usage_metadata
from mcp_router import AttemptEvent, Completion, DoneEvent, RestartEvent, StreamEvent

Json = dict[str, Any]


class Turn:
    """Keeps what the caller asked for the delegates, and what they answered for the caller.

    Attributes:
        tools: the tools that were bound, as the caller bound them.
        given: further arguments of the call.
    """

    def __init__(self, *, tools: Sequence[object], given: Mapping[str, Any]) -> None:
        self.tools = tools
        self.given = given
        self._results: dict[str, ChatResult] = {}
        self._waiting = deque[ChatGenerationChunk]()
        self._seen: set[str] = set()
        self._counted = False
        self._provider = ""

    def answered(self, model: str, result: ChatResult) -> None:
        """Keep a whole answer."""
        self._results[model] = result

    def begun(self) -> None:
        """Forget what a stream said that nobody was told."""
        self._waiting.clear()

    def heard(self, chunk: ChatGenerationChunk) -> None:
        """Keep a piece of a streamed answer until the caller may be told."""
        self._waiting.append(chunk)

    def result(self, done: Completion) -> ChatResult:
        """Give the delegate's own answer, with what the router has to say of it."""
        result = self._results[done.model]
        generation = result.generations[0]
        inside = {**(result.llm_output or {}), **(generation.generation_info or {})}
        message = generation.message
        theirs = {**inside, **message.response_metadata}
        message.response_metadata = {**message.response_metadata, **_added(done, theirs)}
        generation.generation_info = {**(generation.generation_info or {}), **traced(done)}
        return result

    def chunks(self, event: StreamEvent) -> Iterator[ChatGenerationChunk]:
        """Give the pieces that an event of the router lets through.

        Raises:
            MalformedResponseError: a stream broke after it was given, and cannot be taken back.
        """
        if isinstance(event, RestartEvent):
            raise broken_off(event, provider=self._provider)
        if isinstance(event, AttemptEvent):
            self._provider = event.provider
            return
        while self._waiting:
            yield self._passed_on(self._waiting.popleft())
        if isinstance(event, DoneEvent):
            yield self._last(event.result)

    def _passed_on(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        message = chunk.message
        self._seen |= {*message.response_metadata, *(chunk.generation_info or {})}
        if isinstance(message, AIMessageChunk):
            # The last piece is the router's own.
            message.chunk_position = None
            self._counted = self._counted or message.usage_metadata is not None
        return chunk

    def _last(self, done: Completion) -> ChatGenerationChunk:
        message = AIMessageChunk(
            content=[] if "output_version" in self._seen else "",
            response_metadata=_added(done, dict.fromkeys(self._seen, True)),
            usage_metadata=None if self._counted else usage_metadata(done.usage),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message, generation_info=traced(done))


def _added(done: Completion, theirs: Mapping[str, object]) -> Json:
    """Give what the delegate itself did not say, under the names all answers have in common."""
    own = response_metadata(done)
    if theirs.get("stop_reason"):
        own.pop("finish_reason")
    return {name: value for name, value in own.items() if not theirs.get(name)}
