"""Days, weeks and months hold every moment exactly once, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.storage.periods import (
    day_start,
    from_ms,
    local_day,
    period_bounds,
    to_ms,
)

ZONES = sorted(
    name for name in available_timezones() if not name.startswith(("Etc", "right", "pos"))
)
YEAR_1973, YEAR_2037 = 94_694_400_000, 2_114_380_800_000
HOUR_MS = 3_600_000

moments = st.integers(YEAR_1973, YEAR_2037)
zones = st.sampled_from(ZONES).map(ZoneInfo)


def hours(zone: str, day: date) -> float:
    start = day_start(day, zone=ZoneInfo(zone))
    return (day_start(day + timedelta(days=1), zone=ZoneInfo(zone)) - start) / HOUR_MS


@given(moments, zones, st.sampled_from(["day", "week", "month"]))
def test_a_moment_lies_within_its_period(at: int, zone: ZoneInfo, period: str) -> None:
    start, end = period_bounds(period, at=at, zone=zone)
    assert start <= at < end


@given(moments, zones, st.sampled_from(["day", "week", "month"]))
def test_the_next_period_begins_where_one_ends(at: int, zone: ZoneInfo, period: str) -> None:
    bounds = period_bounds(period, at=at, zone=zone)
    assert period_bounds(period, at=bounds.end, zone=zone).start == bounds.end
    assert period_bounds(period, at=bounds.end - 1, zone=zone) == bounds
    assert period_bounds(period, at=bounds.start, zone=zone) == bounds


@given(moments, zones)
def test_a_day_lies_in_one_month_and_one_week(at: int, zone: ZoneInfo) -> None:
    day = period_bounds("day", at=at, zone=zone)
    for longer in ("week", "month"):
        outer = period_bounds(longer, at=at, zone=zone)
        assert outer.start <= day.start <= day.end <= outer.end


@given(moments, zones)
def test_days_begin_on_a_quarter_hour_as_the_summaries_need(at: int, zone: ZoneInfo) -> None:
    assert period_bounds("day", at=at, zone=zone).start % 900_000 == 0


@given(moments, moments, zones)
def test_days_never_run_backwards(one: int, other: int, zone: ZoneInfo) -> None:
    early, late = sorted((one, other))
    assert local_day(early, zone=zone) <= local_day(late, zone=zone)


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Havana", date(2026, 3, 8), 23),  # midnight itself is skipped
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # the same
        ("America/Sao_Paulo", date(2018, 2, 17), 25),  # the clocks go back over midnight
        ("America/St_Johns", date(2010, 11, 6), 24),  # and here from 0:01 to 23:01
        ("Pacific/Apia", date(2011, 12, 30), 0),  # a day that Samoa left out
        ("Asia/Kathmandu", date(2026, 11, 20), 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone: str, day: date, length: float) -> None:
    assert hours(zone, day) == length


def test_midnight_that_comes_twice_counts_from_its_first_time() -> None:
    zone = ZoneInfo("America/St_Johns")
    seventh = datetime(2010, 11, 7, tzinfo=zone)
    first, again = to_ms(seventh), to_ms(seventh.replace(fold=1))
    assert again - first == HOUR_MS
    assert day_start(date(2010, 11, 7), zone=zone) == first
    assert local_day(first + HOUR_MS // 2, zone=zone) == date(2010, 11, 7)


def test_a_week_begins_on_monday() -> None:
    at = to_ms(datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    start, end = period_bounds("week", at=at, zone=UTC)
    assert from_ms(start) == datetime(2026, 11, 16, tzinfo=UTC)
    assert from_ms(end) == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("month", range(1, 13))
def test_a_month_ends_where_the_next_begins(month: int) -> None:
    at = to_ms(datetime(2028, month, 28, 12, tzinfo=UTC))
    start, end = period_bounds("month", at=at, zone=UTC)
    assert from_ms(start) == datetime(2028, month, 1, tzinfo=UTC)
    assert from_ms(end) == datetime(2028 + month // 12, month % 12 + 1, 1, tzinfo=UTC)


@given(st.integers(0, 253_402_300_799_999))
def test_milliseconds_survive_the_way_there_and_back(at: int) -> None:
    assert to_ms(from_ms(at)) == at


def test_a_moment_without_a_zone_counts_as_utc() -> None:
    bare = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001
    assert to_ms(bare) == to_ms(bare.replace(tzinfo=UTC))
    assert to_ms(bare.replace(tzinfo=timezone(timedelta(hours=2)))) == to_ms(bare) - 2 * HOUR_MS
