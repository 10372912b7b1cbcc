"""Opens connections ahead of the calls that will need them, at no cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import ProviderError
from mcp_router.providers.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_router.execution.routes import Route
    from mcp_router.providers.caller import Client

SLACK = 2.0
"""How much longer than the connection the first word of a server may take."""


async def warm_up(
    client: Client, routes: Iterable[Route], *, connect: float
) -> dict[str, int | None]:
    """Connect to every provider of some routes, all at once.

    Returns the milliseconds that took by provider, None where one cannot be reached. `connect` is
    how many seconds a connection may take.
    """
    took: dict[str, int | None] = {}
    deadlines = Deadlines(connect=connect, first_token=None, idle=None, total=SLACK * connect)

    async def greet(route: Route) -> None:
        began = anyio.current_time()
        try:
            await client.connect(route.target, deadlines=deadlines)
        except ProviderError:
            took[route.provider] = None
        else:
            took[route.provider] = round((anyio.current_time() - began) * 1000)

    async with anyio.create_task_group() as group:
        for route in {route.provider: route for route in routes}.values():
            took[route.provider] = None
            group.start_soon(greet, route)
    return took
