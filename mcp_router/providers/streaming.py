"""A streamed answer as it comes from the network, within deadlines and limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from math import inf
from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import ProviderError
from mcp_router.providers.deadlines import Timer
from mcp_router.providers.exchange import MAX_ANSWER_BYTES, Exchange
from mcp_router.providers.failures import malformed
from mcp_router.providers.sse import Event, EventTooLarge, SSEParser
from mcp_router.providers.verdict import UNREADABLE, check_finish, verdict
from mcp_router.providers.wire import (
    Delta,
    FinishDelta,
    Reader,
    ReasoningDelta,
    Reply,
    Target,
)

if TYPE_CHECKING:
    import httpx2

# After the finish reason only the usage and the end marker can follow, and neither is worth a wait.
_TAIL_SECONDS = 1.0
_DRAIN_SECONDS = 0.05


class DeltaSource:
    """Reads one streamed answer; `chunks` are the bytes of its body, owned by the caller."""

    def __init__(
        self, target: Target, reader: Reader, *, timer: Timer, chunks: AsyncGenerator[bytes]
    ) -> None:
        import httpx2

        self._late = httpx2.ReadTimeout
        self._cuts = (httpx2.TransportError, httpx2.DecodingError)
        self._target = target
        self._reader = reader
        self._timer = timer
        self._chunks = chunks
        self._parser = SSEParser()
        self._size = 0
        self._empty = True
        self._ended = False
        self._failure: ProviderError | None = None
        self._tail_at = inf

    async def next(self) -> Sequence[Delta] | None:
        """Wait for the next bytes and give what they add to the answer; None after the last.

        The idle deadline starts when this is called again: the caller's own time is its own.

        Raises:
            ProviderError: the stream is late, cut, too large, broken or reports a failure.
        """
        if self._failure is not None:
            raise self._failure
        if self._ended or self._reader.done:
            return None
        deltas = self._read(self._events(await self._chunk()))
        if deltas:
            self._timer.progress()
        return deltas

    def finish(self) -> FinishDelta:
        """Close the answer.

        Raises:
            ProviderError: it was cut, given up or filtered.
        """
        try:
            finish = self._reader.finish()
        except UNREADABLE as fault:
            raise verdict(self._target, fault) from None
        check_finish(self._target, finish.reason, empty=self._empty)
        return finish

    async def drain(self) -> None:
        """Read on to the end of the body, so that its connection can be used again."""
        with anyio.move_on_after(_DRAIN_SECONDS):
            try:
                while await anext(self._chunks, None) is not None:
                    pass
            except self._cuts:
                return

    def _read(self, events: list[Event]) -> Sequence[Delta]:
        """Read events up to a failure, which is raised after what came before it is passed on."""
        deltas: Sequence[Delta] = ()
        try:
            for event in events:
                found = self._reader.read(event)
                deltas = [*deltas, *found] if deltas else found
        except UNREADABLE as fault:
            failure = verdict(self._target, fault)
            if not deltas:
                raise failure from None
            self._failure = failure
        if self._empty:
            self._empty = all(isinstance(delta, ReasoningDelta) for delta in deltas)
        return deltas

    def _events(self, chunk: bytes | None) -> list[Event]:
        if chunk is None:
            self._ended = True
            return self._parser.close()
        self._size += len(chunk)
        if self._size > MAX_ANSWER_BYTES:
            raise malformed(self._target, f"the answer passes {MAX_ANSWER_BYTES} bytes")
        try:
            return self._parser.feed(chunk)
        except EventTooLarge as fault:
            raise verdict(self._target, fault) from None

    async def _chunk(self) -> bytes | None:
        finished = self._reader.finished
        try:
            if finished:
                # One deadline for all that follows, for a server may say for ever that it lives.
                self._tail_at = min(self._tail_at, anyio.current_time() + _TAIL_SECONDS)
                with anyio.CancelScope(deadline=self._tail_at):
                    return await anext(self._chunks, None)
                return None
            if self._timer.guarded():
                return await anext(self._chunks, None)
            return await self._timer.wait(anext(self._chunks, None))
        except self._cuts as error:
            if finished:
                return None
            if isinstance(error, self._late):
                raise self._timer.expired() from error
            raise malformed(self._target, "the stream was cut") from error


async def whole_answer(
    response: httpx2.Response, *, exchange: Exchange, timer: Timer
) -> Reply | None:
    """Read an answer that came whole, from a server that does not stream; None if it streams.

    Raises:
        ProviderError: it is a web page, a failure sent as a success, cut or filtered.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/html"):
        return None
    return exchange.read(await timer.wait(exchange.body(response)))
