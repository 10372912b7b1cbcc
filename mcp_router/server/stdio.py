"""A server whose stdio process finishes what it was asked before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Protocol, Self

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    GetPromptResult,
    InputRequiredResult,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from mcp_router.server.stdin import guard_stdin

GRACE_SECONDS = 2.0
"""How long calls may go on once stdin has ended; hosts send a signal after about as long."""

Subscribe = Callable[
    [ServerRequestContext[None, Any], SubscribeRequestParams], Awaitable[EmptyResult]
]
Unsubscribe = Callable[
    [ServerRequestContext[None, Any], UnsubscribeRequestParams], Awaitable[EmptyResult]
]

# Open for as long as the client listens, so there is no answer to wait for.
_ENDLESS = "subscriptions/listen"


class StdioServer(MCPServer[None]):
    """The SDK's server, where the end of stdin does not cancel the calls in flight at once.

    The SDK drops them, and a script that pipes requests in would get no answer to its calls.
    """

    def serve_subscriptions(self, subscribe: Subscribe, unsubscribe: Unsubscribe) -> None:
        """Serve the subscriptions of the 2025 era, which the SDK leaves to the lower level."""
        add = self._lowlevel_server.add_request_handler
        add("resources/subscribe", SubscribeRequestParams, subscribe)
        add("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[None, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Get a prompt; the SDK would call an unknown one a defect of the server.

        Raises:
            MCPError: INVALID_PARAMS, there is no such prompt, or its arguments are wrong.
        """
        if self._prompt_manager.get_prompt(name) is None:
            raise MCPError(INVALID_PARAMS, "There is no such prompt.")
        return await super().get_prompt(name, arguments, context)

    async def run_stdio_async(self) -> None:
        """Serve on stdin and stdout until stdin ends or a signal comes.

        Call it on the main thread and leave the process afterwards: stdin stays taken.

        Raises:
            BrokenPipeError: the host closed stdout; within an exception group.
        """
        calls = _Calls()
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            loop.call_soon_threadsafe(calls.give_up)

        end_input = guard_stdin(on_signal=on_signal)
        async with stdio_server() as (incoming, outgoing):
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
        self._given_up = False

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
        """Wait until every request is answered, but not for ever, and not after a signal."""
        if self._open and not self._given_up:
            self._settled = anyio.Event()
            with anyio.move_on_after(GRACE_SECONDS):
                await self._settled.wait()

    def give_up(self) -> None:
        """Wait no more: hosts that send a signal kill the process a moment later."""
        self._given_up = True
        self._settled.set()

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
