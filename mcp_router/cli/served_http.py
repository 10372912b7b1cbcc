"""Starts the HTTP server with the settings of a session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mcp_router.cli.output import say

if TYPE_CHECKING:
    from mcp_router.access.book import TokenBook
    from mcp_router.cli.session import Session
    from mcp_router.config.settings import Settings
    from mcp_router.router import Router


def serve_http(session: Session, *, host: str | None, port: int | None) -> int:
    """Serve until a signal comes, and return the exit code.

    Raises:
        ConfigError: a setting is wrong.
        InvalidRequestError: nothing can listen there.
        StorageError: the database cannot be used.
    """
    from mcp_router.door.app import Door
    from mcp_router.door.metrics import metrics_route
    from mcp_router.door.serving import serve
    from mcp_router.logs import start_access_log, start_log
    from mcp_router.storage.opened import open_store
    from mcp_router.telemetry.open import open_telemetry

    settings = _with_address(session.settings, host=host, port=port)

    def open_router(book: TokenBook) -> Router:
        router = _router(session.anew(), book)
        # Counts go on where settings change and another router takes over.
        router.observer = observer
        return router

    start_log(settings.log_format)
    with open_store(settings) as store:
        if settings.http.access_log:
            start_access_log(settings.log_format)
        observer = open_telemetry(
            settings.telemetry,
            environ=session.environ,
            budgets=lambda: store.budget_status(now=session.clock()),
        )
        door = Door(
            settings,
            store=store,
            open_router=open_router,
            environ=session.environ,
            stamp=session.stamp,
            more=[metrics_route(observer)] if settings.telemetry.enabled else [],
        )
        try:
            return serve(door, settings.http, say=_log_it if settings.log_format == "json" else say)
        finally:
            observer.close()


def _log_it(kind: str, text: str) -> None:
    """Tell the log what a person would be told, so that every line of it is JSON."""
    log = logging.getLogger("mcp_router.door")
    log.setLevel("INFO")
    log.log(logging.WARNING if kind == "warning" else logging.INFO, "%s: %s", kind, text)


def _with_address(settings: Settings, *, host: str | None, port: int | None) -> Settings:
    from mcp_router.config.http import HttpSettings

    given = {"host": host, "port": port}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        return settings
    from pydantic import ValidationError

    from mcp_router.errors import InvalidRequestError

    try:
        http = HttpSettings.model_validate({**settings.http.model_dump(), **changes})
    except ValidationError as error:
        raise InvalidRequestError(
            field="host",
            problem="does not name a machine",
            hint="Give a name or an address without a port, such as 127.0.0.1.",
        ) from error
    return settings.model_copy(update={"http": http})


def _router(session: Session, book: TokenBook) -> Router:
    """Open a router in which the budgets of the tokens hold, and no broken stream starts anew."""
    loaded = session.loaded
    settings = book.with_budgets(loaded.settings)
    fallback = settings.fallback.model_copy(update={"on_stream_cut": "error"})
    from mcp_router.router import Router

    return Router.open(
        settings.model_copy(update={"fallback": fallback}),
        environ=session.environ,
        clock=session.clock,
        sources=loaded.sources,
    )
