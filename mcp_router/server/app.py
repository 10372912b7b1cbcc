"""The MCP server: one object over a router that is opened on first use, served over stdio."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from mcp.server import MCPServer
from mcp.server.caching import CacheHint

from mcp_router.server.lazy import LazyRouter, Stamp
from mcp_router.server.lines import Lines
from mcp_router.server.prompts import add_prompts
from mcp_router.server.renewing import renewing
from mcp_router.server.report import report_app
from mcp_router.server.resources import add_resources
from mcp_router.server.stdio import StdioServer
from mcp_router.server.tools import router_tools
from mcp_router.server.watch import BudgetWatch
from mcp_router.version import __version__

if TYPE_CHECKING:
    from mcp_router.router import Router

INSTRUCTIONS = """\
Chooses which LLM should do a task, from a local catalogue with prices, quality and speed, and \
runs it there. Use it for: which model, choose or switch model, compare models, cheapest, fastest \
or best model, second opinion, cost estimate, token count, task difficulty, delegate to or ask \
another model, budget, spend, savings, usage.
Start with route; execute_with_fallback gets the answer of the model itself; classify judges a \
task alone; budget shows what is left; stats what was used. \
Read router://decisions/{decision_id} for every reason behind a decision."""

HOUR_MS = 3_600_000


def build_server(
    open_router: Callable[[], Router],
    *,
    lines: Lines | None = None,
    stamp: Stamp = lambda: None,
) -> StdioServer:
    """Build the server.

    `open_router` is called on a worker thread when a tool first needs it, and again when `stamp`
    differs from what it was; each time it gives another router, with the settings as they are then.
    `lines` answers the lines of the prompt `model`; without it the prompt tells the agent which
    tools to use.
    """
    return server_over(LazyRouter(open_router, stamp=stamp), lines=lines)


def server_over(router: LazyRouter, *, lines: Lines | None = None) -> StdioServer:
    """Build the server over a router that others may share; it closes it at its end."""
    watch = BudgetWatch(router)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[None]) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await router.aclose()

    unchanging = CacheHint(ttl_ms=HOUR_MS, scope="public")
    server = StdioServer(
        "mcp-router",
        title="Model router",
        description="Says which model should do a task, why and at what cost, and runs it there.",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=router_tools(router, watch=watch),
        log_level="WARNING",
        lifespan=lifespan,
        extensions=[report_app(router)],
        middleware=[renewing(router)],
        cache_hints={
            "tools/list": unchanging,
            "prompts/list": unchanging,
            "resources/list": unchanging,
            "resources/templates/list": unchanging,
        },
    )
    prompt = add_prompts(server, lines=lines)
    add_resources(server, router=router, complete_prompt=prompt.complete)
    server.serve_subscriptions(watch.subscribe, watch.unsubscribe)
    return server


def serve(
    open_router: Callable[[], Router],
    *,
    lines: Lines | None = None,
    stamp: Stamp = lambda: None,
) -> int:
    """Serve MCP over stdio until stdin ends or a signal comes, and return the exit code.

    Call it on the main thread and leave the process afterwards: stdin stays taken.
    """
    from mcp_router.logs import start_log

    start_log()
    try:
        build_server(open_router, lines=lines, stamp=stamp).run()
    except* BrokenPipeError:
        logging.getLogger(__name__).warning("The host closed the connection during an answer.")
    return 0
