"""Budget alerts: said when a threshold is passed, delivered once in each period."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.alerts import CLAIM_MS, end_claims
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = BudgetRule("day", "day", 1_000_000_000)
MONTH = BudgetRule("month", "month", 1_000_000_000)
NOON = 1_790_000_000_000
NEXT_DAY = NOON + 86_400_000


@pytest.fixture
def database(place: Path | str) -> Iterator[Database]:
    with Database.open(place) as opened:
        yield opened


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, zone=UTC)


def spend(ledger: Ledger, cents: int, now: int = NOON) -> None:
    amount = cents * 10_000_000
    held = ledger.reserve(amount, rules=(), purpose=Purpose("d", "m"), lease_s=60, now=now)
    ledger.settle(held, amount, now=now)


def pending(ledger: Ledger, *rules: BudgetRule, now: int = NOON) -> list[str]:
    return [one.status.name for one in ledger.pending_alerts(rules or (DAY, MONTH), now=now)]


def test_a_day_warns_at_75_percent_and_a_month_at_80(ledger: Ledger) -> None:
    spend(ledger, 74)
    assert pending(ledger) == []
    spend(ledger, 1)
    assert pending(ledger) == ["day"]
    spend(ledger, 5)
    assert pending(ledger) == ["month"]


def test_the_sentence_stays_in_the_status_after_delivery(ledger: Ledger) -> None:
    spend(ledger, 76)
    assert pending(ledger) == ["day"]
    day, month = ledger.status([DAY, MONTH], now=NOON)
    assert day.alert == "The day budget is 76 % spent ($0.76 of $1)."
    assert month.alert is None


def test_every_threshold_is_delivered_once_in_a_period(ledger: Ledger) -> None:
    spend(ledger, 75)
    assert pending(ledger, DAY) == ["day"]
    assert pending(ledger, DAY) == []
    spend(ledger, 25)
    assert pending(ledger, DAY) == ["day"]
    assert pending(ledger, DAY) == []
    spend(ledger, 80, now=NEXT_DAY)
    assert pending(ledger, DAY, now=NEXT_DAY) == ["day"]


def test_two_thresholds_passed_at_once_are_one_alert(ledger: Ledger) -> None:
    spend(ledger, 100)
    assert pending(ledger, DAY) == ["day"]
    assert pending(ledger, DAY) == []


def test_one_of_several_processes_delivers(ledger: Ledger, place: Path | str) -> None:
    with Database.open(place) as second:
        spend(ledger, 90)
        assert pending(Ledger(second, zone=UTC)) == ["day", "month"]
        assert pending(ledger) == []


def test_what_is_given_back_goes_to_the_next_who_looks(ledger: Ledger, database: Database) -> None:
    spend(ledger, 100)
    mine = ledger.pending_alerts([DAY, MONTH], now=NOON)
    assert [one.status.name for one in mine] == ["day", "month"]
    end_claims(database, delivered=mine[:1], left=mine[1:])
    assert pending(ledger) == ["month"]
    assert pending(ledger) == []


def test_a_claim_that_nobody_ends_lapses(ledger: Ledger) -> None:
    spend(ledger, 75)
    assert pending(ledger, DAY) == ["day"]
    assert pending(ledger, DAY, now=NOON + CLAIM_MS - 1) == []
    assert pending(ledger, DAY, now=NOON + CLAIM_MS) == ["day"]


def test_what_is_delivered_stays_so(ledger: Ledger, database: Database) -> None:
    spend(ledger, 75)
    end_claims(database, delivered=ledger.pending_alerts([DAY], now=NOON))
    assert pending(ledger, DAY, now=NOON + 10 * CLAIM_MS) == []


def test_whoever_comes_too_late_changes_nothing(ledger: Ledger, database: Database) -> None:
    spend(ledger, 75)
    late = ledger.pending_alerts([DAY], now=NOON)
    other = ledger.pending_alerts([DAY], now=NOON + CLAIM_MS)
    end_claims(database, left=late)
    assert pending(ledger, DAY, now=NOON + CLAIM_MS) == []
    end_claims(database, left=other)
    assert pending(ledger, DAY, now=NOON + CLAIM_MS) == ["day"]


def test_the_claim_of_a_clock_that_is_ahead_holds(ledger: Ledger) -> None:
    spend(ledger, 75)
    assert pending(ledger, DAY, now=NOON + 500) == ["day"]
    assert pending(ledger, DAY, now=NOON) == []


def test_money_that_is_only_reserved_raises_no_alert(ledger: Ledger) -> None:
    ledger.reserve(10**9, rules=[DAY], purpose=Purpose("d", "m"), lease_s=60, now=NOON)
    assert pending(ledger) == []


def test_a_new_limit_is_a_new_threshold(ledger: Ledger) -> None:
    spend(ledger, 75)
    assert pending(ledger, DAY) == ["day"]
    raised = DAY._replace(limit_nanos=2 * 10**9)
    assert pending(ledger, raised) == []
    spend(ledger, 75)
    assert pending(ledger, raised) == ["day"]


def test_the_warning_can_be_set(ledger: Ledger) -> None:
    spend(ledger, 50)
    assert pending(ledger, DAY._replace(warn_percent=50.5)) == []
    assert pending(ledger, DAY._replace(warn_percent=50.0)) == ["day"]


def test_budgets_without_a_limit_or_for_one_request_raise_no_alert(ledger: Ledger) -> None:
    spend(ledger, 90)
    request = BudgetRule("request", "request", 10)
    assert pending(ledger, DAY._replace(limit_nanos=None), request) == []
    assert pending(ledger, DAY._replace(limit_nanos=0)) == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1), st.booleans()), max_size=12))
def test_whoever_asks_and_whenever_each_threshold_is_delivered_once(
    lasting: Database, steps: list[tuple[int, int, bool]]
) -> None:
    clear_alerts(lasting)
    ledgers = [Ledger(lasting, zone=UTC) for _ in range(2)]
    spent, told = 0, list[str]()
    passed: set[int] = set()
    for cents, who, asks in steps:
        spend(ledgers[who], cents)
        spent += cents
        if asks:
            new = {percent for percent in (75, 100) if spent >= percent} - passed
            assert pending(ledgers[1 - who], DAY) == (["day"] if new else [])
            told += ["day"] if new else []
            passed |= new
    assert len(told) <= 2


def clear_alerts(database: Database) -> None:
    with database.transaction() as connection:
        for table in ("ledger_entries", "ledger_tags", "budget_tracking", "budget_alerts"):
            connection.execute(f"DELETE FROM {table}")
