"""The metrics for Prometheus, for whoever has a token to read with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.responses import Response
from starlette.routing import Route

from mcp_router.door.call import Endpoint

if TYPE_CHECKING:
    from mcp_router.door.call import Call
    from mcp_router.telemetry.observer import Observer

PATH = "/metrics"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""


def metrics_route(observer: Observer) -> Route:
    """Make the route that writes what an observer counted."""

    async def serve(call: Call) -> None:
        # Reading the budgets asks the store, which may be far away.
        text = await anyio.to_thread.run_sync(observer.exposition)
        start = Response(text, media_type=MEDIA_TYPE).raw_headers
        await call.send({"type": "http.response.start", "status": 200, "headers": start})
        await call.send({"type": "http.response.body", "body": text})

    return Route(PATH, Endpoint(serve, needs="read"), methods=["GET"])
