"""A report adds up, tells of one moment, and is honest about what it cannot know."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.errors import InvalidRequestError, UnknownModelError
from mcp_router.reporting.costs import Question, read_costs
from mcp_router.reporting.report import Scope, read_report
from mcp_router.reporting.values import Rate, Report
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import StatRow
from tests import builders
from tests.reporting.history import NOW
from tests.storage.conftest import decision, outcome

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati")


def report(store: SqliteStore, *, catalog: Catalog, scope: Scope | None = None) -> Report:
    return read_report(store, catalog=catalog, now=NOW, scope=scope or Scope())


def usd(rows: Sequence[StatRow]) -> Decimal:
    return sum((row.cost_usd for row in rows), start=Decimal(0))


def test_every_way_of_grouping_sums_to_the_same_total(
    worked: SqliteStore, catalog: Catalog
) -> None:
    found = report(worked, catalog=catalog)
    for rows in (
        found.days,
        found.by_model,
        found.by_task,
        found.by_project,
        found.by_category,
    ):
        assert usd(rows) == found.totals.cost_usd
        assert sum(row.calls for row in rows) == found.totals.calls
    assert sum(one.cost_usd for one in found.day_models) == found.totals.cost_usd
    assert sum(one.calls for one in found.records) == found.totals.calls
    assert found.savings.spent_usd == found.totals.cost_usd
    failed = found.totals.calls - found.totals.ok
    assert sum(one.times for one in found.failures) == failed


def test_a_decision_that_was_given_up_has_not_failed(store: SqliteStore, catalog: Catalog) -> None:
    nothing = {"ok": False, "cost_usd": None, "usage": None, "created_at": NOW}
    for number, failures in enumerate(([], ["cancelled"], ["timeout"], ["timeout", "cancelled"])):
        store.record_decision(decision(number, created_at=NOW))
        for failure in failures:
            store.record_outcome(outcome(number, failure=failure, **nothing))
    found = [(one.answered, one.attempts) for one in report(store, catalog=catalog).decisions]
    assert found == [(False, 2), (False, 1), (None, 1), (None, 0)]


def test_what_the_caller_gave_up_says_nothing_of_how_reliable_a_model_is(
    store: SqliteStore, catalog: Catalog
) -> None:
    nothing = {"ok": False, "cost_usd": None, "usage": None, "created_at": NOW}
    for number in range(3):
        store.record_outcome(outcome(number, created_at=NOW))
    store.record_outcome(outcome(3, failure="timeout", **nothing))
    store.record_outcome(outcome(4, failure="cancelled", **nothing))
    store.record_outcome(outcome(5, failure="invalid_request", **nothing))
    store.record_outcome(outcome(6, failure="cancelled", **nothing | {"model": "left"}))
    known = {one.model: one for one in report(store, catalog=catalog).records}
    found = known["sonnet"]
    assert (found.calls, found.success.of, found.success.value) == (6, 4, 0.75)
    assert (known["left"].calls, known["left"].success) == (1, Rate())


def test_the_days_of_the_month_sum_to_what_the_forecast_begins_with(
    worked: SqliteStore, catalog: Catalog
) -> None:
    found = report(worked, catalog=catalog).forecast
    assert sum(one.cost_usd for one in found.spent_days) == found.spent_usd
    assert [one.day.day for one in found.spent_days] == list(range(1, NOW.day + 1))
    assert found.days[0].day == found.spent_days[-1].day == NOW.date()


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(
        st.tuples(
            st.integers(0, 40 * 24 * 60),
            st.sampled_from(["sonnet", "haiku"]),
            st.integers(0, 10**9),
            st.booleans(),
        ),
        max_size=25,
    ),
)
def test_the_parts_sum_to_the_total_in_every_time_zone(
    zone: str, calls: list[tuple[int, str, int, bool]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteStore.open(f"{folder}/a.db", timezone=ZoneInfo(zone)) as store,
    ):
        for age, model, nanos, ok in calls:
            when = NOW - timedelta(minutes=age)
            cost = Decimal(nanos).scaleb(-9)
            store.record_outcome(outcome(1, created_at=when, model=model, ok=ok, cost_usd=cost))
        found = report(store, catalog=builders.catalog(), scope=Scope(days=30))
    assert len(found.days) == 30
    assert usd(found.days) == usd(found.by_model) == found.totals.cost_usd
    assert sum(one.cost_usd for one in found.day_models) == found.totals.cost_usd


def test_a_report_on_a_known_history_is_as_approved(store: SqliteStore) -> None:
    for age in range(30):
        when = NOW - timedelta(days=age)
        store.record_decision(decision(age, created_at=when, baseline=_baseline()))
        cost = Decimal("0.25") if when.weekday() >= 5 else Decimal(1)
        store.record_outcome(outcome(age, created_at=when, cost_usd=cost))
    rows = (builders.model("opus", prices=(builders.price(1000, 1000),)), builders.model("sonnet"))
    found = report(store, catalog=builders.catalog(*rows))
    assert found.totals.cost_usd == Decimal("23.25")
    # By hand: $16.50, a third of a Saturday, a Sunday, five weekdays, a weekend, a Monday: $23.34.
    assert found.forecast.model_dump(mode="json", exclude={"days", "spent_days"}) == {
        "reason": "",
        "month": "2026-11-01",
        "spent_usd": "16.5",
        "limit_usd": "60",
        "expected_usd": "23.487692823",
        "low_usd": "22.843193693",
        "high_usd": "24.149826714",
        "over_limit": 0.0,
        "limit_reached_on": None,
        "history_days": 29,
        "weekday_pattern": True,
    }
    # 30 answers of 1,200 tokens in (200 of them cached) and 50 out, at $1,000 a million.
    assert found.savings.model_dump(mode="json", exclude={"estimated"}) == {
        "reason": "",
        "baseline": "opus",
        "tasks": 30,
        "spent_usd": "23.25",
        "baseline_usd": "37.5",
        "saved_usd": "14.25",
        "overhead_usd": "0",
        "return_on_overhead": None,
        "observed": None,
    }


def _baseline() -> dict[str, str]:
    return {"model": "opus", "cost_usd": "0.05", "saved_usd": "0.04"}


def test_an_empty_store_gives_an_empty_report(store: SqliteStore, catalog: Catalog) -> None:
    found = report(store, catalog=catalog)
    assert found.advice_only
    assert found.decisions == ()
    assert found.forecast.reason == "not enough history: 0 full days recorded, 7 are needed"
    assert found.savings.reason == "no baseline model is named"


def test_advice_alone_is_reported_by_what_it_was_expected_to_cost(
    store: SqliteStore, catalog: Catalog
) -> None:
    store.record_decision(decision(1, created_at=NOW))
    found = report(store, catalog=catalog)
    assert found.advice_only
    assert [one.cost_usd for one in found.day_models] == [Decimal("0.012")]


def test_days_before_the_first_record_are_no_days_without_spending(
    store: SqliteStore, catalog: Catalog
) -> None:
    for age in range(9):
        when = NOW - timedelta(days=age)
        store.record_outcome(outcome(age, created_at=when, cost_usd=Decimal(1)))
    found = report(store, catalog=catalog).forecast
    assert found.history_days == 8
    assert found.expected_usd == pytest.approx(Decimal(9) + Decimal("9.354"), abs=Decimal("0.01"))


def test_old_records_make_quiet_days_count(store: SqliteStore, catalog: Catalog) -> None:
    for age in (400, 3):
        store.record_outcome(outcome(age, created_at=NOW - timedelta(days=age)))
    assert report(store, catalog=catalog).forecast.history_days == 56


def test_the_latest_decision_names_the_baseline_and_an_option_another(
    worked: SqliteStore, catalog: Catalog
) -> None:
    usual = report(worked, catalog=catalog).savings.baseline
    other = next(one.name for one in catalog.models if one.name != usual and one.prices)
    named = report(worked, catalog=catalog, scope=Scope(baseline=other))
    assert usual
    assert named.savings.baseline == other


def test_a_baseline_that_is_no_model_is_refused(worked: SqliteStore, catalog: Catalog) -> None:
    with pytest.raises(UnknownModelError):
        report(worked, catalog=catalog, scope=Scope(baseline="opsu-99x"))


def test_a_baseline_that_left_the_catalogue_is_passed_over(store: SqliteStore) -> None:
    store.record_decision(decision(1, created_at=NOW, baseline=_baseline()))
    store.record_outcome(outcome(1, created_at=NOW))
    empty = replace(builders.catalog(), roles={}, given_aliases={})
    assert report(store, catalog=empty).savings.reason == "no baseline model is named"


@pytest.mark.parametrize("scope", [Scope(days=0), Scope(days=367), Scope(decisions=-1)])
def test_a_scope_out_of_range_is_refused(
    scope: Scope, store: SqliteStore, catalog: Catalog
) -> None:
    with pytest.raises(InvalidRequestError, match="must be from"):
        report(store, catalog=catalog, scope=scope)


def test_each_decision_is_listed_with_what_came_of_it(store: SqliteStore, catalog: Catalog) -> None:
    for number in (1, 2, 3):
        store.record_decision(decision(number, created_at=NOW))
    store.record_outcome(outcome(2, ok=False, failure="timeout", cost_usd=Decimal("0.1")))
    store.record_outcome(outcome(2, model="haiku", cost_usd=Decimal("0.2"), latency_ms=777))
    store.record_outcome(outcome(3, ok=False, failure="timeout", cost_usd=None))
    third, second, first = report(store, catalog=catalog).decisions
    assert (first.answered, first.cost_usd, first.attempts) == (None, None, 0)
    assert first.estimated_usd == Decimal("0.012")
    assert (second.answered, second.answered_by, second.attempts) == (True, "haiku", 2)
    assert (second.cost_usd, second.latency_ms) == (Decimal("0.3"), 777)
    assert (third.answered, third.answered_by, third.cost_usd) == (False, None, None)
    assert second.reason == "Good enough, and the cheapest of those."


def test_a_report_can_be_written_as_json_and_read_again(
    worked: SqliteStore, catalog: Catalog
) -> None:
    found = report(worked, catalog=catalog, scope=Scope(decisions=3))
    written = found.model_dump_json()
    assert Report.model_validate_json(written) == found
    assert "E-" not in json.dumps(json.loads(written)["totals"])


def test_anything_recorded_changes_the_revision(store: SqliteStore, catalog: Catalog) -> None:
    seen = {report(store, catalog=catalog).revision}
    store.record_decision(decision(1, created_at=NOW))
    seen.add(report(store, catalog=catalog).revision)
    store.record_outcome(outcome(1))
    seen.add(report(store, catalog=catalog).revision)
    assert len(seen) == 3


def test_costs_of_a_week_begin_on_monday(store: SqliteStore, catalog: Catalog) -> None:
    sunday, monday = datetime(2026, 11, 15, 12, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)
    store.record_outcome(outcome(1, created_at=sunday, cost_usd=Decimal(5)))
    store.record_outcome(outcome(2, created_at=monday, cost_usd=Decimal(3)))
    week = read_costs(store, catalog=catalog, now=NOW, question=Question("week", "day"))
    assert week.total.cost_usd == Decimal(3)
    assert [row.group for row in week.rows] == ["2026-11-16"]
    assert sum(one.cost_usd for one in week.recent) == Decimal(8)
    assert week.recent[-1].day == date(2026, 11, 21)
