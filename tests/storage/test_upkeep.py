"""Old records go by themselves, a few at a time, and reports keep their sums."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import NOON
from tests.storage.conftest import decision as make_decision
from tests.storage.conftest import outcome as make_outcome

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "router.db"


def fill(path: Path, *, rows: int, age: timedelta) -> None:
    """Record rows of another day, without any upkeep."""
    with SqliteStore.open(path) as store, store.database.transaction():
        for number in range(rows):
            store.record_decision(make_decision(number, created_at=NOON - age))
            store.record_outcome(make_outcome(number, created_at=NOON - age))


def kept(store: SqliteStore) -> tuple[int, int]:
    with store.database.reading() as connection:
        tables = ("routing_decisions", "routing_outcomes")
        counts = [connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in tables]
    return counts[0], counts[1]


def test_a_new_record_lets_old_ones_go_and_their_sums_stay(path: Path) -> None:
    fill(path, rows=3, age=31 * DAY)
    with SqliteStore.open(path, keep_days=30) as store:
        before = store.totals(period="all", now=NOON)
        store.record_decision(make_decision(99, created_at=NOON))
        after = store.totals(period="all", now=NOON)
        assert kept(store) == (1, 0)
        assert (after.cost_usd, after.calls) == (before.cost_usd, before.calls)
        assert after.decisions == before.decisions + 1 == 4


def test_what_is_young_enough_stays(path: Path) -> None:
    fill(path, rows=3, age=29 * DAY)
    with SqliteStore.open(path, keep_days=30) as store:
        store.record_decision(make_decision(99, created_at=NOON))
        assert kept(store) == (4, 3)


def test_everything_stays_unless_the_settings_say_so(path: Path) -> None:
    fill(path, rows=3, age=3_000 * DAY)
    with SqliteStore.open(path) as store:
        store.record_decision(make_decision(99, created_at=NOON))
        assert kept(store) == (4, 3)


def test_it_is_done_once_a_day_for_all_processes(path: Path) -> None:
    with SqliteStore.open(path, keep_days=30) as store:
        store.record_decision(make_decision(99, created_at=NOON))
    fill(path, rows=3, age=31 * DAY)
    for wait, left in ((timedelta(hours=23), 3), (DAY, 0)):
        with SqliteStore.open(path, keep_days=30) as store:
            store.record_decision(make_decision(100 + left, created_at=NOON + wait))
            assert kept(store)[1] == left


def test_a_process_that_runs_for_days_does_it_again(path: Path) -> None:
    with SqliteStore.open(path, keep_days=30) as store:
        for day in range(40):
            store.record_decision(make_decision(day, created_at=NOON + day * DAY))
        assert kept(store)[0] == 31


def test_a_great_many_rows_go_in_steps(path: Path) -> None:
    fill(path, rows=1_200, age=31 * DAY)
    left: list[int] = []
    with SqliteStore.open(path, keep_days=30) as store:
        for second in range(4):
            moment = NOON + timedelta(seconds=second)
            store.record_decision(make_decision(5_000 + second, created_at=moment))
            left.append(kept(store)[1])
    assert left == [700, 200, 0, 0]
