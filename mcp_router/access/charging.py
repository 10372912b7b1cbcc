"""A call counts for the tokens per minute of its grant, from its beginning to its end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp_router.access.grant import current

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from mcp_router.types import Request, Usage


@asynccontextmanager
async def charged(request: Request) -> AsyncGenerator[Callable[[Usage], None]]:
    """Take the tokens of a call for as long as it runs; tell what is given of what it used.

    Raises:
        TooManyRequestsError: the grant's tokens of this minute are used up.
        StorageError: the database failed.
    """
    found = current()
    charge = None if found is None else await found.meter.tokens(found.grant, request)
    used: list[Usage] = []
    try:
        yield used.append
    finally:
        if found is not None and charge is not None:
            await found.meter.settle(charge, used[-1] if used else None)
