"""What is set aside for several calls is drawn by each, and nobody else can take it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.ledger import Ledger, Purpose, Reservation
from mcp_router.storage.sqlite import SqliteStore

NOON = 1_790_000_000_000
DAY = (BudgetRule("day", "day", 100),)


@pytest.fixture
def store(place: Path | str) -> Iterator[SqliteStore]:
    with SqliteStore.open(place) as store:
        yield store


def reserve(
    ledger: Ledger, amount: int, *, within: Reservation | None = None, now: int = NOON
) -> Reservation:
    purpose = Purpose("dec", "m", {}, within)
    return ledger.reserve(amount, rules=DAY, purpose=purpose, lease_s=60, now=now)


def state(ledger: Ledger, *, now: int = NOON) -> tuple[int, int]:
    """Nano-dollars spent and reserved today."""
    (day,) = ledger.status(DAY, now=now)
    return round(day.spent_usd * 10**9), round(day.reserved_usd * 10**9)


def test_a_part_is_drawn_from_the_whole_and_what_is_left_goes_back(store: SqliteStore) -> None:
    ledger = Ledger(store.database, zone=UTC)
    whole = reserve(ledger, 90)
    part = reserve(ledger, 60, within=whole)
    assert state(ledger) == (0, 90)
    ledger.settle(part, 25, now=NOON)
    assert state(ledger) == (25, 65)
    second = reserve(ledger, 65, within=whole)
    assert ledger.release(second)
    assert state(ledger) == (25, 65)
    ledger.release(whole)
    assert state(ledger) == (25, 0)


def test_nobody_else_gets_what_is_set_aside(store: SqliteStore) -> None:
    ledger = Ledger(store.database, zone=UTC)
    whole = reserve(ledger, 90)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 20)
    assert reserve(ledger, 90, within=whole).drawn_nanos == 90
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 20, within=whole)


def test_what_the_whole_does_not_hold_is_asked_of_the_budget(store: SqliteStore) -> None:
    ledger = Ledger(store.database, zone=UTC)
    whole = reserve(ledger, 30)
    part = reserve(ledger, 50, within=whole)
    assert (part.drawn_nanos, state(ledger)) == (30, (0, 50))
    ledger.settle(part, 45, now=NOON)
    assert state(ledger) == (45, 5)


def test_a_part_counts_on_the_day_of_the_whole(store: SqliteStore) -> None:
    ledger = Ledger(store.database, zone=UTC)
    evening = NOON - NOON % 86_400_000 + 86_399_000
    whole = reserve(ledger, 90, now=evening)
    part = reserve(ledger, 90, within=whole, now=evening + 5_000)
    ledger.settle(part, 80, now=evening + 6_000)
    ledger.release(whole)
    assert state(ledger, now=evening + 7_000) == (0, 0)
    rows = "SELECT spent_nanos, reserved_nanos FROM budget_tracking WHERE name = 'day' ORDER BY 1"
    with store.database.reading() as connection:
        assert connection.execute(rows).fetchall()[-1] == (80, 0)


def test_a_whole_whose_lease_ended_holds_nothing(store: SqliteStore) -> None:
    ledger = Ledger(store.database, zone=UTC)
    whole = reserve(ledger, 90)
    late = NOON + 61_000
    assert state(ledger, now=late) == (0, 0)
    part = reserve(ledger, 40, within=whole, now=late)
    assert part.drawn_nanos == 0
    ledger.release(whole)
    ledger.settle(part, 30, now=late)
    assert state(ledger, now=late) == (30, 0)


steps = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), min_size=1, max_size=8
)


@given(amount=st.integers(0, 100), steps=steps)
@settings(max_examples=40, deadline=None)
def test_whatever_is_drawn_the_books_are_even_at_the_end(
    tmp_path_factory: pytest.TempPathFactory, amount: int, steps: list[tuple[int, int, bool]]
) -> None:
    with SqliteStore.open(tmp_path_factory.mktemp("ledger") / "router.db") as store:
        ledger = Ledger(store.database, zone=UTC)
        whole = reserve(ledger, amount)
        spent = 0
        held: list[tuple[Reservation, int]] = []
        for most, actual, at_once in steps:
            try:
                part = reserve(ledger, most, within=whole)
            except BudgetExceededError:
                continue
            assert sum(state(ledger)) <= 100
            held.append((part, min(most, actual)))
            if at_once:
                part, cost = held.pop()
                ledger.settle(part, cost, now=NOON)
                spent += cost
        ledger.release(whole)
        for part, cost in held:
            ledger.settle(part, cost, now=NOON)
            spent += cost
        assert state(ledger) == (spent, 0)
