"""Sockets of asyncio for the HTTP library, and the transport that uses them.

The library's own way goes through anyio, whose streams work on any event loop, and takes twice the
CPU time for a request (the figures are in tests/benchmarks/bench_providers.py). Other loops still
go that way.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, cast

import httpcore2
import httpx2

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterable, AsyncIterator, Iterable

# A reader that lags stops the flow at the first figure, and lets it go on at the second.
_MOST_UNREAD = 256 * 1024
_FEW_UNREAD = 64 * 1024
# What is written in small pieces is sent at once: a request's head and body fit one packet.
_MOST_UNSENT = 64 * 1024
# Address families are tried in turn after so long (RFC 8305, section 8).
_NEXT_ADDRESS_SECONDS = 0.25
# The library hands out nothing of what its parser holds back.
_PARSER = "_h11_state"


def usable() -> bool:
    """Say whether the running event loop is one of asyncio's own."""
    try:
        return isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop)
    except RuntimeError:
        return False


class AsyncioTransport(httpx2.AsyncBaseTransport):
    """Carries requests over connections of the running event loop; `tls` says whom to trust."""

    def __init__(self, *, tls: ssl.SSLContext | None, limits: httpx2.Limits) -> None:
        self._pool = _Pool(tls=tls, limits=limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and wait for the head of its answer.

        Raises:
            httpx2.TransportError: there is none.
        """
        url = request.url
        sent = httpcore2.Request(
            request.method,
            httpcore2.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(sent)
        except _CAUSES as error:
            raise _named(error) from error
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(cast("AsyncIterable[bytes]", answer.stream)),
            extensions=cast("Any", answer).extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Pool(httpcore2.AsyncConnectionPool):
    def __init__(self, *, tls: ssl.SSLContext | None, limits: httpx2.Limits) -> None:
        super().__init__(
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
        )
        self._tls = tls
        self._seconds = limits.keepalive_expiry

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        return _Connection(
            origin=origin,
            ssl_context=self._tls,
            keepalive_expiry=self._seconds,
            network_backend=_Backend(),
        )


class _Connection(httpcore2.AsyncHTTPConnection):
    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        try:
            return await super().handle_async_request(request)
        except asyncio.CancelledError:
            # One that had opened just then has sent nothing, and the library's pool would keep it
            # for ever: neither idle nor closed, it is not used again and takes up a place.
            if not self.is_idle():
                await self.aclose()
            raise

    def has_expired(self) -> bool:
        return super().has_expired() or (self.is_idle() and self._has_more())

    def _has_more(self) -> bool:
        """Say whether more came in one packet with an answer; it would be taken for the next."""
        parser: Any = getattr(self._connection, _PARSER, None)
        return parser is not None and parser.trailing_data[0] != b""


class _Body(httpx2.AsyncByteStream):
    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except _CAUSES as error:
            raise _named(error) from error

    async def aclose(self) -> None:
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


_CAUSES = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
)


def _named(error: Exception) -> httpx2.TransportError:
    """Give an error the name that it has one library higher: both use the same names."""
    kind = getattr(httpx2, type(error).__name__, httpx2.TransportError)
    found: httpx2.TransportError = kind(str(error))
    return found


class _Backend(httpcore2.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        # asyncio loses a socket that opens just as such a race of addresses is cancelled.
        delay = None if _is_address(host) else _NEXT_ADDRESS_SECONDS
        try:
            async with asyncio.timeout(timeout):
                transport, receiver = await loop.create_connection(
                    _Receiver, host, port, happy_eyeballs_delay=delay
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from error
        return _Stream(transport, receiver)


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, transport: asyncio.Transport, receiver: _Receiver) -> None:
        self._transport = transport
        self._receiver = receiver
        self._unsent: list[bytes] = []

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._send()
        return await self._receiver.take(max_bytes, seconds=timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Nothing is heard before everything is said, so that what is read for is what sends it.
        self._unsent.append(buffer)
        if len(buffer) > _MOST_UNSENT:
            self._send()

    async def aclose(self) -> None:
        # A polite end of TLS would wait for the other side.
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(
                    self._transport, self._receiver, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            self._transport.abort()
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            self._transport.abort()
            raise httpcore2.ConnectError(str(error)) from error
        if transport is None:
            raise httpcore2.ConnectError("the connection was closed")
        self._receiver.transport = transport
        return _Stream(transport, self._receiver)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            # What came after an answer is not the next one: such a connection is not used again.
            return self._receiver.stirred or _is_readable(self._transport)
        return self._transport.get_extra_info(info)

    def _send(self) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            self._transport.writelines(unsent)


class _Receiver(asyncio.Protocol):
    """Keeps what has come until it is asked for."""

    def __init__(self) -> None:
        self.ended = False
        self.transport: asyncio.Transport | None = None
        self._failure: Exception | None = None
        self._unread: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread.append(data)
        self._size += len(data)
        if self._size > _MOST_UNREAD and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> Literal[False]:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._failure = exc
        self._wake()

    @property
    def stirred(self) -> bool:
        """Whether the other side has ended, or said what nobody has read yet."""
        return self.ended or bool(self._unread)

    async def take(self, most: int, *, seconds: float | None) -> bytes:
        """Wait for bytes and give up to `most` of them; none once the other side has ended."""
        if not self._unread and not self.ended:
            await self._wait(seconds)
        if not self._unread:
            if self._failure is not None:
                raise httpcore2.ReadError(str(self._failure)) from self._failure
            return b""
        data = self._unread.popleft()
        if len(data) > most:
            self._unread.appendleft(data[most:])
            data = data[:most]
        self._size -= len(data)
        if self._paused and self._size < _FEW_UNREAD and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return data

    async def _wait(self, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        # A timer alone, as asyncio.timeout() takes as long as all else here.
        timer = None if seconds is None else loop.call_later(seconds, _expire, waiting)
        try:
            await waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _expire(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(httpcore2.ReadTimeout())


def _is_readable(transport: asyncio.Transport) -> bool:
    """Look at the socket itself: the event loop may not have run since the other side ended."""
    socket = transport.get_extra_info("socket")
    number = -1 if socket is None else socket.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
