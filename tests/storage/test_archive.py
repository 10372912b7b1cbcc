"""Old rows move without loss, sums stay, and the file becomes small."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcp_router.errors import StorageError, UnknownDecisionError
from mcp_router.storage.archive import Moved
from mcp_router.storage.dump import batches, plan, readable, readable_names
from mcp_router.storage.kinds import Kind
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Fallback, RateLimit
from tests.storage.servers import only_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.types import Decision, Outcome

    Make = Callable[..., Decision]
    MakeOutcome = Callable[..., Outcome]

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WEEK_AGO = NOON - timedelta(days=7)


@pytest.fixture
def filled(store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome) -> SqliteStore:
    """One record of each kind per hour for 20 days; the clock went back once."""
    with store.database.transaction():
        for number in range(480):
            at = NOON - timedelta(hours=480 - number if number != 300 else 1)
            store.record_decision(make_decision(number, created_at=at), context=Context("site"))
            store.record_outcome(make_outcome(number, created_at=at))
            store.record_fallback(Fallback(f"decision-{number}", at, "chat", "a", "b", "", "", "x"))
            store.record_rate_limit(RateLimit(at, "a", "b", "local"))
    return store


@only_files
def test_old_rows_move_to_a_store_of_their_own(filled: SqliteStore, tmp_path: Path) -> None:
    moved = filled.archive(before=WEEK_AGO, to=tmp_path / "old" / "a.db")
    assert moved == Moved(311, 311, 311, 311)
    with pytest.raises(UnknownDecisionError):
        filled.decision("decision-0")
    assert filled.decision("decision-300").created_at == NOON - timedelta(hours=1)
    with SqliteStore.open(tmp_path / "old" / "a.db") as archive:
        assert archive.decision("decision-0").model == "sonnet"
        assert archive.totals(period="all").calls == 311
        assert archive.integrity() == ()


@only_files
def test_reports_do_not_change_when_rows_leave(filled: SqliteStore, tmp_path: Path) -> None:
    before = [filled.stats(by=by, period="all") for by in ("model", "project", "day")]
    known = filled.performance(now=NOON)["sonnet"][""]
    filled.archive(before=WEEK_AGO, to=tmp_path / "a.db")
    filled.vacuum()
    assert [filled.stats(by=by, period="all") for by in ("model", "project", "day")] == before
    assert filled.performance(now=NOON)["sonnet"][""].successes == pytest.approx(known.successes)
    assert filled.integrity() == ()


@only_files
def test_an_archive_takes_more_later(filled: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    first = filled.archive(before=WEEK_AGO, to=target)
    assert filled.archive(before=WEEK_AGO, to=target) == Moved(0, 0, 0, 0)
    second = filled.archive(before=NOON + timedelta(days=1), to=target)
    assert (first.outcomes, second.outcomes) == (311, 169)
    with SqliteStore.open(target) as archive:
        assert archive.totals(period="all").calls == 480
        assert archive.integrity() == ()


@only_files
def test_records_go_on_after_everything_has_left(
    filled: SqliteStore, tmp_path: Path, make_outcome: MakeOutcome
) -> None:
    filled.archive(before=NOON + timedelta(days=1), to=tmp_path / "a.db")
    for number in range(200):
        filled.record_outcome(make_outcome(number))
    assert filled.totals(period="all").calls == 680


@only_files
def test_a_file_is_not_its_own_archive(filled: SqliteStore) -> None:
    with pytest.raises(StorageError, match="cannot be its own archive"):
        filled.archive(before=NOON, to=filled.database.path)


@only_files
def test_an_archive_that_is_no_database_is_refused(filled: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(StorageError, match="not a SQLite database"):
        filled.archive(before=NOON, to=tmp_path / "text")
    assert filled.totals(period="all").calls == 480
    assert len(filled.recent(limit=1_000)) == 480


@only_files
def test_an_archive_killed_half_way_is_finished_by_the_next(
    filled: SqliteStore, tmp_path: Path
) -> None:
    script = """
import os, sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path
import mcp_router.storage.archive as room
from mcp_router.storage.database import Database

def killed(connection, *, kind):
    if connection.execute("SELECT count(*) FROM archive.moved_rows").fetchone()[0]:
        os.kill(os.getpid(), 9)
    return 0

room._finish = killed
source, before, target = sys.argv[1:]
before = datetime.fromisoformat(before)
room.archive(Database.open(source), before=before, to=Path(target))
"""
    target = tmp_path / "a.db"
    arguments = [str(filled.database.path), WEEK_AGO.isoformat(), str(target)]
    root = str(Path(__file__).parents[2])
    killed = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        check=False,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert killed.returncode == -9
    assert len(filled.recent(limit=1_000)) == 480
    with SqliteStore.open(target) as archive:
        assert len(archive.recent(limit=1_000)) == 311
    filled.archive(before=WEEK_AGO, to=target)
    with SqliteStore.open(target) as archive:
        assert archive.totals(period="all").model_dump()["decisions"] == 311
        assert archive.totals(period="all").calls == 311
    assert len(filled.recent(limit=1_000)) == 169


def test_pruned_rows_are_gone_but_still_counted(filled: SqliteStore) -> None:
    assert filled.prune(before=WEEK_AGO) == Moved(311, 311, 311, 311)
    assert len(filled.recent(limit=1_000)) == 169
    assert filled.totals(period="all").decisions == 480


@only_files
def test_vacuum_makes_the_file_small_and_loses_nothing(filled: SqliteStore) -> None:
    def pages() -> int:
        with filled.database.reading() as connection:
            count: int = connection.execute("PRAGMA page_count").fetchone()[0]
            return count

    before, one = pages(), filled.decision("decision-400")
    filled.vacuum()
    filled.vacuum()
    assert pages() < before * 0.8
    assert not filled.database.path.with_name("router.db-wal").stat().st_size
    assert filled.decision("decision-400") == one
    assert filled.integrity() == ()


def exported(store: SqliteStore, kind: Kind) -> list[list[Any]]:
    dump = plan(store.database, kind=kind)
    return [readable(dump)(row) for rows in batches(dump) for row in rows]


@only_files
def test_an_export_is_readable_and_in_order(filled: SqliteStore) -> None:
    names = readable_names(plan(filled.database, kind="decisions"))
    decisions = [dict(zip(names, row, strict=True)) for row in exported(filled, "decisions")]
    assert [row["decision_id"] for row in decisions] == [f"decision-{n}" for n in range(480)]
    assert decisions[0]["created_at"] == "2026-10-31T12:00:00.000+00:00"
    assert decisions[0]["estimated_usd"] == "0.012"
    assert decisions[0]["baseline_usd"] is None
    assert len(exported(filled, "fallbacks")) == len(exported(filled, "rate_limits")) == 480
    before = exported(filled, "decisions")
    filled.vacuum()
    assert exported(filled, "decisions") == before


def test_an_export_may_be_left_and_does_not_block_writers(
    filled: SqliteStore, make_decision: Make
) -> None:
    rows = batches(plan(filled.database, kind="decisions"))
    assert len(next(rows)) == 480
    filled.record_decision(make_decision(1_000))
    assert list(rows) == []


def test_a_summary_that_was_tampered_with_is_found(filled: SqliteStore) -> None:
    with filled.database.transaction() as connection:
        connection.execute("UPDATE cost_tracking SET calls = calls + 1 WHERE dimension = 'task'")
        connection.execute(
            "DELETE FROM cost_tracking WHERE dimension = 'all' AND width_s = 2764800"
        )
    problems = filled.integrity()
    assert any("sums by task over 86400 s differ" in problem for problem in problems)
    assert any("recorded rows are in no summary" in problem for problem in problems)


def test_a_server_is_no_archive_and_needs_no_vacuum(store: SqliteStore, tmp_path: Path) -> None:
    if not store.database.remote:
        pytest.skip("a file is and does")
    with pytest.raises(StorageError, match="only a database file can be moved"):
        store.archive(before=NOON, to=tmp_path / "old.db")
    with pytest.raises(StorageError, match="frees space by itself"):
        store.vacuum()
