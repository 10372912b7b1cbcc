"""Every row of a table, for other programs, without holding the lock or the table in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mcp_router.money import format_usd
from mcp_router.storage.periods import from_ms
from mcp_router.storage.rows import decision_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from mcp_router.storage.database import Database

Kind = Literal["decisions", "outcomes", "fallbacks", "rate_limits"]

Row = dict[str, Any]
TABLES: dict[Kind, str] = {
    "decisions": "routing_decisions",
    "outcomes": "routing_outcomes",
    "fallbacks": "fallback_events",
    "rate_limits": "rate_limit_events",
}
_BATCH = 500
_PAGE = "SELECT * FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?"


def export(database: Database, *, kind: Kind) -> Iterator[dict[str, object]]:
    """Yield the rows of one kind, oldest first: times in ISO 8601, money as decimal dollars.

    Reads in batches, so that a slow reader does not keep the write-ahead log from being emptied.

    Raises:
        StorageError: they could not be read.
    """
    page = _PAGE.format(table=TABLES[kind])
    with database.private() as connection:
        last = 0
        while batch := _rows(connection.execute(page, (last, _BATCH))):
            yield from map(_readable, batch)
            last = batch[-1]["seq"]


def _rows(cursor: sqlite3.Cursor) -> list[Row]:
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor]


def _readable(row: Row) -> dict[str, object]:
    readable: dict[str, object] = {}
    for column, value in row.items():
        if column == "created_ms" and isinstance(value, int):
            readable["created_at"] = from_ms(value).isoformat(timespec="milliseconds")
        elif column.endswith("_nanos"):
            usd = format_usd(value) if isinstance(value, int) else None
            readable[column.removesuffix("_nanos") + "_usd"] = usd
        elif column == "details" and isinstance(value, (str, bytes)):
            readable[column] = decision_json(value)
        else:
            readable[column] = value
    return readable
