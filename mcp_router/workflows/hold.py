"""The hold of a process on the run that it carries out: renewed while it works."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import anyio

from mcp_router.errors import StorageError, WorkflowBusyError
from mcp_router.execution.off_loop import off_loop
from mcp_router.storage.run_leases import TERM_MS, RunLeases

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.storage.database import Database
    from mcp_router.storage.run_leases import Lease

BEAT_S = TERM_MS / 3_000
"""Seconds between two renewals."""


class Hold:
    """A lease while its run is carried out."""

    def __init__(self, database: Database, lease: Lease, *, beat_s: float = BEAT_S) -> None:
        self._database, self._lease, self._beat_s = database, lease, beat_s
        self._leases = RunLeases(database)

    async def check(self) -> None:
        """Renew it, before something is paid for.

        Raises:
            WorkflowBusyError: another process has taken the run over.
            StorageError: the database failed.
        """
        await off_loop(self._database, self._renew)

    async def write(self, work: Callable[[], None]) -> None:
        """Write to the run, unless another process has it by now.

        Raises:
            WorkflowBusyError: another process has taken the run over; nothing is written.
            StorageError: the database failed.
        """
        await off_loop(self._database, partial(self._write, work))

    async def keep(self) -> NoReturn:
        """Renew it again and again until cancelled.

        Raises:
            WorkflowBusyError: another process has taken the run over.
        """
        while True:
            await anyio.sleep(self._beat_s)
            # A database that is away for a while stops a run only where a step begins or ends.
            with suppress(StorageError):
                await self.check()

    async def release(self) -> None:
        """Let others have the run; where the database is away, its lease runs out."""
        with suppress(StorageError):
            await off_loop(self._database, partial(self._leases.release, self._lease))

    def _renew(self) -> None:
        if not self._leases.renew(self._lease):
            raise WorkflowBusyError(self._lease.run_id, until=None)

    def _write(self, work: Callable[[], None]) -> None:
        with self._database.transaction():
            self._renew()
            work()
