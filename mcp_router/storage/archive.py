"""Moves or deletes old rows, whose sums stay in the reports, and makes a file small again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import StorageError
from mcp_router.storage.database import Database, file_at
from mcp_router.storage.details import compressed
from mcp_router.storage.faults import mapped
from mcp_router.storage.kinds import TABLES
from mcp_router.storage.periods import to_ms
from mcp_router.storage.sqlite_file import SqliteDatabase, transaction
from mcp_router.storage.tried import forget_trials, keep_costs

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from datetime import datetime
    from pathlib import Path

    from sqlite_utils import Database as Tables

    from mcp_router.storage.database import Connection
    from mcp_router.storage.kinds import Kind

_BATCH = 500
_FOLD = "UPDATE main.summary_state SET folds = folds + 1"
_MARK = """
INSERT INTO archive.moved_rows (kind, seq, decision_id, created_ms)
SELECT ?, seq, decision_id, created_ms FROM main.{table}
WHERE created_ms < ? ORDER BY created_ms LIMIT ?
"""
_COPY = """
INSERT INTO archive.{table} ({columns}) SELECT {columns} FROM main.{table}
WHERE seq IN (SELECT seq FROM archive.moved_rows WHERE kind = ?) ORDER BY seq
ON CONFLICT DO NOTHING
"""
_DELETE_COPIED = """
DELETE FROM main.{table} WHERE seq IN (
  SELECT seq FROM archive.moved_rows AS moved JOIN main.{table} AS kept USING (seq)
  WHERE moved.kind = ? AND moved.decision_id = kept.decision_id
    AND moved.created_ms = kept.created_ms)
"""
_DELETE_OLD = """
DELETE FROM main.{table} WHERE seq IN (
  SELECT seq FROM main.{table} WHERE created_ms < ? ORDER BY created_ms LIMIT ?)
"""
# Their texts are no part of any report.
_DELETE_RUNS = "DELETE FROM main.workflow_runs WHERE updated_ms < ?"
_PLAIN = """
SELECT seq, details FROM routing_decisions
WHERE seq > ? AND typeof(details) = 'text' ORDER BY seq LIMIT ?
"""


class Moved(NamedTuple):
    """How many rows of each kind left the database."""

    decisions: int
    outcomes: int
    fallbacks: int
    rate_limits: int


def _is_same(one: Path, other: str) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        # What is not there or cannot be looked at is told of when it is opened.
        return False


def archive(database: Database, *, before: datetime, to: Path) -> Moved:
    """Move rows older than `before` to the database file `to`, which may hold others already.

    A row is written there for good before it is deleted here. A process killed between the two
    leaves a mark in `to`, and the next call with the same file finishes its work.

    Raises:
        StorageError: a file cannot be used.
    """
    if database.remote:
        raise StorageError(
            path=database.place,
            problem="only a database file can be moved to another one",
            hint="Copy all of it with `mcp-router db copy`, then delete rows with `db prune`.",
        )
    target = file_at(to)
    if _is_same(target, database.place):
        raise StorageError(
            path=str(target), problem="it cannot be its own archive", hint="Name another file."
        )
    Database.open(target).close()
    with _file(database) as connection:
        with transaction(connection):
            keep_costs(connection)
        with mapped(target):
            _tables(connection).attach("archive", target)
        moved = [_move(connection, kind=kind, cut=to_ms(before)) for kind in TABLES]
    return Moved(*moved)


def prune(database: Database, *, before: datetime) -> Moved:
    """Delete rows older than `before`, and runs of workflows that nobody went on with since.

    Raises:
        StorageError: the file cannot be written.
    """
    if database.remote:
        from mcp_router.storage.postgres.care import prune as prune_shared

        return Moved(*prune_shared(database, cut=to_ms(before)))
    with _file(database) as connection:
        with transaction(connection):
            connection.execute(_DELETE_RUNS, (to_ms(before),))
            forget_trials(connection, cut=to_ms(before))
        return Moved(*(_prune(connection, kind=kind, cut=to_ms(before)) for kind in TABLES))


def prune_some(connection: Connection, *, cut: int) -> bool:
    """Delete a batch of each kind of rows of a file older than `cut` (UTC ms); True if none left.

    Belongs in a transaction.
    """
    connection.execute(_FOLD)
    connection.execute(_DELETE_RUNS, (cut,))
    forget_trials(connection, cut=cut)
    deleted = [
        connection.execute(_DELETE_OLD.format(table=table), (cut, _BATCH)).rowcount
        for table in TABLES.values()
    ]
    return max(deleted) < _BATCH


def vacuum(database: Database) -> None:
    """Compress the stored decisions and give free space back to the disk.

    Raises:
        StorageError: the file is in use or the disk is full.
    """
    if database.remote:
        raise StorageError(
            path=database.place,
            problem="PostgreSQL compresses and frees space by itself",
            hint="Nothing is to be done; an administrator may run VACUUM there.",
        )
    with _file(database) as connection:
        last = 0
        while found := connection.execute(_PLAIN, (last, _BATCH)).fetchall():
            smaller = [(compressed(text), seq) for seq, text in found]
            with transaction(connection):
                connection.executemany(
                    "UPDATE routing_decisions SET details = ? WHERE seq = ?", smaller
                )
            last = found[-1][0]
        _tables(connection).vacuum()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


@contextmanager
def _file(database: Database) -> Generator[sqlite3.Connection]:
    with SqliteDatabase.of(database).private() as connection:
        yield connection


def _tables(connection: sqlite3.Connection) -> Tables:
    # 70 ms to import, which nothing but this should pay.
    from sqlite_utils import Database as Tables

    return Tables(connection, execute_plugins=False)


def _move(connection: sqlite3.Connection, *, kind: Kind, cut: int) -> int:
    total = _finish(connection, kind=kind)
    while _copy(connection, kind=kind, cut=cut):
        total += _finish(connection, kind=kind)
    return total


def _copy(connection: sqlite3.Connection, *, kind: Kind, cut: int) -> int:
    table = TABLES[kind]
    names = [name for _, name, *_ in connection.execute(f"PRAGMA main.table_info({table})")]
    columns = ", ".join(name for name in names if name != "seq")
    with transaction(connection):
        copied = connection.execute(_MARK.format(table=table), (kind, cut, _BATCH)).rowcount
        connection.execute(_COPY.format(table=table, columns=columns), (kind,))
    return copied


def _finish(connection: sqlite3.Connection, *, kind: Kind) -> int:
    # Two transactions: one that spans two files in WAL mode may be half kept after a crash.
    with transaction(connection):
        connection.execute(_FOLD)
        deleted = connection.execute(_DELETE_COPIED.format(table=TABLES[kind]), (kind,)).rowcount
    with transaction(connection):
        connection.execute("DELETE FROM archive.moved_rows WHERE kind = ?", (kind,))
    return deleted


def _prune(connection: sqlite3.Connection, *, kind: Kind, cut: int) -> int:
    statement = _DELETE_OLD.format(table=TABLES[kind])
    total = 0
    while True:
        with transaction(connection):
            connection.execute(_FOLD)
            deleted = connection.execute(statement, (cut, _BATCH)).rowcount
        total += deleted
        if deleted < _BATCH:
            return total
