"""Days are those of the time zone, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.reporting.values import NOTHING
from mcp_router.reporting.windows import bounds, dates, day_left, filled, window

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def test_a_window_ends_with_the_day_of_the_zone() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert window(now=late, days=3, zone=BERLIN).last == date(2026, 11, 21)
    assert window(now=late, days=3, zone=UTC).first == date(2026, 11, 18)


def test_the_day_on_which_the_clocks_go_back_has_25_hours() -> None:
    start, end = bounds(window(now=datetime(2026, 10, 25, 12, tzinfo=UTC), days=1, zone=BERLIN))
    assert end - start == 25 * 3_600_000


@given(moments, st.integers(1, 400))
def test_a_window_lists_as_many_days_as_it_was_asked_for(now: datetime, days: int) -> None:
    span = window(now=now, days=days, zone=BERLIN)
    assert len(dates(span)) == days
    assert dates(span)[-1] == now.astimezone(BERLIN).date()


@given(moments)
def test_the_share_left_of_a_day_is_a_share(now: datetime) -> None:
    assert 0 < day_left(now=now, zone=BERLIN) <= 1


def test_at_noon_half_of_a_day_is_left() -> None:
    assert day_left(now=datetime(2026, 11, 20, 12, tzinfo=UTC), zone=UTC) == pytest.approx(0.5)


def test_days_without_a_record_are_there_all_the_same() -> None:
    span = window(now=datetime(2026, 11, 20, 12, tzinfo=UTC), days=3, zone=UTC)
    known = NOTHING.model_copy(update={"group": "2026-11-19", "decisions": 4})
    found = filled([known], span=span)
    assert [row.group for row in found] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert [row.decisions for row in found] == [0, 4, 0]
