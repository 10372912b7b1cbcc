"""The days of every time zone add up as counting record by record does, clocks changed or not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.periods import local_day, to_ms
from mcp_router.storage.store import Range
from tests.storage.test_reports import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import Outcome, StatRow

    MakeOutcome = Callable[..., Outcome]

ZONES = sorted(
    name for name in available_timezones() if not name.startswith(("Etc", "right", "pos"))
)
# Samoa left a day out at the end of 2011; the rest are changes of the clocks in many zones.
TURNS = [
    datetime(2011, 12, 28, tzinfo=UTC),
    datetime(2018, 11, 3, tzinfo=UTC),
    datetime(2026, 3, 28, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 12, 30, tzinfo=UTC),
]
moments = st.builds(
    lambda turn, minutes: turn + timedelta(minutes=minutes),
    st.sampled_from(TURNS),
    st.integers(0, 4 * 24 * 60),
)
records = st.lists(
    st.tuples(moments, st.just("sonnet"), st.just("chat"), st.integers(0, 10**9)), max_size=30
)
quarters = moments.map(lambda at: at.replace(minute=at.minute // 15 * 15))


def costs(rows: tuple[StatRow, ...]) -> dict[str, int]:
    return {row.group: int(row.cost_usd * 10**9) for row in rows}


@settings(max_examples=60, deadline=None)
@given(records, st.sampled_from(ZONES), st.tuples(quarters, quarters), st.booleans())
def test_days_are_what_counting_one_by_one_finds(
    made: list[tuple[datetime, str, str, int]],
    name: str,
    ends: tuple[datetime, datetime],
    fold: bool,
) -> None:
    zone = ZoneInfo(name)
    since, until = sorted(ends)
    wanted: Counter[str] = Counter()
    for at, _, _, nanos in made:
        if since <= at < until:
            wanted[local_day(to_ms(at), zone=zone).isoformat()] += nanos
    with recorded(made, fold=fold) as store:
        found = store.stats(by="day", period=Range(since, until), timezone=zone)
        total = store.totals(period=Range(since, until)).cost_usd
    assert costs(found) == dict(wanted)
    assert sum((row.cost_usd for row in found), start=0) == total
    assert [row.group for row in found] == sorted(wanted)


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns"]
)
@pytest.mark.parametrize("folded", [True, False])
def test_a_year_of_hours_falls_into_its_days(
    store: SqliteStore, make_outcome: MakeOutcome, name: str, folded: bool
) -> None:
    zone, first = ZoneInfo(name), datetime(2026, 1, 1, 0, 29, tzinfo=UTC)
    wanted: Counter[str] = Counter()
    with store.database.transaction() as connection:
        for number in range(0, 365 * 24, 5):
            at = first + timedelta(hours=number)
            wanted[at.astimezone(zone).date().isoformat()] += 1
            store.record_outcome(make_outcome(number, created_at=at))
        if folded:
            connection.execute("UPDATE summary_state SET folds = folds + 1")
    found = store.stats(by="day", period="all", timezone=zone)
    assert {row.group: row.calls for row in found} == dict(wanted)


def test_words_without_numbers_make_no_day_and_no_group(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    store.record_outcome(make_outcome(1, created_at=noon))
    later = noon + timedelta(days=1)
    words = {"source": "feedback", "cost_usd": None, "usage": None, "note": "thanks"}
    store.record_outcome(make_outcome(1, created_at=later, **words))
    for zone in (UTC, ZoneInfo("Asia/Tokyo")):
        days = store.stats(by="day", period="all", timezone=zone)
        assert [row.group for row in days] == ["2026-11-20"]
    assert store.stats(period=Range(later, None)) == ()


def test_the_first_and_the_last_day_there_are_can_be_reported(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    ends = datetime(1970, 1, 1, 0, 10, tzinfo=UTC), datetime(9999, 12, 31, 23, 50, tzinfo=UTC)
    for number, at in enumerate(ends):
        store.record_outcome(make_outcome(number, created_at=at))
    for name in ("UTC", "America/New_York", "Asia/Tokyo"):
        found = store.stats(by="day", period="all", timezone=ZoneInfo(name))
        assert sum(row.calls for row in found) >= 1
    assert [row.group for row in store.stats(by="day", period="all")] == [
        "1970-01-01",
        date.max.isoformat(),
    ]


def test_sums_beyond_a_billion_dollars_are_reported(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    with store.database.transaction():
        for number in range(1_200):
            store.record_outcome(make_outcome(number, cost_usd="1000000000"))
    (day,) = store.stats(by="day", period="all")
    assert day.cost_usd == store.totals(period="all").cost_usd == 1_200_000_000
