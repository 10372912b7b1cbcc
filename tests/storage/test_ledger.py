"""The ledger: what may be reserved, where it counts, and what comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose, Reservation
from mcp_router.storage.timekeeping import STEP_BACK_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mcp_router.types import BudgetStatus

DAY = BudgetRule("day", "day", 1_000)
MONTH = BudgetRule("month", "month", 5_000)
SITE = BudgetRule("project=site", "total", 300, tag="project=site")
HOUR = 3_600_000


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


NOON = at("2026-11-20 12:00")


@pytest.fixture
def database(place: Path | str) -> Iterator[Database]:
    with Database.open(place) as opened:
        yield opened


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, zone=UTC)


def reserve(
    ledger: Ledger,
    amount: int,
    rules: Sequence[BudgetRule] = (DAY, MONTH),
    *,
    now: int = NOON,
    **tags: str,
) -> Reservation:
    purpose = Purpose("decision", "model", tags)
    return ledger.reserve(amount, rules=rules, purpose=purpose, lease_s=60, now=now)


def spend(
    ledger: Ledger,
    amount: int,
    rules: Sequence[BudgetRule] = (DAY, MONTH),
    *,
    now: int = NOON,
    **tags: str,
) -> None:
    assert ledger.settle(reserve(ledger, amount, rules, now=now, **tags), amount, now=now)


def nanos(status: BudgetStatus) -> tuple[int, int]:
    return int(status.spent_usd * 10**9), int(status.reserved_usd * 10**9)


def totals(ledger: Ledger, *rules: BudgetRule, now: int = NOON) -> list[tuple[int, int]]:
    return [nanos(status) for status in ledger.status(rules or (DAY, MONTH), now=now)]


def test_a_reservation_holds_money_and_settling_turns_it_into_spending(ledger: Ledger) -> None:
    held = reserve(ledger, 700)
    assert totals(ledger) == [(0, 700), (0, 700)]
    assert ledger.settle(held, 400, now=NOON)
    assert totals(ledger) == [(400, 0), (400, 0)]


def test_a_release_gives_everything_back(ledger: Ledger) -> None:
    assert ledger.release(reserve(ledger, 700))
    assert totals(ledger) == [(0, 0), (0, 0)]


def test_the_limit_can_be_used_up_exactly_and_then_is_refused_by_name(ledger: Ledger) -> None:
    spend(ledger, 600)
    reserve(ledger, 400)
    with pytest.raises(BudgetExceededError) as caught:
        reserve(ledger, 1)
    error = caught.value
    assert (error.budget, error.limit, error.spent, error.reserved, error.asked) == (
        "day",
        1_000,
        600,
        400,
        1,
    )
    assert error.resets_at == datetime(2026, 11, 21, tzinfo=UTC)


def test_a_refused_reservation_takes_nothing_from_any_budget(ledger: Ledger) -> None:
    with pytest.raises(BudgetExceededError, match="project=site"):
        reserve(ledger, 301, (DAY, MONTH, SITE), project="site")
    assert totals(ledger, DAY, MONTH, SITE) == [(0, 0)] * 3


def test_free_calls_are_never_refused(ledger: Ledger) -> None:
    broke = (BudgetRule("day", "day", 0), BudgetRule("request", "request", 0))
    held = reserve(ledger, 0, broke)
    assert ledger.settle(held, 0, now=NOON)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 1, broke)


def test_a_limit_per_request_looks_at_each_one_alone(ledger: Ledger) -> None:
    rules = (BudgetRule("request", "request", 100),)
    for _ in range(5):
        spend(ledger, 100, rules)
    with pytest.raises(BudgetExceededError) as caught:
        reserve(ledger, 101, rules)
    assert (caught.value.budget, caught.value.resets_at) == ("request", None)


def test_without_a_limit_spending_is_still_reported(ledger: Ledger) -> None:
    rule = BudgetRule("day", "day", None)
    spend(ledger, 10**12, [rule])
    (status,) = ledger.status([rule], now=NOON)
    assert (status.spent_usd, status.limit_usd, status.left_usd) == (Decimal(1000), None, None)


@pytest.mark.parametrize("amount", [-1, -(10**9)])
def test_negative_amounts_are_refused(ledger: Ledger, amount: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        reserve(ledger, amount)
    with pytest.raises(ValueError, match="negative"):
        ledger.settle(reserve(ledger, 5), amount, now=NOON)


def test_settling_or_releasing_twice_does_nothing(ledger: Ledger) -> None:
    held, other = reserve(ledger, 100), reserve(ledger, 50)
    assert ledger.settle(held, 80, now=NOON)
    assert not ledger.settle(held, 80, now=NOON)
    assert not ledger.release(held)
    assert ledger.release(other)
    assert not ledger.release(other)
    assert not ledger.settle(other, 50, now=NOON)
    newer = reserve(ledger, 20)
    assert not ledger.settle(other, 20, now=NOON)
    assert ledger.release(newer)
    assert totals(ledger) == [(80, 0), (80, 0)]


def test_more_than_was_reserved_is_recorded_and_flagged(ledger: Ledger, database: Database) -> None:
    held = reserve(ledger, 900)
    assert ledger.settle(held, 1_500, now=NOON)
    assert totals(ledger) == [(1_500, 0), (1_500, 0)]
    with database.reading() as connection:
        rows = connection.execute("SELECT entry_id, late FROM v_overspends").fetchall()
    assert rows == [(held.entry_id, 0)]
    (status, _) = ledger.status([DAY, MONTH], now=NOON)
    assert status.left_usd == 0
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 1)


def test_a_lease_that_ended_gives_its_money_back(ledger: Ledger) -> None:
    reserve(ledger, 1_000)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 1, now=NOON + 59_999)
    assert totals(ledger, now=NOON + 60_000) == [(0, 0), (0, 0)]
    assert reserve(ledger, 1_000, now=NOON + 60_000)


def test_a_slow_call_that_settles_after_its_lease_is_still_accounted(
    ledger: Ledger, database: Database
) -> None:
    slow = reserve(ledger, 700)
    spend(ledger, 600, now=NOON + 60_000)
    assert ledger.settle(slow, 700, now=NOON + 60_001)
    assert totals(ledger, now=NOON + 60_001) == [(1_300, 0), (1_300, 0)]
    with database.reading() as connection:
        assert connection.execute("SELECT entry_id, late FROM v_overspends").fetchall() == [
            (slow.entry_id, 1)
        ]


def test_a_heartbeat_keeps_a_lease_and_cannot_revive_one(ledger: Ledger) -> None:
    held = reserve(ledger, 1_000)
    assert ledger.extend(held, lease_s=60, now=NOON + 50_000)
    assert totals(ledger, now=NOON + 109_999) == [(0, 1_000), (0, 1_000)]
    assert not ledger.extend(held, lease_s=60, now=NOON + 110_000)
    assert totals(ledger, now=NOON + 110_000) == [(0, 0), (0, 0)]


def test_a_heartbeat_never_shortens_a_lease(ledger: Ledger) -> None:
    held = reserve(ledger, 1_000)
    assert ledger.extend(held, lease_s=1, now=NOON)
    assert totals(ledger, now=NOON + 59_999) == [(0, 1_000), (0, 1_000)]


def test_only_requests_with_the_tag_count_for_its_budget(ledger: Ledger) -> None:
    rules = (DAY, SITE)
    spend(ledger, 200, rules, project="site", session="s1")
    spend(ledger, 500, rules, project="other")
    assert totals(ledger, *rules) == [(700, 0), (200, 0)]
    with pytest.raises(BudgetExceededError, match="project=site"):
        reserve(ledger, 101, rules, project="site")
    assert reserve(ledger, 101, rules, project="other")


def test_a_tag_may_have_a_day_a_month_and_a_total_at_once(ledger: Ledger) -> None:
    first = at("2026-11-01 10:00")
    rules = [
        BudgetRule("site", "day", 100, tag="project=site"),
        BudgetRule("site", "month", 150, tag="project=site"),
        BudgetRule("site", "total", 170, tag="project=site"),
    ]
    spend(ledger, 100, rules, now=first, project="site")
    assert totals(ledger, *rules, now=first) == [(100, 0)] * 3
    spend(ledger, 50, rules, now=first + 24 * HOUR, project="site")
    assert totals(ledger, *rules, now=first + 24 * HOUR) == [(50, 0), (150, 0), (150, 0)]
    december = at("2026-12-02 00:00")
    assert totals(ledger, *rules, now=december) == [(0, 0), (0, 0), (150, 0)]


def test_changed_limits_hold_at_once(ledger: Ledger) -> None:
    spend(ledger, 900)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 200)
    raised = DAY._replace(limit_nanos=1_100)
    held = reserve(ledger, 200, [raised])
    assert ledger.status([raised], now=NOON)[0].limit_usd == Decimal("0.0000011")
    ledger.release(held)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 1, [DAY._replace(limit_nanos=900)])


def test_a_new_budget_finds_what_was_spent_and_reserved_before_it(ledger: Ledger) -> None:
    lost = reserve(ledger, 40, [], now=NOON - 60_000, project="site")
    spend(ledger, 120, [], project="site")
    spend(ledger, 70, [], project="other")
    held = reserve(ledger, 30, [], project="site")
    assert totals(ledger, DAY, SITE) == [(190, 30), (120, 30)]
    ledger.settle(held, 10, now=NOON)
    ledger.settle(lost, 5, now=NOON)
    assert totals(ledger, DAY, SITE) == [(205, 0), (135, 0)]


def test_a_budget_also_counts_what_was_spent_by_programs_that_do_not_know_it(
    ledger: Ledger,
) -> None:
    spend(ledger, 100)
    spend(ledger, 800, [])
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 101)


def test_a_call_over_midnight_counts_on_the_day_it_was_reserved(ledger: Ledger) -> None:
    before, after = at("2026-11-20 23:59:50"), at("2026-11-21 00:00:10")
    held = reserve(ledger, 600, now=before)
    assert totals(ledger, now=after) == [(0, 0), (0, 600)]
    assert ledger.settle(held, 500, now=after)
    assert totals(ledger, now=after) == [(0, 0), (500, 0)]
    assert totals(ledger, now=before) == [(0, 0), (500, 0)]


def test_a_new_day_opens_a_new_budget_and_the_month_goes_on(ledger: Ledger) -> None:
    for day in range(5):
        spend(ledger, 1_000, now=NOON + day * 24 * HOUR)
    with pytest.raises(BudgetExceededError, match="month"):
        reserve(ledger, 1, now=NOON + 5 * 24 * HOUR)


def test_a_clock_that_steps_back_reopens_no_earlier_day(ledger: Ledger) -> None:
    spend(ledger, 1_000)
    for back in (1, HOUR, 13 * HOUR, STEP_BACK_MS):
        with pytest.raises(BudgetExceededError):
            reserve(ledger, 1, now=NOON - back)


def test_a_wrong_date_that_is_put_right_does_not_block_for_years(ledger: Ledger) -> None:
    spend(ledger, 600)
    spend(ledger, 1_000, now=at("2031-01-01 00:00"))
    assert reserve(ledger, 400)
    with pytest.raises(BudgetExceededError):
        reserve(ledger, 1)


def test_leases_keep_their_length_when_a_wrong_date_is_put_right(ledger: Ledger) -> None:
    future = at("2031-01-01 00:00")
    reserve(ledger, 700, now=future)
    total = BudgetRule("total", "total", 1_000)
    assert totals(ledger, total, now=NOON) == [(0, 700)]
    reserve(ledger, 0, now=NOON)
    assert totals(ledger, total, now=NOON + 59_999) == [(0, 700)]
    assert totals(ledger, total, now=NOON + 60_000) == [(0, 0)]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-20", 24)]
)
def test_days_begin_at_local_midnight_through_daylight_saving(
    database: Database, day: str, hours: int
) -> None:
    ledger = Ledger(database, zone=ZoneInfo("Europe/Berlin"))
    midnight = at(f"{day} 00:00", "Europe/Berlin")
    spend(ledger, 1_000, now=midnight)
    with pytest.raises(BudgetExceededError) as caught:
        reserve(ledger, 1, now=midnight + hours * HOUR - 1)
    assert caught.value.resets_at is not None
    assert int(caught.value.resets_at.timestamp() * 1000) == midnight + hours * HOUR
    assert reserve(ledger, 1_000, now=midnight + hours * HOUR)


def test_another_time_zone_recounts_the_day_it_finds_itself_in(database: Database) -> None:
    now = at("2026-11-20 02:00")
    spend(Ledger(database, zone=UTC), 600, now=now - 3 * HOUR)
    spend(Ledger(database, zone=UTC), 300, now=now)
    new_york = Ledger(database, zone=ZoneInfo("America/New_York"))
    assert totals(new_york, DAY, now=now) == [(900, 0)]
    assert totals(Ledger(database, zone=UTC), DAY, now=now) == [(300, 0)]


def test_months_of_two_zones_may_begin_together_and_end_apart(database: Database) -> None:
    lagos, berlin = (
        Ledger(database, zone=ZoneInfo(name)) for name in ("Africa/Lagos", "Europe/Berlin")
    )
    spend(berlin, 400, [MONTH], now=at("2026-03-10 12:00"))
    last_hour = at("2026-03-31 22:30")
    spend(lagos, 50, [MONTH], now=last_hour)
    assert totals(lagos, MONTH, now=last_hour) == [(450, 0)]
    assert totals(berlin, MONTH, now=last_hour) == [(50, 0)]


def test_the_budget_view_agrees_with_the_status(ledger: Ledger, database: Database) -> None:
    spend(ledger, 250)
    with database.reading() as connection:
        row = connection.execute(
            "SELECT spent_usd, used_percent FROM v_budget_status WHERE name = 'day'"
        ).fetchone()
    assert row == (250e-9, 25.0)
    assert ledger.status([DAY], now=NOON)[0].used_percent == 25.0
