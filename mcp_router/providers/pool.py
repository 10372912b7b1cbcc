"""Connections to providers: one set for each running event loop, closed with the loop."""

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


class ConnectionPool:
    """Sends requests over the connections of the running event loop, opened on first use.

    A connection belongs to the loop it was opened in, so no two of them can share one.
    """

    def __init__(self, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._tls: ssl.SSLContext | None = None
        self._places: dict[EventLoopToken, _Connections] = {}
        self._holders: dict[EventLoopToken, AsyncGenerator[None]] = {}

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and wait for the head of its answer; redirects are not followed.

        Raises:
            httpx2.TransportError: there is none.
        """
        token = current_token()
        place = self._places.get(token)
        if place is None:
            place = self._places[token] = _Connections(self)
            holder = self._holders[token] = self._hold(token, place)
            await anext(holder)
        return await place.send(request)

    async def aclose(self) -> None:
        """Close the connections of the running event loop; others close with theirs."""
        holder = self._holders.get(current_token())
        if holder is not None:
            await holder.aclose()

    async def _hold(self, token: EventLoopToken, place: _Connections) -> AsyncGenerator[None]:
        # Event loops finish the async generators begun in them before they close, which is the
        # one moment at which connections left open by asyncio.run() can still be closed well.
        try:
            yield
        finally:
            self._places.pop(token, None)
            self._holders.pop(token, None)
            await place.aclose()

    def transport(self, scheme: str) -> httpx2.AsyncBaseTransport:
        """Build what carries the requests of a scheme: "http" or "https"."""
        if self._transport is not None:
            return self._transport
        import httpx2

        from mcp_router.providers.network import AsyncioTransport, usable

        if not usable():
            return httpx2.AsyncHTTPTransport(verify=self._trust(), limits=_limits())
        # The trust store takes 15 ms and 5 MB, which a model on this machine has no use for.
        tls = self._trust() if scheme == "https" else None
        return AsyncioTransport(tls=tls, limits=_limits())

    def proxied(self) -> httpx2.AsyncClient | None:
        """Build a client where the system names proxies; only a client knows how to use them."""
        from urllib.request import getproxies

        import httpx2

        if self._transport is not None or not getproxies().keys() - {"no"}:
            return None
        return httpx2.AsyncClient(
            verify=self._trust(), timeout=None, follow_redirects=False, limits=_limits()
        )

    def _trust(self) -> ssl.SSLContext:
        import httpx2

        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
        return self._tls


class _Connections:
    """The connections of one event loop.

    Requests go to the transports themselves: cookies, logins out of ~/.netrc and redirects, which
    a client would see to, are not wanted here, and take a quarter of a request's CPU time.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._client = pool.proxied()
        self._transports: dict[str, httpx2.AsyncBaseTransport] = {}

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        if self._client is not None:
            return await self._client.send(request, stream=True)
        scheme = request.url.scheme
        transport = self._transports.get(scheme)
        if transport is None:
            transport = self._transports[scheme] = self._pool.transport(scheme)
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
        for transport in self._transports.values():
            await transport.aclose()


def _limits() -> httpx2.Limits:
    import httpx2

    return httpx2.Limits(
        max_connections=_MAX_CONNECTIONS,
        max_keepalive_connections=_MAX_IDLE,
        keepalive_expiry=_IDLE_SECONDS,
    )
