"""Checks that a database file is sound and its summaries agree with one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.storage.queries import query
from mcp_router.storage.sqlite_file import SqliteDatabase

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from mcp_router.storage.database import Connection, Database

_MOST = 20


def check(database: Database) -> tuple[str, ...]:
    """Return one sentence for each problem, at most 20 of a kind; none when all is sound.

    Raises:
        StorageError: the file cannot be read at all.
    """
    if database.remote:
        with database.reading() as connection:
            return tuple(_unequal(connection))
    with SqliteDatabase.of(database).private() as connection:
        return (*_damage(connection), *_unequal(connection))


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):
        if line != "ok":
            yield f"The file is damaged: {line}."
    broken = connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST)
    for table, row, *_ in broken:
        yield f"Row {row} of {table} refers to a row that is missing."


def _unequal(connection: Connection) -> Iterator[str]:
    for dimension, width in connection.execute(query("unequal_sums")):
        yield f"The sums by {dimension} over {width} s differ from the others."
    (missing,) = connection.execute(query("unsummed_rows")).fetchone()
    if missing > 0:
        yield f"{missing} recorded rows are in no summary."
