"""Deletes the records that are older than the settings want, a little at a time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.storage.database import Database

_SECOND_MS, _HOUR_MS, _DAY_MS = 1_000, 3_600_000, 86_400_000
_DONE = "SELECT done_ms FROM upkeep WHERE kind = 'prune'"
_NOTE = """
INSERT INTO upkeep (kind, done_ms) VALUES ('prune', ?)
ON CONFLICT (kind) DO UPDATE SET done_ms = excluded.done_ms
"""


class Upkeep:
    """Does its work once a day, by one of all processes that share the file.

    One batch of each kind takes some milliseconds; where there is more, the next one follows a
    second later.
    """

    def __init__(self, database: Database, *, keep_days: int) -> None:
        self._database = database
        self._keep_ms = keep_days * _DAY_MS
        self._next = 0

    def due(self, now: int) -> bool:
        """Say whether it may be time to by now (UTC ms)."""
        return bool(self._keep_ms) and now >= self._next

    def run(self, now: int) -> None:
        """Delete what is too old by now (UTC ms), if it is time to; cheap to call often.

        Raises:
            StorageError: the database failed.
        """
        if not self.due(now):
            return
        with self._database.transaction() as connection:
            row = connection.execute(_DONE).fetchone()
            if row is not None and 0 <= now - row[0] < _DAY_MS:
                self._next = now + _HOUR_MS
                return
            if self._prune(connection, cut=now - self._keep_ms):
                connection.execute(_NOTE, (now,))
        self._next = now + _SECOND_MS

    @cached_property
    def _prune(self) -> Callable[..., bool]:
        if self._database.remote:
            from mcp_router.storage.postgres.care import prune_some
        else:
            from mcp_router.storage.archive import prune_some
        return prune_some
