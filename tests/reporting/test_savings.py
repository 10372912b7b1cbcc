"""Savings are net: everything paid for counts, and the baseline is given the benefit of doubt."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.reporting.savings import LEAST_CALLS, savings
from mcp_router.reporting.values import Savings
from mcp_router.storage.analysis import Answered, OutcomeGroup
from tests.builders import NOW, model
from tests.reporting.makers import answered, group

# $1 in and $4 out per million tokens: half a cent for a thousand of each.
BASELINE = model("strong")
CENT = 10_000_000


def compared(*groups: OutcomeGroup, tasks: tuple[Answered, ...]) -> Savings:
    return savings(groups, tasks=tasks, baseline=BASELINE, now=NOW)


def test_without_a_baseline_nothing_is_known() -> None:
    found = savings([group("a")], tasks=[answered(1)], baseline=None, now=NOW)
    assert found.reason == "no baseline model is named"


def test_without_a_call_nothing_is_known() -> None:
    assert compared(tasks=()).reason == "nothing was run through the router"


def test_where_every_task_was_given_up_nothing_is_known() -> None:
    given_up = group("a", calls=6, ok=0, dropped=6, priced=0, cost=0, cost_squares=0.0)
    found = compared(given_up, tasks=(answered(0),))
    assert (found.reason, found.estimated) == ("every task was given up", None)


def test_a_baseline_of_unknown_price_saves_nothing_known() -> None:
    unpriced = model("strong", prices=())
    found = savings([group("a")], tasks=[answered(1)], baseline=unpriced, now=NOW)
    assert found.reason == "the price of strong is unknown"


def test_the_tokens_used_are_put_at_the_prices_of_the_baseline() -> None:
    found = compared(group("cheap", calls=100, each=CENT // 10), tasks=(answered(100),))
    assert found.baseline == "strong"
    assert found.spent_usd == Decimal("0.1")
    assert found.baseline_usd == Decimal("0.5")
    assert found.saved_usd == Decimal("0.4")
    assert found.observed is None
    assert found.estimated is not None
    assert found.estimated.low_usd is None


def test_failed_attempts_and_judges_are_paid_for() -> None:
    cheap = group("cheap", calls=110, each=CENT // 10, failed_cost=CENT, judging_cost=5 * CENT)
    found = compared(cheap, tasks=(answered(100),))
    assert found.spent_usd == Decimal("0.16")
    assert found.overhead_usd == Decimal("0.06")
    assert found.saved_usd == Decimal("0.34")
    assert found.return_on_overhead == pytest.approx(0.34 / 0.06)


def test_routing_that_costs_more_than_the_baseline_saves_less_than_nothing() -> None:
    found = compared(group("dear", calls=100, each=CENT), tasks=(answered(100),))
    assert found.saved_usd == Decimal("-0.5")
    assert found.model_dump(mode="json")["saved_usd"] == "-0.5"


def test_where_the_baseline_ran_itself_its_own_costs_count() -> None:
    own = group("strong", calls=10, each=2 * CENT)
    found = compared(own, group("cheap", calls=90, each=CENT // 10), tasks=(answered(100),))
    assert found.baseline_usd == Decimal(2)
    assert found.observed is not None
    assert found.observed.low_usd == found.observed.high_usd == found.observed.saved_usd
    assert found.estimated is None


def test_unequal_costs_of_the_baseline_make_a_range() -> None:
    own = group("strong", calls=10, each=2 * CENT, cost_squares=10 * (3.0 * CENT) ** 2)
    found = compared(own, tasks=(answered(100),)).observed
    assert found is not None
    assert found.low_usd is not None
    assert found.high_usd is not None
    assert found.low_usd < found.saved_usd < found.high_usd
    assert found.high_usd + found.low_usd == 2 * found.saved_usd


def test_a_few_calls_of_the_baseline_are_no_observation() -> None:
    own = group("strong", calls=LEAST_CALLS - 1, each=2 * CENT)
    found = compared(own, tasks=(answered(100),))
    assert found.observed is None
    assert found.baseline_usd == Decimal("0.5")


def test_tasks_that_nothing_answered_count_as_spent_in_full() -> None:
    failed = group("cheap", calls=10, ok=0, each=CENT, failed_cost=10 * CENT)
    found = compared(failed, tasks=(answered(5, answers=0),))
    assert found.baseline_usd == 0
    assert found.saved_usd == Decimal("-0.1")


groups = st.lists(
    st.builds(
        lambda task, name, calls, each: group(name, task_type=task, calls=calls, each=each),
        st.sampled_from(["chat", "testing", "debugging"]),
        st.sampled_from(["strong", "cheap", "dear"]),
        st.integers(1, 50),
        st.integers(0, 10**9),
    ),
    min_size=1,
    unique_by=lambda one: one[:3],
)


@given(groups)
def test_the_parts_sum_to_the_whole(drawn: list[OutcomeGroup]) -> None:
    kinds = sorted({one.task_type for one in drawn})
    found = compared(*drawn, tasks=tuple(answered(7, task_type=kind) for kind in kinds))
    parts = [part for part in (found.observed, found.estimated) if part is not None]
    assert sum(part.tasks for part in parts) == found.tasks == 7 * len(kinds)
    assert sum(part.spent_usd for part in parts) == found.spent_usd
    assert sum(part.saved_usd for part in parts) == found.saved_usd
    assert found.spent_usd * 10**9 == sum(one.cost for one in drawn)
    assert found.saved_usd == found.baseline_usd - found.spent_usd
