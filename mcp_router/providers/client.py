"""The network client: sends calls to providers and reads their answers, whole or streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mcp_router.errors import ProviderError
from mcp_router.providers.assemble import deltas_of
from mcp_router.providers.deadlines import Deadlines, Timer
from mcp_router.providers.exchange import Exchange, chunks_of, greet
from mcp_router.providers.failures import bad_key
from mcp_router.providers.pool import ConnectionPool
from mcp_router.providers.streaming import DeltaSource, whole_answer
from mcp_router.providers.wire import Call, Delta, Reply, Target, UsageDelta
from mcp_router.providers.wires import WIRES

if TYPE_CHECKING:
    import httpx2

DEADLINES = Deadlines()


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


class ProviderClient:
    """Sends calls. One is enough for a process: connections are shared within each event loop.

    Nothing is retried here, redirects are not followed (they would carry the key elsewhere), and
    keys travel in headers only.
    """

    def __init__(
        self,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._pool = ConnectionPool(transport=transport)
        self._now = now
        # (provider, model) that refuse to tell token probabilities: asked once, not every time.
        self._shy: set[tuple[str, str]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; those of other loops close with them."""
        await self._pool.aclose()

    async def connect(self, target: Target, *, deadlines: Deadlines = DEADLINES) -> None:
        """Open a connection ahead of the first call; no key is sent and nothing is paid.

        Raises:
            ProviderError: the provider cannot be reached.
        """
        timer = Timer(target, deadlines, stream=False)
        await timer.wait(greet(self._pool, target, deadlines=deadlines))

    async def complete(
        self, target: Target, call: Call, *, deadlines: Deadlines = DEADLINES
    ) -> Reply:
        """Send a call and wait for the whole answer.

        Raises:
            ProviderError: one of its kinds; ProviderTimeout names connect or total.
            InvalidRequestError: the messages make no sense to any provider.
        """
        target = _with_usable_key(target)
        exchange = self._exchange(target, call, stream=False, deadlines=deadlines)
        timer = Timer(target, deadlines, stream=False)
        body = await timer.wait(exchange.post(self._pool))
        self._learn(target, exchange)
        return exchange.read(body)

    async def stream(
        self, target: Target, call: Call, *, deadlines: Deadlines = DEADLINES
    ) -> AsyncGenerator[Delta]:
        """Send a call and give its answer piece by piece, ending in exactly one FinishDelta.

        A stream without a FinishDelta has failed, and what came before it is not an answer. What
        was used by then is told in a UsageDelta before the error is raised.

        Raises:
            ProviderError: one of its kinds; ProviderTimeout names the deadline.
            InvalidRequestError: the messages make no sense to any provider.
        """
        target = _with_usable_key(target)
        exchange = self._exchange(target, call, stream=True, deadlines=deadlines)
        reader = WIRES[target.provider.wire].reader(provider=target.provider.name)
        timer = Timer(target, deadlines, stream=True)
        response = await timer.wait(exchange.open(self._pool))
        self._learn(target, exchange)
        try:
            reply = await whole_answer(response, exchange=exchange, timer=timer)
            if reply is not None:
                for delta in deltas_of(reply):
                    yield delta
                return
            async with aclosing(chunks_of(response)) as chunks:
                source = DeltaSource(target, reader, timer=timer, chunks=chunks)
                while (deltas := await source.next()) is not None:
                    for delta in deltas:
                        yield delta
                finish = source.finish()
                usage = reader.usage()
                if usage is not None:
                    yield UsageDelta(usage)
                yield finish._replace(warnings=exchange.warnings)
                await source.drain()
        except ProviderError as error:
            usage = reader.usage() or error.usage
            if usage is not None:
                yield UsageDelta(usage)
            raise
        finally:
            await response.aclose()

    def _exchange(
        self, target: Target, call: Call, *, stream: bool, deadlines: Deadlines
    ) -> Exchange:
        if call.logprobs and (target.provider.name, target.model.name) in self._shy:
            call = replace(call, logprobs=False)
        return Exchange(target, call, stream=stream, deadlines=deadlines, now=self._now)

    def _learn(self, target: Target, exchange: Exchange) -> None:
        if exchange.shy:
            self._shy.add((target.provider.name, target.model.name))


def _with_usable_key(target: Target) -> Target:
    """Check the key before it meets the network, whose errors would quote a bad one."""
    key = (target.api_key or "").strip()
    if not key and target.provider.api_key_env:
        raise bad_key(target)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise bad_key(target)
    return target if key == target.api_key else replace(target, api_key=key or None)
