"""Calls of a store that is far away, kept off the event loop."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
from anyio import to_thread

from mcp_router.errors import RouterError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.storage.database import Database

Result = TypeVar("Result")


async def off_loop(
    database: Database,
    work: Callable[[], Result],
    *,
    undo: Callable[[Result], object] | None = None,
) -> Result:
    """Do what asks the database: at once for a file, in a thread for a server.

    It is done to its end, even if the caller is cancelled before or meanwhile: it may give money
    back. What it took itself, and no caller gets any more, is given back by `undo`.
    """
    if not database.remote:
        return work()
    once, stopped = _Once(work), None
    with anyio.CancelScope(shield=True):
        while not once.outcome.done():
            try:
                await to_thread.run_sync(once.carry_out)
            except anyio.get_cancelled_exc_class() as cancelled:
                # No shield is proof against the cancellation of asyncio itself.
                stopped = cancelled
    if stopped is None:
        return once.outcome.result()
    if undo is not None and once.outcome.exception() is None:
        # Where the database is gone by now, what was taken comes back when its lease ends.
        with suppress(StorageError):
            await off_loop(database, partial(undo, once.outcome.result()))
    raise stopped


class _Once(Generic[Result]):
    """Work that is done once: who asks for it while somebody does it waits for that."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._turn = Lock()
        self.outcome: Future[Result] = Future()

    def carry_out(self) -> None:
        with self._turn:
            if self.outcome.done():
                return
            try:
                self.outcome.set_result(self._work())
            except RouterError as error:
                self.outcome.set_exception(error)
