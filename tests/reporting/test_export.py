"""Exports are whole, exact in money, safe to open, and do not grow with the table."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import StorageError
from mcp_router.reporting.export import neutral, write_csv, write_json
from mcp_router.storage.dump import BATCH, plan, write_sqlite
from mcp_router.storage.kinds import Kind
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Fallback, RateLimit
from tests.storage.conftest import NOON, decision, outcome

KINDS: tuple[Kind, ...] = ("decisions", "outcomes", "fallbacks", "rate_limits")


def as_csv(store: SqliteStore, *, kind: Kind, details: bool = False) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    write_csv(plan(store.database, kind=kind, details=details), file, advance=lambda _: None)
    return list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))


def as_json(store: SqliteStore, *, kind: Kind, details: bool = False) -> list[dict[str, object]]:
    file = io.StringIO()
    write_json(plan(store.database, kind=kind, details=details), file, advance=lambda _: None)
    rows: list[dict[str, object]] = json.loads(file.getvalue())
    return rows


def fill(store: SqliteStore) -> None:
    store.record_decision(decision(1))
    store.record_outcome(outcome(1, cost_usd=Decimal("0.000000001"), note="=1+1"))
    store.record_outcome(outcome(1, cost_usd=None))
    names = ("debugging", "sonnet", "anthropic", "haiku", "anthropic", "timeout")
    store.record_fallback(Fallback("decision-1", NOON, *names, "It\nbroke."))
    store.record_rate_limit(RateLimit(NOON, "sonnet", "anthropic", "provider", 2_000))


@pytest.mark.parametrize("kind", KINDS)
def test_json_and_csv_hold_the_same_rows(kind: Kind, store: SqliteStore) -> None:
    fill(store)
    rows, cells = as_json(store, kind=kind), as_csv(store, kind=kind)
    assert rows
    assert [list(row) for row in rows] == [list(row) for row in cells]
    for row, cell in zip(rows, cells, strict=True):
        written = {name: "" if value is None else str(value) for name, value in row.items()}
        assert {name: value.removeprefix("'") for name, value in cell.items()} == written


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_table_is_an_empty_document(kind: Kind, store: SqliteStore) -> None:
    assert as_json(store, kind=kind) == []
    assert as_csv(store, kind=kind) == []


def test_money_is_exact_and_unknown_is_not_zero(store: SqliteStore) -> None:
    fill(store)
    first, second = as_json(store, kind="outcomes")
    assert (first["cost_usd"], second["cost_usd"]) == ("0.000000001", None)
    assert [row["cost_usd"] for row in as_csv(store, kind="outcomes")] == ["0.000000001", ""]


def test_times_are_iso_8601(store: SqliteStore) -> None:
    fill(store)
    (row,) = as_json(store, kind="rate_limits")
    assert row["created_at"] == "2026-11-20T12:00:00.000+00:00"
    assert datetime.fromisoformat(str(row["created_at"])).tzinfo == UTC


def test_details_are_added_whole_when_asked_for(store: SqliteStore) -> None:
    fill(store)
    (row,) = as_json(store, kind="decisions", details=True)
    assert isinstance(row["details"], dict)
    assert row["details"]["reason"] == "Good enough, and the cheapest of those."
    assert "details" not in as_json(store, kind="decisions")[0]
    assert json.loads(as_csv(store, kind="decisions", details=True)[0]["details"]) == row["details"]


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "=cmd|' /C calc'!A0"],
)
def test_a_cell_that_would_be_a_formula_begins_with_an_apostrophe(
    cell: str, store: SqliteStore
) -> None:
    assert neutral(cell) == f"'{cell}"
    store.record_outcome(outcome(1, note=cell))
    (row,) = as_csv(store, kind="outcomes")
    assert row["note"].startswith("'")


@given(st.text())
def test_no_cell_is_left_that_begins_a_formula(text: str) -> None:
    made = neutral(text) or ""
    assert made.lstrip()[:1] not in set("=+-@")
    assert made in (text, f"'{text}")


def test_a_name_cannot_break_out_of_its_cell(store: SqliteStore) -> None:
    hostile = 'a",b\r\n"c'
    store.record_outcome(outcome(1, model=hostile, note="x"))
    (row,) = as_csv(store, kind="outcomes")
    assert row["model"] == hostile
    assert row["note"] == "x"


def test_a_database_keeps_whole_nano_dollars(store: SqliteStore, tmp_path: Path) -> None:
    fill(store)
    path = tmp_path / "copy.db"
    write_sqlite(plan(store.database, kind="outcomes"), path, advance=lambda _: None)
    with closing(sqlite3.connect(path)) as copy:
        columns = "cost_nanos, typeof(cost_nanos), created_at, note"
        rows = copy.execute(f"SELECT {columns} FROM routing_outcomes ORDER BY seq").fetchall()
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert rows[0] == (1, "integer", "2026-11-20T12:00:00.000+00:00", "=1+1")
    assert rows[1][0] is None


def test_details_in_a_database_are_readable(store: SqliteStore, tmp_path: Path) -> None:
    fill(store)
    store.vacuum()
    path = tmp_path / "copy.db"
    write_sqlite(plan(store.database, kind="decisions", details=True), path, advance=lambda _: None)
    with closing(sqlite3.connect(path)) as copy:
        reason = "SELECT json_extract(details, '$.reason') FROM routing_decisions"
        assert copy.execute(reason).fetchone() == ("Good enough, and the cheapest of those.",)


def test_a_file_that_is_no_database_is_a_storage_error(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_sqlite(plan(store.database, kind="outcomes"), tmp_path, advance=lambda _: None)


def test_rows_recorded_meanwhile_are_not_part_of_it(store: SqliteStore) -> None:
    fill(store)
    dump = plan(store.database, kind="outcomes")
    store.record_outcome(outcome(7))
    file = io.StringIO()
    write_json(dump, file, advance=lambda _: None)
    assert len(json.loads(file.getvalue())) == dump.total == 2


def test_progress_counts_every_row_once(store: SqliteStore) -> None:
    many(store, BATCH + 5)
    seen: list[int] = []
    write_json(plan(store.database, kind="outcomes"), io.StringIO(), advance=seen.append)
    assert seen == [BATCH, 5]


class Sink(io.TextIOBase):
    """Takes everything and keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


@pytest.mark.parametrize("write", [write_csv, write_json])
def test_memory_does_not_grow_with_the_table(write: object, store: SqliteStore) -> None:
    assert callable(write)
    many(store, 2 * BATCH)
    small = peak(lambda: write(plan(store.database, kind="outcomes"), Sink(), advance=id))
    many(store, 6 * BATCH)
    large = peak(lambda: write(plan(store.database, kind="outcomes"), Sink(), advance=id))
    assert large < 1.2 * small


def many(store: SqliteStore, count: int) -> None:
    """Multiply one recorded row, which is quicker than to record each."""
    store.record_outcome(outcome(1))
    with store.database.transaction() as connection:
        known = connection.execute("SELECT name FROM pragma_table_info('routing_outcomes')")
        names = ", ".join(name for (name,) in known if name != "seq")
        connection.execute(
            f"INSERT INTO routing_outcomes ({names}) WITH RECURSIVE n(i) AS "
            f"(VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"SELECT {names} FROM n, (SELECT * FROM routing_outcomes LIMIT 1)",
            (count,),
        )


def peak(work: object) -> int:
    assert callable(work)
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most
