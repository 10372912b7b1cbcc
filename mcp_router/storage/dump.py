"""Every row of a table in batches, for exports that hold neither the table nor the lock."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.money import format_usd
from mcp_router.storage.details import decision_json
from mcp_router.storage.faults import mapped
from mcp_router.storage.kinds import TABLES, Kind
from mcp_router.storage.periods import from_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcp_router.storage.database import ColumnType, Database

BATCH = 2_000
_NANOS, _TIME, _DETAILS, _FEATURES = "_nanos", "created_ms", "details", "features"

Row = tuple[Any, ...]


class Column(NamedTuple):
    """A column as it is stored, and what SQLite calls its type."""

    name: str
    type: ColumnType


class Dump(NamedTuple):
    """The rows of one kind up to `last`, as they were when the dump was planned."""

    database: Database
    table: str
    columns: tuple[Column, ...]
    last: int
    total: int


def plan(database: Database, *, kind: Kind, details: bool = False) -> Dump:
    """Note which rows there are; `details` adds the whole decision, ten times the size.

    Raises:
        StorageError: the store could not be read.
    """
    table = TABLES[kind]
    counted = f"SELECT coalesce(max(seq), 0), count(*) FROM {table}"  # noqa: S608 - a fixed name
    columns = [Column(*row) for row in database.columns(table)]
    with database.reading() as connection:
        last, total = connection.execute(counted).fetchone()
    kept = [
        column
        for column in columns
        if column.name != _FEATURES and (details or column.name != _DETAILS)
    ]
    return Dump(database, table, tuple(kept), last, total)


def batches(dump: Dump) -> Iterator[list[Row]]:
    """Yield the rows as they are stored, oldest first, some thousand at a time.

    Each batch is a query of its own, so that a slow reader does not keep the write-ahead log from
    being emptied.

    Raises:
        StorageError: they could not be read.
    """
    names = ", ".join(column.name for column in dump.columns)
    page = (
        f"SELECT {names} FROM {dump.table} "  # noqa: S608 - names of the schema
        f"WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT {BATCH}"
    )
    with dump.database.private() as connection:
        seen = 0
        while rows := connection.execute(page, (seen, dump.last)).fetchall():
            yield rows
            seen = rows[-1][0]


def readable_names(dump: Dump) -> tuple[str, ...]:
    """Name the columns of readable rows: times end in _at, money in _usd."""
    return tuple(map(_readable_name, (column.name for column in dump.columns)))


def readable(dump: Dump) -> Callable[[Row], list[Any]]:
    """Return what makes rows readable: times in ISO 8601, money as decimals, details as JSON."""
    changes = [
        (index, change)
        for index, column in enumerate(dump.columns)
        if (change := _change(column.name, place=dump.database.place)) is not None
    ]

    def make(row: Row) -> list[Any]:
        values = list(row)
        for index, change in changes:
            if values[index] is not None:
                values[index] = change(values[index])
        return values

    return make


def write_sqlite(dump: Dump, path: Path, *, advance: Callable[[int], None]) -> None:
    """Add the rows to a database file as a table; money stays in whole nano-dollars.

    Times are there twice: in UTC milliseconds, and in ISO 8601 as `created_at`.

    Raises:
        StorageError: a file could not be read or written.
    """
    times = [index for index, column in enumerate(dump.columns) if column.name == _TIME]
    unpack = [index for index, column in enumerate(dump.columns) if column.name == _DETAILS]
    make = partial(_stored, unpack=unpack, time=times[0], place=dump.database.place)
    names = [f"{column.name} {_text(column)}" for column in dump.columns]
    marks = ", ".join("?" * (len(names) + 1))
    with mapped(path), closing(sqlite3.connect(path, isolation_level=None)) as target:
        # The file is made anew: what a crash leaves of it is of no use in any case.
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        target.execute(f"CREATE TABLE {dump.table} ({', '.join(names)}, created_at TEXT)")
        for rows in batches(dump):
            target.execute("BEGIN")
            made = map(make, rows)
            target.executemany(f"INSERT INTO {dump.table} VALUES ({marks})", made)  # noqa: S608
            target.execute("COMMIT")
            advance(len(rows))
        target.execute("PRAGMA journal_mode = DELETE")


def _stored(row: Row, *, unpack: list[int], time: int, place: str) -> list[Any]:
    values = list(row)
    for index in unpack:
        values[index] = decision_json(values[index], place=place)
    values.append(_iso(values[time]))
    return values


def _text(column: Column) -> str:
    return "TEXT" if column.name == _DETAILS else column.type


def _readable_name(name: str) -> str:
    if name == _TIME:
        return "created_at"
    return name.removesuffix(_NANOS) + "_usd" if name.endswith(_NANOS) else name


def _change(name: str, *, place: str) -> Callable[[Any], object] | None:
    if name == _TIME:
        return _iso
    if name == _DETAILS:
        return partial(decision_json, place=place)
    return format_usd if name.endswith(_NANOS) else None


def _iso(at: int) -> str:
    return from_ms(at).isoformat(timespec="milliseconds")
