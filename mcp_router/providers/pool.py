"""One shared HTTP client for each running event loop, closed with the loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from anyio.lowlevel import EventLoopToken, current_token

if TYPE_CHECKING:
    import ssl

    import httpx2

# Measured (tests/benchmarks/bench_providers.py): up to 128 concurrent calls the limits do not
# change the CPU a call takes. So they are set by what is saved elsewhere: nobody queues for a
# connection, which would count as the provider's silence, and idle ones live long enough to spare
# an agent's next step the TLS handshake.
_MAX_CONNECTIONS = 1_000
_MAX_IDLE = 64
_IDLE_SECONDS = 60.0


class ClientPool:
    """Lends the client of the running event loop, building it on first use.

    A connection belongs to the loop it was opened in, so a client cannot serve two of them.
    """

    def __init__(self, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._tls: ssl.SSLContext | None = None
        self._clients: dict[EventLoopToken, httpx2.AsyncClient] = {}
        self._holders: dict[EventLoopToken, AsyncGenerator[None]] = {}

    async def client(self) -> httpx2.AsyncClient:
        """Give the client of the running event loop."""
        token = current_token()
        client = self._clients.get(token)
        if client is None:
            client = self._clients[token] = self._build()
            holder = self._holders[token] = self._hold(token, client)
            await anext(holder)
        return client

    async def aclose(self) -> None:
        """Close the client of the running event loop; others close with theirs."""
        holder = self._holders.get(current_token())
        if holder is not None:
            await holder.aclose()

    async def _hold(
        self, token: EventLoopToken, client: httpx2.AsyncClient
    ) -> AsyncGenerator[None]:
        # Event loops finish the async generators begun in them before they close, which is the
        # one moment at which connections left open by asyncio.run() can still be closed well.
        try:
            yield
        finally:
            self._clients.pop(token, None)
            self._holders.pop(token, None)
            await client.aclose()

    def _build(self) -> httpx2.AsyncClient:
        import httpx2

        if self._tls is None:
            # Building it costs 15 ms, so all loops share one.
            self._tls = httpx2.create_ssl_context()
        return httpx2.AsyncClient(
            verify=self._tls,
            transport=self._transport,
            timeout=None,
            follow_redirects=False,
            limits=httpx2.Limits(
                max_connections=_MAX_CONNECTIONS,
                max_keepalive_connections=_MAX_IDLE,
                keepalive_expiry=_IDLE_SECONDS,
            ),
        )
