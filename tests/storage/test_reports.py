"""Sums are exact in any time zone, over any groups, whatever the order of the records."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError
from mcp_router.storage.analysis import answered
from mcp_router.storage.periods import Bounds, local_day, period_bounds, to_ms
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Fallback, Range
from mcp_router.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcp_router.types import Decision, StatRow

    Make = Callable[..., Decision]
    MakeOutcome = Callable[..., Outcome]

Record = tuple[datetime, str, str, int]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
# Around both changes of the clocks in Europe and America, and the end of a year.
SEASONS = [
    datetime(2026, 3, 28, tzinfo=UTC),
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 12, 31, tzinfo=UTC),
]
moments = st.builds(
    lambda season, minutes: season + timedelta(minutes=minutes),
    st.sampled_from(SEASONS),
    st.integers(0, 3 * 24 * 60),
)
calls = st.lists(
    st.tuples(
        moments,
        st.sampled_from(["sonnet", "haiku", "opus"]),
        st.sampled_from(["debugging", "chat"]),
        st.integers(0, 10**9),
    ),
    max_size=40,
)


def by_group(rows: tuple[StatRow, ...]) -> dict[str, StatRow]:
    return {row.group: row for row in rows}


def usd(rows: tuple[StatRow, ...]) -> Any:
    return sum((row.cost_usd for row in rows), start=0)


@contextmanager
def recorded(records: list[Record], *, fold: bool = True) -> Iterator[SqliteStore]:
    fixed = {"decision_id": "d", "provider": "anthropic", "complexity": "simple", "ok": True}
    with tempfile.TemporaryDirectory() as folder, SqliteStore.open(f"{folder}/a.db") as store:
        for number, (at, model, task, nanos) in enumerate(records):
            if fold and number % 7 == 0:
                with store.database.transaction() as connection:
                    connection.execute("UPDATE summary_state SET folds = folds + 1")
            told = {"created_at": at, "model": model, "task_type": task}
            cost = {"cost_usd": f"{nanos / 10**9:.9f}"}
            store.record_outcome(Outcome.model_validate(fixed | told | cost))
        yield store


@settings(max_examples=40, deadline=None)
@given(calls, st.sampled_from(ZONES), st.booleans())
def test_days_add_up_to_the_total_in_any_zone(records: list[Record], name: str, fold: bool) -> None:
    zone = ZoneInfo(name)
    wanted: Counter[str] = Counter()
    for at, _, _, nanos in records:
        wanted[local_day(to_ms(at), zone=zone).isoformat()] += nanos
    with recorded(records, fold=fold) as store:
        days = store.stats(by="day", period="all", timezone=zone)
        total = store.totals(period="all")
    assert {row.group: int(row.cost_usd * 10**9) for row in days} == dict(wanted)
    assert usd(days) == total.cost_usd
    assert sum(row.calls for row in days) == total.calls == len(records)


@settings(max_examples=25, deadline=None)
@given(calls, st.booleans(), st.lists(moments, min_size=2, max_size=4))
def test_groups_and_adjoining_spans_add_up_to_the_total(
    records: list[Record], fold: bool, cuts: list[datetime]
) -> None:
    with recorded(records, fold=fold) as store:
        total = store.totals(period="all").cost_usd
        for by in ("model", "provider", "task", "project", "category"):
            assert usd(store.stats(by=by, period="all")) == total
        edges = [cut.replace(minute=cut.minute // 15 * 15) for cut in sorted(cuts)]
        spans = [
            Range(None, edges[0]),
            *(Range(*pair) for pair in pairwise(edges)),
            Range(edges[-1], None),
        ]
        assert sum(store.totals(period=span).cost_usd for span in spans) == total


@settings(max_examples=25, deadline=None)
@given(calls, st.sampled_from(ZONES), moments, st.sampled_from(["day", "week", "month"]))
def test_a_period_holds_what_happened_in_it_and_nothing_else(
    records: list[Record], name: str, now: datetime, period: Any
) -> None:
    zone = ZoneInfo(name)
    start, end = period_bounds(period, at=to_ms(now), zone=zone)
    inside = [record for record in records if start <= to_ms(record[0]) < end]
    with recorded(records) as store:
        rows = store.stats(by="model", period=period, now=now, timezone=zone)
    assert sum(row.calls for row in rows) == len(inside)
    assert {row.group for row in rows} == {model for _, model, _, _ in inside}
    assert int(usd(rows) * 10**9) == sum(nanos for *_, nanos in inside)


def test_each_kind_of_record_counts_in_its_own_columns(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    place = Context("site", "s", "docs")
    baseline = {"model": "opus", "cost_usd": "0.06", "saved_usd": "0.048"}
    store.record_decision(make_decision(1, baseline=baseline), context=place)
    store.record_decision(make_decision(2))
    store.record_outcome(make_outcome(1, ok=False, model="haiku", failure="timeout"))
    store.record_outcome(make_outcome(1))
    store.record_outcome(make_outcome(1, source="judge", cost_usd="0.001", score=0.9))
    store.record_fallback(
        Fallback("decision-1", NOON, "debugging", "haiku", "anthropic", "sonnet", "x", "timeout")
    )
    total = store.totals(period="all")
    assert (total.decisions, total.calls, total.ok, total.fallbacks) == (2, 2, 1, 1)
    assert (total.input_tokens, total.output_tokens) == (3 * 1_200, 3 * 50)
    assert str(total.cost_usd.normalize()) == "0.007"
    assert str(total.estimated_cost_usd.normalize()) == "0.024"
    assert str(total.baseline_usd.normalize()) == "0.072"
    models = by_group(store.stats(by="model", period="all"))
    assert (models["haiku"].fallbacks, models["haiku"].ok) == (1, 0)
    assert (models["sonnet"].decisions, models["sonnet"].calls) == (2, 1)
    projects = by_group(store.stats(by="project", period="all"))
    assert (projects["site"].calls, projects[""].decisions) == (2, 1)
    assert by_group(store.stats(by="category", period="all"))["docs"].fallbacks == 1


def test_a_task_that_was_given_up_is_none_that_another_model_would_have_done(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    nothing = {"ok": False, "cost_usd": None, "usage": None}
    store.record_outcome(make_outcome(1))
    store.record_outcome(make_outcome(2, failure="timeout", **nothing))
    store.record_outcome(make_outcome(2, failure="cancelled", **nothing))
    store.record_outcome(make_outcome(3, failure="cancelled", **nothing))
    store.record_outcome(make_outcome(4, failure="invalid_request", **nothing))
    (found,) = answered(store.database, bounds=Bounds(0, to_ms(NOON) + 1))
    assert (found.tasks, found.answers) == (2, 1)
    assert store.totals(period="all").calls == 5


def test_an_unknown_cost_adds_nothing(
    store: SqliteStore, make_decision: Make, make_outcome: MakeOutcome
) -> None:
    counts = {"input_tokens": 1, "output_tokens": 1, "latency_ms": 1}
    store.record_decision(make_decision(estimated={"cost_usd": None, **counts}))
    store.record_outcome(make_outcome(cost_usd=None, usage=None))
    total = store.totals(period="all")
    assert (total.cost_usd, total.estimated_cost_usd, total.input_tokens) == (0, 0, 0)
    assert (total.decisions, total.calls) == (1, 1)


def test_an_empty_store_reports_nothing(store: SqliteStore) -> None:
    assert store.stats(by="day", period="all") == ()
    assert store.stats() == ()
    total = store.totals()
    assert (total.decisions, total.cost_usd, total.latency_p50_ms) == (0, 0, None)


def test_the_dearest_group_comes_first(store: SqliteStore, make_outcome: MakeOutcome) -> None:
    for model, cost in (("a", "0.1"), ("b", "0.3"), ("c", "0.2")):
        store.record_outcome(make_outcome(model=model, cost_usd=cost))
    assert [row.group for row in store.stats(period="all")] == ["b", "c", "a"]


@pytest.mark.parametrize("records", [100, 400])
def test_latencies_are_near_the_true_percentiles(
    store: SqliteStore, make_outcome: MakeOutcome, records: int
) -> None:
    for number in range(records):
        store.record_outcome(make_outcome(latency_ms=1_000 + 4_000 * number // records))
    store.record_outcome(make_outcome(latency_ms=60_000, ok=False))
    store.record_outcome(make_outcome(latency_ms=60_000, source="judge"))
    for by in ("model", "provider", "task", "project", "category", "day"):
        (row,) = store.stats(by=by, period="month", now=NOON, timezone=ZoneInfo("Asia/Kathmandu"))
        assert row.latency_p50_ms == pytest.approx(3_000, rel=0.12)
        assert row.latency_p95_ms == pytest.approx(4_800, rel=0.12)


def test_a_long_list_of_days_leaves_latencies_out(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    for number in range(101):
        store.record_outcome(make_outcome(created_at=NOON - timedelta(days=number)))
    days = store.stats(by="day", period="all")
    assert (len(days), {row.latency_p50_ms for row in days}) == (101, {None})
    recent = store.stats(by="day", period=Range(NOON - timedelta(days=99), None))
    assert None not in {row.latency_p50_ms for row in recent}


def test_the_zone_of_the_store_is_the_default(tmp_path: Path, make_decision: Make) -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with SqliteStore.open(tmp_path / "a.db", timezone=ZoneInfo("Europe/Berlin")) as store:
        store.record_decision(make_decision(created_at=late))
        assert [row.group for row in store.stats(by="day", period="all")] == ["2026-11-21"]
        utc = store.stats(by="day", period="all", timezone=UTC)
        assert [row.group for row in utc] == ["2026-11-20"]


def test_the_month_to_date_leaves_the_month_before_out(
    store: SqliteStore, make_decision: Make
) -> None:
    for number, at in enumerate(["2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z"]):
        store.record_decision(make_decision(number, created_at=at))
    assert store.totals(period="month", now=NOON).decisions == 1
    assert store.totals(period="month", now=NOON, timezone=ZoneInfo("Asia/Tokyo")).decisions == 2


def test_one_stray_date_does_not_fill_a_report_with_empty_days(
    store: SqliteStore, make_decision: Make
) -> None:
    for number, year in enumerate((1971, 2026, 2999)):
        store.record_decision(make_decision(number, created_at=NOON.replace(year=year)))
    assert [row.group for row in store.stats(by="day", period="all")] == [
        "1971-11-20",
        "2026-11-20",
        "2999-11-20",
    ]


def test_an_unknown_grouping_or_period_names_those_there_are(store: SqliteStore) -> None:
    nonsense: Any = "moon"
    with pytest.raises(InvalidRequestError, match=r"by: 'moon' .* Use model, provider, task"):
        store.stats(by=nonsense)
    with pytest.raises(InvalidRequestError, match=r"period: 'moon' .* Use day, week, month, all"):
        store.stats(period=nonsense)
