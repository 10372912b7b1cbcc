"""What a database file holds, and the page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.cli.page import Column, Fields, Page, Table
from mcp_router.storage.kinds import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.storage.copying import Copied
    from mcp_router.storage.sqlite import SqliteStore

_SPAN = "SELECT count(*), min(created_ms), max(created_ms) FROM {table}"


class Contents(NamedTuple):
    """The file, its size in bytes with its log, the schema's version, and rows by kind."""

    path: str
    bytes: int
    log_bytes: int
    schema: int
    rows: dict[str, int]
    oldest: str | None
    newest: str | None

    @classmethod
    def of(cls, store: SqliteStore) -> Contents:
        """Count what a database holds.

        Raises:
            StorageError: it cannot be read.
        """
        from mcp_router.storage.periods import from_ms

        facts = store.database.facts()
        with store.database.reading() as connection:
            spans = {
                kind: connection.execute(_SPAN.format(table=table)).fetchone()
                for kind, table in TABLES.items()
            }
        times = [at for _, *ends in spans.values() for at in ends if at is not None]
        edges = (
            [from_ms(at).isoformat(timespec="seconds") for at in (min(times), max(times))]
            if times
            else [None, None]
        )
        return cls(
            path=facts.place,
            bytes=facts.bytes,
            log_bytes=facts.log_bytes,
            schema=facts.schema,
            rows={kind: count for kind, (count, *_) in spans.items()},
            oldest=edges[0],
            newest=edges[1],
        )

    @property
    def total(self) -> int:
        """The rows of all kinds."""
        return sum(self.rows.values())


def copied_page(copied: Sequence[Copied]) -> Page:
    """Build the page about a copy: what is the same on both sides now."""
    rows = tuple((one.table, f"{one.rows:,}", one.checksum[:16]) for one in copied if one.rows)
    columns = (Column("Table"), Column("Rows", right=True), Column("Checksum"))
    total = sum(one.rows for one in copied)
    told = Fields((("Copied", f"{total:,} rows; every table is the same on both sides"),))
    return Page((told, Table(columns, rows)))


def info_page(contents: Contents) -> Page:
    """Build the page about a database."""
    log = f" and {contents.log_bytes:,} in its log" if contents.log_bytes else ""
    facts = [
        ("File", contents.path),
        ("Size", f"{contents.bytes:,} bytes{log}"),
        ("Schema", f"version {contents.schema}"),
        ("Oldest", contents.oldest or "nothing yet"),
        ("Newest", contents.newest or "nothing yet"),
    ]
    rows = tuple((kind.replace("_", " "), f"{count:,}") for kind, count in contents.rows.items())
    return Page((Fields(tuple(facts)), Table((Column("Kind"), Column("Rows", right=True)), rows)))
