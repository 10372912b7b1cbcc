"""Copies a whole history from one database to another, of either engine, and compares the two.

A copy that was interrupted is finished by the next one: records are taken up where they ended, and
everything else is small enough to be written anew. What triggers keep comes last, in place of what
they made of the rows that came in.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from mcp_router.storage.database import Connection, Database

_BATCH = 500
_SUMMED = {
    "routing_decisions": "decisions",
    "routing_outcomes": "outcomes",
    "fallback_events": "fallbacks",
}
_RECORDS = (*_SUMMED, "rate_limit_events")
_PARENTS = ("answer_cache", "workflow_runs", "experiment_exposures")
_KEPT_BY_TRIGGERS = (
    "answer_cache_state",
    "experiment_tallies",
    "cost_tracking",
    "latency_tracking",
    "model_performance",
    "model_latencies",
    "model_evidence",
    "summary_state",
)
# What belongs to one database alone.
_OWN = frozenset(
    {"schema_migrations", "latency_bins", "replayed_records", "sqlite_sequence", "workflow_leases"}
)
_TABLES_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
_TABLES_POSTGRES = """
SELECT relname::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY relname
"""
_COUNTERS = """
SELECT table_name::text, column_name::text FROM information_schema.columns
WHERE table_schema = current_schema() AND is_identity = 'YES'
"""
_HUGE = 2**60
_FRESH = "SELECT 1 FROM {table} WHERE fresh LIMIT 1"
_LAST = "SELECT seq, decision_id, created_ms FROM {table} ORDER BY seq DESC LIMIT 1"
_SAME = "SELECT seq, decision_id, created_ms FROM {table} WHERE seq = ?"
_REACHED = "SELECT coalesce(max(seq), 0) FROM {table}"
_ALL = "SELECT {names} FROM {table}"
_PAGE = "SELECT {names} FROM {table} WHERE seq > ? ORDER BY seq LIMIT {batch}"
_CLEAR = "DELETE FROM {table}"
_INSERT = "INSERT INTO {table} ({names}) VALUES ({marks})"
_UNSUMMED = "UPDATE summary_state SET decisions = ?, outcomes = ?, fallbacks = ?"
_SUMMED_UP = "SELECT {column} FROM summary_state"
_SET_SUMMED = "UPDATE summary_state SET {column} = {last}"
_COUNT_ON = "SELECT setval(pg_get_serial_sequence(?, ?), max({column})) FROM {table}"


class Copied(NamedTuple):
    """One table that is the same on both sides: how many rows, and the sum of their hashes."""

    table: str
    rows: int
    checksum: str


class _Table(NamedTuple):
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def names(self) -> str:
        return ", ".join(name for name, _ in self.columns)


def copy_history(
    source: Database, target: Database, *, advance: Callable[[str, int], None]
) -> tuple[Copied, ...]:
    """Copy everything to a database that is new, or that an earlier copy did not finish.

    `advance` is told of each table and how many rows of it were written. Nobody should use either
    side meanwhile: what is recorded after the start is not copied.

    Raises:
        StorageError: one of them failed, the target holds other records, or they differ in the end.
    """
    if source.place == target.place and source.facts() == target.facts():
        raise StorageError(path=target.place, problem="it is the source itself")
    if source.facts().schema != target.facts().schema:
        problem = "its schema is of another version than that of the source"
        raise StorageError(path=target.place, problem=problem, hint="Open both with one program.")
    _settle(source)
    with _snapshot(source) as reader:
        tables = [_Table(name, tuple(source.columns(name))) for name in _names(source, reader)]
        _check_target(tables, reader, target)
        for table in tables:
            if table.name in _RECORDS:
                _copy_records(table, reader, source, target, advance)
            else:
                _replace(table, reader, source, target, advance)
        _set_counters(target)
        return tuple(_compared(table, reader, target) for table in tables)


def _names(database: Database, reader: Connection) -> list[str]:
    query = _TABLES_POSTGRES if database.remote else _TABLES_SQLITE
    found = [name for (name,) in reader.execute(query).fetchall()]
    others = sorted(set(found) - _OWN - {*_RECORDS, *_PARENTS, *_KEPT_BY_TRIGGERS})
    ordered = (*_RECORDS, *_PARENTS, *others, *_KEPT_BY_TRIGGERS)
    return [name for name in ordered if name in found]


@contextmanager
def _snapshot(database: Database) -> Generator[Connection]:
    with database.private() as connection:
        isolated = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if database.remote else ""
        connection.execute(f"BEGIN{isolated}")
        yield connection
        connection.execute("ROLLBACK")


def _settle(source: Database) -> None:
    """Have the summaries of a server contain all of its records."""
    if not source.remote:
        return
    from mcp_router.storage.postgres.database import PostgresDatabase

    if isinstance(source, PostgresDatabase):
        source.fold()
    with source.reading() as connection:
        for table in _SUMMED:
            if connection.execute(_FRESH.format(table=table)).fetchone():
                problem = "somebody is recording in it"
                hint = "Stop what uses it, then copy again."
                raise StorageError(path=source.place, problem=problem, hint=hint)


def _check_target(tables: Sequence[_Table], reader: Connection, target: Database) -> None:
    """Refuse a target with records that the source does not have."""
    with target.reading() as connection:
        for table in tables:
            if table.name not in _RECORDS:
                continue
            found = connection.execute(_LAST.format(table=table.name)).fetchone()
            same = _SAME.format(table=table.name)
            if found and reader.execute(same, found[:1]).fetchone() != found:
                problem = "it holds records that the source does not have"
                hint = "Copy to a new file, or to an empty schema."
                raise StorageError(path=target.place, problem=problem, hint=hint)


def _copy_records(
    table: _Table,
    reader: Connection,
    source: Database,
    target: Database,
    advance: Callable[[str, int], None],
) -> None:
    with target.transaction() as connection:
        (last,) = connection.execute(_REACHED.format(table=table.name)).fetchone()
        if not target.remote:
            # Keeps the triggers of SQLite from summing up what is summed up already.
            connection.execute(_UNSUMMED, (_HUGE, _HUGE, _HUGE))
    summed = _summed(table, reader, source)
    page = _PAGE.format(names=table.names, table=table.name, batch=_BATCH)
    place = [name for name, _ in table.columns].index("seq")
    while rows := reader.execute(page, (last,)).fetchall():
        last = rows[-1][place]
        given = [_fitted(row, table) for row in rows]
        names = table.names
        if target.remote and table.name in _SUMMED:
            names += ", fresh"
            given = [(*row, "true" if row[place] > summed else "false") for row in given]
        with target.transaction() as connection:
            connection.executemany(_insert(table.name, names), given)
        advance(table.name, len(rows))


def _summed(table: _Table, reader: Connection, source: Database) -> int:
    """Return the last record of a table that the summaries contain."""
    column = _SUMMED.get(table.name)
    if column is None or source.remote:
        return _HUGE
    (last,) = reader.execute(_SUMMED_UP.format(column=column)).fetchone()
    return int(last)


def _replace(
    table: _Table,
    reader: Connection,
    source: Database,
    target: Database,
    advance: Callable[[str, int], None],
) -> None:
    with target.transaction() as connection:
        connection.execute(_CLEAR.format(table=table.name))
        for rows in _pages(table, reader):
            given = [_fitted(row, table) for row in rows]
            connection.executemany(_insert(table.name, table.names), given)
            advance(table.name, len(rows))
        if table.name == "summary_state" and source.remote != target.remote:
            _set_summed(connection, target)


def _set_summed(connection: Connection, target: Database) -> None:
    """Say which records the summaries contain, as the engine of the target does."""
    for table, column in _SUMMED.items():
        last = "0" if target.remote else f"({_REACHED.format(table=table)})"
        connection.execute(_SET_SUMMED.format(column=column, last=last))


def _set_counters(target: Database) -> None:
    """Have the next rows numbered after those that were copied; SQLite sees to it by itself."""
    if not target.remote:
        return
    with target.transaction() as connection:
        for table, column in connection.execute(_COUNTERS).fetchall():
            connection.execute(_COUNT_ON.format(table=table, column=column), (table, column))


def _compared(table: _Table, reader: Connection, target: Database) -> Copied:
    with target.reading() as connection:
        here, there = _sum(table, reader), _sum(table, connection)
    if here != there:
        problem = f"its {table.name} differs from the source: {there[0]} rows instead of {here[0]}"
        hint = "Copy again while nobody uses either of them."
        raise StorageError(path=target.place, problem=problem, hint=hint)
    return Copied(table.name, here[0], f"{here[1]:032x}")


def _sum(table: _Table, connection: Connection) -> tuple[int, int]:
    """Count the rows and add up their hashes, in whatever order they come."""
    count = total = 0
    own = [name in _SUMMED.values() for name, _ in table.columns]
    for rows in _pages(table, connection):
        for row in rows:
            count += 1
            values = _fitted(row, table)
            if table.name == "summary_state":
                # Which records are summed up is said differently by the engines.
                values = tuple(0 if mine else one for mine, one in zip(own, values, strict=True))
            text = json.dumps([_canonical(value) for value in values], ensure_ascii=False)
            digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            total += int.from_bytes(digest, "big")
    return count, total % 2**128


def _pages(table: _Table, connection: Connection) -> Iterator[list[tuple[Any, ...]]]:
    names = [name for name, _ in table.columns]
    if "seq" not in names:
        rows = connection.execute(_ALL.format(names=table.names, table=table.name)).fetchall()
        yield from (rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH))
        return
    last, place = -1, names.index("seq")
    page = _PAGE.format(names=table.names, table=table.name, batch=_BATCH)
    while rows := connection.execute(page, (last,)).fetchall():
        yield rows
        last = rows[-1][place]


def _insert(table: str, names: str) -> str:
    marks = ", ".join("?" * (names.count(",") + 1))
    return _INSERT.format(table=table, names=names, marks=marks)


def _fitted(row: Sequence[Any], table: _Table) -> tuple[Any, ...]:
    """Give values as either engine stores them: bytes in binary columns, and no NUL in texts."""
    return tuple(
        one.encode("utf-8", "surrogatepass")
        if kind == "BLOB" and isinstance(one, str)
        else one.replace("\0", "\ufffd")
        if isinstance(one, str)
        else one
        for one, (_, kind) in zip(row, table.columns, strict=True)
    )


def _canonical(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
