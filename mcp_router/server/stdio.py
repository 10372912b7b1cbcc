"""A server whose stdio process finishes what it was asked before it ends."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

import anyio
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from mcp_router.server.stdin import guard_stdin

GRACE_SECONDS = 2.0
"""How long calls may go on once stdin has ended; hosts send a signal after about as long."""

# Open for as long as the client listens, so there is no answer to wait for.
_ENDLESS = "subscriptions/listen"


class StdioServer(MCPServer[None]):
    """The SDK's server, where the end of stdin does not cancel the calls in flight.

    The SDK drops them, and a script that pipes requests in would get no answer to its calls.
    """

    async def run_stdio_async(self) -> None:
        """Serve on stdin and stdout until stdin ends or a signal comes.

        Call it on the main thread and leave the process afterwards: stdin stays taken.

        Raises:
            BrokenPipeError: the host closed stdout; within an exception group.
        """
        end_input = guard_stdin()
        async with stdio_server() as (incoming, outgoing):
            calls = _Calls()
            try:
                await self._lowlevel_server.run(
                    _Incoming(incoming, calls=calls),
                    _Outgoing(outgoing, calls=calls),
                    self._lowlevel_server.create_initialization_options(),
                )
            finally:
                # After a broken stdout the transport would still wait for stdin.
                end_input()


class _Calls:
    """The requests that came and were not answered yet."""

    def __init__(self) -> None:
        self._open: set[object] = set()
        self._settled = anyio.Event()

    def came(self, item: SessionMessage | Exception) -> None:
        message = item.message if isinstance(item, SessionMessage) else None
        match message:
            case JSONRPCRequest(id=name, method=method) if method != _ENDLESS:
                self._open.add(name)
            case JSONRPCNotification(method="notifications/cancelled", params=dict(params)):
                self._close(params.get("requestId"))
            case _:
                pass

    def went(self, item: SessionMessage) -> None:
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self._close(item.message.id)

    async def settle(self) -> None:
        """Wait until every request is answered, but not for ever."""
        if self._open:
            self._settled = anyio.Event()
            with anyio.move_on_after(GRACE_SECONDS):
                await self._settled.wait()

    def _close(self, name: object) -> None:
        self._open.discard(name)
        if not self._open:
            self._settled.set()


class _Source(Protocol):
    async def receive(self) -> SessionMessage | Exception: ...
    async def aclose(self) -> None: ...


class _Sink(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...
    async def aclose(self) -> None: ...


class _Closing:
    """What both streams share: they end with what they wrap."""

    def __init__(self, inner: _Source | _Sink) -> None:
        self._close = inner.aclose

    async def aclose(self) -> None:
        await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Incoming(_Closing):
    """Messages from the host; their end comes when they are answered."""

    def __init__(self, inner: _Source, *, calls: _Calls) -> None:
        super().__init__(inner)
        self._receive = inner.receive
        self._calls = calls

    async def receive(self) -> SessionMessage | Exception:
        try:
            item = await self._receive()
        except anyio.EndOfStream:
            await self._calls.settle()
            raise
        self._calls.came(item)
        return item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None


class _Outgoing(_Closing):
    """Messages to the host."""

    def __init__(self, inner: _Sink, *, calls: _Calls) -> None:
        super().__init__(inner)
        self._send = inner.send
        self._calls = calls

    async def send(self, item: SessionMessage, /) -> None:
        await self._send(item)
        self._calls.went(item)
