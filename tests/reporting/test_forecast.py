"""A forecast is at least what is spent, grows with the month, and says so when it knows nothing."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.reporting.forecast import LEAST_DAYS, PATTERN_DAYS, Spending, forecast
from mcp_router.reporting.values import Forecast

CENT = 10_000_000
THURSDAY = date(2026, 11, 19)

spendings = st.builds(
    Spending,
    today=st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    past=st.lists(st.integers(0, 10**12), min_size=LEAST_DAYS, max_size=70).map(tuple),
    month=st.integers(0, 10**13),
    day_left=st.floats(0, 1),
    limit=st.none() | st.integers(0, 10**13),
)


def amounts(found: Forecast) -> tuple[Decimal, Decimal, Decimal]:
    assert found.low_usd is not None
    assert found.expected_usd is not None
    assert found.high_usd is not None
    return found.low_usd, found.expected_usd, found.high_usd


@pytest.mark.parametrize("days", [0, 1, 6])
def test_a_few_days_are_not_enough_history(days: int) -> None:
    found = forecast(Spending(THURSDAY, (CENT,) * days, CENT, 0.5))
    assert found.expected_usd is None
    assert found.reason.startswith("not enough history: ")
    assert "7 are needed" in found.reason


def test_a_history_without_spending_is_no_basis() -> None:
    found = forecast(Spending(THURSDAY, (0,) * 30, 0, 0.5))
    assert found.reason == "nothing was spent on the last 30 days"


def test_equal_days_go_on_as_they_were() -> None:
    # The 19th at noon: half a day and eleven more are left of November.
    found = forecast(Spending(THURSDAY, (100 * CENT,) * 30, 1_850 * CENT, 0.5))
    low, expected, high = amounts(found)
    assert expected == pytest.approx(Decimal("30.00"), abs=Decimal("0.000001"))
    assert low == pytest.approx(high, abs=Decimal("0.000001"))


@given(spendings)
def test_the_range_holds_the_expectation_and_begins_at_what_is_spent(spending: Spending) -> None:
    found = forecast(spending)
    if found.reason:
        assert not any(spending.past[-56:])
        return
    low, expected, high = amounts(found)
    assert found.spent_usd <= low <= expected <= high
    assert found.over_limit is None or 0 <= found.over_limit <= 1


@given(spendings)
def test_the_days_lead_to_the_end_of_the_month_without_ever_falling(spending: Spending) -> None:
    found = forecast(spending)
    if found.reason:
        return
    days = [one.day for one in found.days]
    assert days[0] == spending.today
    assert (days[-1] + timedelta(days=1)).day == 1
    assert len(days) == (days[-1] - days[0]).days + 1
    expected = [one.expected_usd for one in found.days]
    assert expected == sorted(expected)
    assert expected[-1] == found.expected_usd


@given(spendings, st.integers(2, 9))
def test_amounts_scale_with_the_currency(spending: Spending, factor: int) -> None:
    scaled = spending._replace(
        past=tuple(factor * one for one in spending.past), month=factor * spending.month
    )
    one, other = forecast(spending), forecast(scaled)
    if not one.reason:
        for before, after in zip(amounts(one), amounts(other), strict=True):
            assert float(after) == pytest.approx(factor * float(before), rel=1e-6, abs=1e-6)


@given(spendings)
def test_a_higher_limit_is_passed_less_likely(spending: Spending) -> None:
    low, high = (forecast(spending._replace(limit=limit)) for limit in (10**11, 10**12))
    if low.over_limit is not None and high.over_limit is not None:
        assert high.over_limit <= low.over_limit


def test_free_weekends_are_expected_to_stay_free() -> None:
    days = [THURSDAY - timedelta(days=age) for age in range(42, 0, -1)]
    past = tuple(0 if day.weekday() >= 5 else 100 * CENT for day in days)
    found = forecast(Spending(THURSDAY, past, 0, 1.0))
    grown = [
        after.expected_usd - before.expected_usd
        for before, after in zip(found.days, found.days[1:], strict=False)
    ]
    names = [one.day.weekday() for one in found.days[1:]]
    weekend = [step for step, day in zip(grown, names, strict=True) if day >= 5]
    weekdays = [step for step, day in zip(grown, names, strict=True) if day < 5]
    assert found.weekday_pattern
    assert max(weekend) < min(weekdays) / 4


def test_a_short_history_has_no_weekdays() -> None:
    past = tuple(range(1, PATTERN_DAYS))
    assert not forecast(Spending(THURSDAY, past, 0, 1.0)).weekday_pattern


def test_the_day_on_which_the_limit_is_reached_is_named() -> None:
    spending = Spending(THURSDAY, (100 * CENT,) * 30, 1_850 * CENT, 0.5, limit=2_500 * CENT)
    found = forecast(spending)
    assert found.limit_reached_on == date(2026, 11, 25)
    assert found.over_limit == 1.0
    unlimited = forecast(spending._replace(limit=9_999 * CENT))
    assert unlimited.limit_reached_on is None
    assert unlimited.over_limit == 0.0


def test_a_limit_that_is_passed_already_is_passed() -> None:
    found = forecast(Spending(THURSDAY, (CENT,) * 30, 500 * CENT, 0.5, limit=400 * CENT))
    assert found.over_limit == 1.0
    assert found.limit_reached_on == THURSDAY


@pytest.mark.parametrize("days", [10, 25, 56])
def test_about_eight_ranges_of_ten_hold_what_then_came(days: int) -> None:
    chance = random.Random(days)
    held = 0
    for _ in range(200):
        past, month, coming = _drawn(chance, days=days)
        found = forecast(Spending(THURSDAY, past, month, 1.0))
        low, _, high = amounts(found)
        held += low * 10**9 <= month + coming <= high * 10**9
    assert 140 <= held <= 190


def _drawn(chance: random.Random, *, days: int) -> tuple[tuple[int, ...], int, int]:
    """Spending with a week's rhythm and lognormal noise: the past, this month, what comes."""
    week = (1.3, 1.2, 1.2, 1.2, 1.1, 0.3, 0.2)
    first = THURSDAY - timedelta(days=days)
    drawn = [
        round(5e9 * week[day.weekday()] * math.exp(chance.gauss(0, 0.6)))
        for day in (first + timedelta(days=index) for index in range(days + 12))
    ]
    past = tuple(drawn[:days])
    return past, sum(past[-18:]), sum(drawn[days:])
