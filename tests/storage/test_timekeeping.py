"""The ledger's time: it follows the clock, but not back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.storage.database import Database
from mcp_router.storage.timekeeping import STEP_BACK_MS, advance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = 1_790_000_100_000
QUARTER_MS = 900_000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("time")
    with Database.open(folder / "router.db") as opened:
        yield opened


def told(database: Database, *clocks: int) -> list[int]:
    """Give what the ledger makes of these clocks, one after the other."""
    with database.transaction() as connection:
        connection.execute("UPDATE ledger_clock SET seen_ms = 0")
        return [advance(connection, now=now) for now in clocks]


def seen(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute("SELECT seen_ms FROM ledger_clock").fetchone()[0]


def test_a_clock_that_steps_back_makes_time_stand_still(database: Database) -> None:
    assert told(database, START, START - 1, START - STEP_BACK_MS) == [START] * 3


def test_a_clock_that_is_days_behind_is_believed(database: Database) -> None:
    behind = START - STEP_BACK_MS - 1
    assert told(database, START, behind, behind + 5) == [START, behind, behind + 5]


def test_time_is_noted_once_a_second(database: Database) -> None:
    told(database, START, START + 999)
    assert seen(database) == START
    told(database, START, START + 1_000)
    assert seen(database) == START + 1_000


@given(clocks=st.lists(st.integers(-STEP_BACK_MS // 2, STEP_BACK_MS // 2), min_size=2, max_size=9))
def test_no_quarter_of_an_hour_begins_twice(database: Database, clocks: list[int]) -> None:
    quarters = [at // QUARTER_MS for at in told(database, *(START + one for one in clocks))]
    assert quarters == sorted(quarters)


@given(back=st.integers(0, STEP_BACK_MS), ahead=st.integers(0, 10**7))
def test_time_never_falls_back_by_a_second(database: Database, back: int, ahead: int) -> None:
    first, second, third = told(database, START, START + ahead, START + ahead - back)
    assert (first, second) == (START, START + ahead)
    assert third > second - 1_000
