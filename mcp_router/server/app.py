"""The MCP server: one object over a router that is opened on first use, served over stdio."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.caching import CacheHint

from mcp_router.server.lazy import LazyRouter
from mcp_router.server.resources import add_resources
from mcp_router.server.stdio import StdioServer
from mcp_router.server.tools import router_tools
from mcp_router.version import __version__

if TYPE_CHECKING:
    from mcp_router.router import Router

INSTRUCTIONS = """\
Chooses which LLM should do a task, from a local catalogue with prices, quality and speed. Use it \
for: which model, choose or switch model, compare models, cheapest, fastest or best model, cost \
estimate, token count, task difficulty, delegate to another model, budget, spend, savings, usage.
Start with route; classify judges a task alone; budget shows what is left; stats what was used. \
Read router://decisions/{decision_id} for every reason behind a decision."""

HOUR_MS = 3_600_000


def build_server(open_router: Callable[[], Router]) -> StdioServer:
    """Build the server; `open_router` is called on a worker thread when a tool first needs it."""
    router = LazyRouter(open_router)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[None]) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(router.close)

    unchanging = CacheHint(ttl_ms=HOUR_MS, scope="public")
    server = StdioServer(
        "mcp-router",
        title="Model router",
        description="Says which model should do a task, why, and at what cost.",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=router_tools(router),
        log_level="WARNING",
        lifespan=lifespan,
        cache_hints={
            "tools/list": unchanging,
            "resources/list": unchanging,
            "resources/templates/list": unchanging,
        },
    )
    add_resources(server, router=router)
    return server


def serve(open_router: Callable[[], Router]) -> int:
    """Serve MCP over stdio until stdin ends or a signal comes, and return the exit code.

    Call it on the main thread and leave the process afterwards: stdin stays taken.
    """
    # Before the SDK sets up logging, which would wrap and colour each line.
    logging.basicConfig(level="WARNING", stream=sys.stderr, format="mcp-router: %(message)s")
    try:
        build_server(open_router).run()
    except* BrokenPipeError:
        logging.getLogger(__name__).warning("The host closed the connection during an answer.")
    return 0
