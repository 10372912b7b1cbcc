"""The ledger's past: entries become sums, and no budget notices."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose, Reservation
from mcp_router.storage.past import KEEP_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = 1_790_000_000_000
DAY_MS = 86_400_000
DAY = BudgetRule("day", "day", 1_000_000)
MONTH = BudgetRule("month", "month", 1_000_000)
SITE = BudgetRule("project=site", "total", 1_000, tag="project=site")
TOTAL = BudgetRule("total", "total", 10_000)


@pytest.fixture
def database(place: Path | str) -> Iterator[Database]:
    with Database.open(place) as opened:
        yield opened


def reserve(
    database: Database, nanos: int, *, now: int, rules: tuple[BudgetRule, ...] = (DAY,), **tags: str
) -> Reservation:
    return Ledger(database, zone=UTC).reserve(
        nanos, rules=rules, purpose=Purpose("d", "m", tags), lease_s=60, now=now
    )


def spend(database: Database, nanos: int, *, now: int, **tags: str) -> None:
    held = reserve(database, nanos, now=now, **tags)
    assert Ledger(database, zone=UTC).settle(held, nanos, now=now)


def count(database: Database, table: str = "ledger_entries") -> int:
    with database.reading() as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def spent(database: Database, rule: BudgetRule, *, now: int) -> int:
    (status,) = Ledger(database, zone=UTC).status([rule], now=now)
    return int(status.spent_usd * 10**9)


def test_settled_entries_go_when_no_month_can_need_them(database: Database) -> None:
    spend(database, 7, now=START, project="site")
    spend(database, 5, now=START + 2 * DAY_MS)
    reserve(database, 0, now=START + KEEP_MS)
    assert count(database) == 3
    reserve(database, 0, now=START + KEEP_MS + 1_000)
    # The first is gone with its tag; the second, and both reservations of 0, are not that old.
    assert count(database) == 3
    assert count(database, "ledger_tags") == 0


def test_a_new_budget_without_end_finds_what_was_spent_in_the_past(database: Database) -> None:
    spend(database, 900, now=START, project="site")
    spend(database, 50, now=START)
    later = START + 2 * KEEP_MS
    reserve(database, 0, now=later)
    assert count(database) == 1
    assert spent(database, SITE, now=later) == 900
    assert spent(database, TOTAL, now=later) == 950
    with pytest.raises(BudgetExceededError, match="project=site"):
        reserve(database, 101, now=later, rules=(SITE,), project="site")
    assert reserve(database, 100, now=later, rules=(SITE,), project="site")


def test_a_day_or_a_month_does_not_count_the_past(database: Database) -> None:
    spend(database, 900, now=START)
    later = START + 2 * KEEP_MS
    reserve(database, 0, now=later)
    assert [spent(database, rule, now=later) for rule in (DAY, MONTH)] == [0, 0]


def test_what_was_never_settled_stays(database: Database) -> None:
    lost = reserve(database, 70, now=START)
    later = START + 2 * KEEP_MS
    reserve(database, 0, now=later)
    reserve(database, 0, now=later + 1_000)
    assert Ledger(database, zone=UTC).settle(lost, 60, now=later + 1_000)
    reserve(database, 0, now=later + 2_000)
    assert spent(database, TOTAL, now=later + 2_000) == 60


def test_a_long_past_goes_little_by_little(database: Database) -> None:
    with database.transaction():
        for _ in range(1_200):
            spend(database, 1, now=START)
    later, left = START + 2 * KEEP_MS, []
    for second in range(4):
        reserve(database, 0, now=later + 1_000 * second)
        left.append(count(database) - second - 1)
    assert left == [700, 200, 0, 0]
    assert spent(database, TOTAL, now=later + 4_000) == 1_200


@settings(max_examples=25, deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 70), st.sampled_from(["", "site", "shop"])),
        max_size=12,
    )
)
def test_sums_are_the_same_whatever_has_become_past(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int, str]]
) -> None:
    with Database.open(tmp_path_factory.mktemp("past") / "router.db") as database:
        for nanos, days, project in sorted(calls, key=lambda one: one[1]):
            tags = {"project": project} if project else {}
            spend(database, nanos, now=START + days * DAY_MS, **tags)
        end = START + 71 * DAY_MS
        reserve(database, 0, now=end)
        assert spent(database, TOTAL, now=end) == sum(nanos for nanos, *_ in calls)
        for project in ("site", "shop"):
            rule = BudgetRule(project, "total", None, tag=f"project={project}")
            mine = sum(nanos for nanos, _, name in calls if name == project)
            assert spent(database, rule, now=end) == mine
