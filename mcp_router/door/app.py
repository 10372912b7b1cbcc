"""The application: every path, what it needs, and what is opened and closed with it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mcp_router.access.book import TokenBook
from mcp_router.access.meter import Meter
from mcp_router.door.access_log import AccessLog
from mcp_router.door.bearer import Bearer
from mcp_router.door.call import Endpoint
from mcp_router.door.desk import Desk
from mcp_router.door.faults import Fault
from mcp_router.door.guard import MCP_PATH, Guard
from mcp_router.door.hosts import Names
from mcp_router.door.oauth import metadata_routes, metadata_url, oauth_verifier
from mcp_router.door.probes import Probes
from mcp_router.door.protocol import mcp_application
from mcp_router.door.reply import Caller, refuse
from mcp_router.door.running import Running
from mcp_router.door.shapes import error_body
from mcp_router.door.visit import KEY as VISIT
from mcp_router.server.app import server_over
from mcp_router.server.lazy import LazyRouter

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mcp_router.config.settings import Settings
    from mcp_router.router import Router
    from mcp_router.server.lazy import Stamp
    from mcp_router.storage.sqlite import SqliteStore


def now_ms() -> int:
    """Read the clock, in UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Door:
    """One server: its tokens, its router, and the application over both.

    Attributes:
        book: the tokens in force.
        application: what serves requests, behind all that every one of them has to pass.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: SqliteStore,
        open_router: Callable[[TokenBook], Router],
        environ: Mapping[str, str],
        stamp: Stamp = lambda: None,
        more: Sequence[Route] = (),
        furnish: Callable[[MCPServer[None]], None] | None = None,
    ) -> None:
        """Build it; `open_router` is given the book whose budgets are to hold.

        `more` are further routes; as an `Endpoint` says, each needs a token of some scope.
        `furnish` may add to what /mcp offers.

        Raises:
            ConfigError: the settings of the OAuth server are not whole.
        """
        self._oauth = settings.http.oauth
        self._more = tuple(more)
        self.book = TokenBook(store.database, now=now_ms)
        self.probes = Probes(self.book)
        router = LazyRouter(
            lambda: open_router(self.book), stamp=lambda: (stamp(), self.book.stamp())
        )
        self._router = router
        self._mcp = _mcp_over(router, settings, furnish)
        self._running = Running(self.book)
        guard = Guard(
            self._application(),
            settings=settings.http,
            names=Names(settings.http),
            bearer=Bearer(
                self.book,
                others=oauth_verifier(self._oauth, environ=environ),
                metadata_url=metadata_url(self._oauth),
            ),
            meter=Meter(store.database, now=now_ms),
            running=self._running,
        )
        self.application: ASGIApp = AccessLog(guard, writes=settings.http.access_log)

    def drain(self) -> None:
        """Say from now on that the server is about to stop, and end what would never end."""
        self.probes.draining = True
        self._running.end(only_endless=True)

    def stop(self) -> None:
        """End whatever still runs; its money is settled."""
        self._running.end(only_endless=False)

    def _application(self) -> Starlette:
        desk = Desk(self._router)
        routes = [
            Route("/healthz", self.probes.health, methods=["GET"]),
            Route("/readyz", self.probes.ready, methods=["GET"]),
            Route("/v1/models", Endpoint(desk.models, needs="read"), methods=["GET"]),
            Route("/v1/models/{name:path}", Endpoint(desk.model, needs="read"), methods=["GET"]),
            Route("/v1/chat/completions", Endpoint(desk.chat, needs="execute"), methods=["POST"]),
            Route("/v1/messages", Endpoint(desk.messages, needs="execute"), methods=["POST"]),
            Route(
                "/v1/messages/count_tokens", Endpoint(desk.count, needs="read"), methods=["POST"]
            ),
            Route(MCP_PATH, endpoint=self._mcp),
            *metadata_routes(self._oauth),
            *self._more,
        ]
        app = Starlette(
            routes=routes, lifespan=self._lifespan, exception_handlers={Exception: _defect}
        )
        # Paths are what they are: no second one with a slash, and no page of Starlette's.
        app.router.redirect_slashes = False
        app.router.default = _nowhere
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        # It closes the router when it ends.
        async with self._mcp.router.lifespan_context(self._mcp), anyio.create_task_group() as group:
            group.start_soon(self._running.watch)
            yield
            group.cancel_scope.cancel()


def _mcp_over(
    router: LazyRouter, settings: Settings, furnish: Callable[[MCPServer[None]], None] | None
) -> Starlette:
    server = server_over(router)
    if furnish is not None:
        furnish(server)
    return mcp_application(server, path=MCP_PATH, max_body_bytes=settings.http.max_body_bytes)


async def _defect(request: Request, error: Exception) -> Response:
    """Tell of a defect in the dialect of the request; the log names its kind and its place."""
    caller = Caller.of(request.scope, request_id=request.scope[VISIT].request_id)
    fault = Fault(500, "defect", f"This is a defect: {type(error).__name__}.", "internal_error")
    body = error_body(fault, dialect=caller.dialect, request_id=caller.request_id)
    return JSONResponse(body, 500, headers={"x-request-id": caller.request_id})


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] != "http":
        return
    caller = Caller.of(scope, request_id=scope[VISIT].request_id)
    fault = Fault(404, "not_found", "There is nothing at this path.", "unknown_path")
    await refuse(send, fault, caller=caller)
