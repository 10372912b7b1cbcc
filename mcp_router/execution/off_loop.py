"""Calls of a store that is far away, kept off the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.storage.database import Database

Result = TypeVar("Result")


async def off_loop(database: Database, work: Callable[[], Result]) -> Result:
    """Do what asks the database: at once for a file, in a thread for a server.

    What was begun is finished, even if the caller is cancelled meanwhile: it may hold money.
    """
    if not database.remote:
        return work()
    with anyio.CancelScope(shield=True):
        return await to_thread.run_sync(work)
    raise RuntimeError("a scope that is shielded was left without a result")
