"""The upkeep of a shared database: old rows are deleted, whose sums stay in the reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.storage.kinds import TABLES
from mcp_router.storage.tried import forget_trials

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection, Database

_BATCH = 500
# A row that no summary contains yet, or that is to leave one, must stay until that is done.
_DELETE_OLD = """
DELETE FROM {table} WHERE seq IN (
  SELECT seq FROM {table} WHERE created_ms < ?{summed} ORDER BY created_ms LIMIT ?
  FOR UPDATE SKIP LOCKED)
"""
_DELETE_RUNS = "DELETE FROM workflow_runs WHERE updated_ms < ?"
# Old enough that no record still waits on a machine to be replayed.
_DELETE_REPLAYED = "DELETE FROM replayed_records WHERE replayed_ms < ?"
_SUMMED = {
    "decisions": " AND NOT fresh",
    "outcomes": " AND NOT fresh AND superseded <> 1",
    "fallbacks": " AND NOT fresh",
}


def prune(database: Database, *, cut: int) -> list[int]:
    """Delete rows older than `cut` (UTC ms); return how many of each kind.

    Raises:
        StorageError: the database failed.
    """
    from mcp_router.storage.postgres.database import PostgresDatabase

    if isinstance(database, PostgresDatabase):
        database.fold()
    gone = [0] * len(TABLES)
    while True:
        with database.transaction() as connection:
            deleted = _prune(connection, cut=cut)
        gone = [one + more for one, more in zip(gone, deleted, strict=True)]
        if max(deleted) < _BATCH:
            return gone


def prune_some(connection: Connection, *, cut: int) -> bool:
    """Delete a batch of each kind of rows older than `cut` (UTC ms); True if none is left.

    Belongs in a transaction.
    """
    return max(_prune(connection, cut=cut)) < _BATCH


def _prune(connection: Connection, *, cut: int) -> list[int]:
    connection.execute(_DELETE_RUNS, (cut,))
    forget_trials(connection, cut=cut)
    connection.execute(_DELETE_REPLAYED, (cut,))
    return [
        connection.execute(
            _DELETE_OLD.format(table=table, summed=_SUMMED.get(kind, "")),
            (cut, _BATCH),
        ).rowcount
        for kind, table in TABLES.items()
    ]
