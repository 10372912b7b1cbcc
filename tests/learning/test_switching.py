"""A kind of work is switched only when that is probably safe, and back when it is not any more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.belief.beta import Belief, prior
from mcp_router.learning.switching import (
    CONTROL,
    LOSS,
    SHARE,
    Option,
    Trial,
    is_safe,
    not_worse,
    plan,
    value_gap,
)


def option(
    model: str, mean: float, *, cost: float, weight: float = 400, cases: int = 100
) -> Option:
    return Option(model, prior(mean, weight=weight), cases, cost)


STRONG = option("strong", 0.9, cost=10)
SURE = option("sure", 0.92, cost=5)
OPEN = option("open", 0.85, cost=4, weight=40)
POOR = option("poor", 0.4, cost=1)


def test_two_alike_are_as_likely_worse_as_better() -> None:
    assert not_worse(STRONG.belief, STRONG.belief, margin=0.0) == pytest.approx(0.5)
    assert not_worse(STRONG.belief, POOR.belief) > 0.999
    assert not_worse(POOR.belief, STRONG.belief) < 0.001


def test_without_a_switch_and_a_share_the_usual_model_stays() -> None:
    found = plan(STRONG, [OPEN, POOR])
    assert (found.chosen, found.kind, found.propensity, found.ready) == (STRONG, "usual", 1.0, "")


def test_a_model_is_ready_once_it_is_sure_and_tried_often_enough() -> None:
    assert plan(STRONG, [SURE]).ready == "sure"
    assert plan(STRONG, [SURE._replace(cases=3)]).ready == ""
    assert plan(STRONG, [SURE._replace(cost=9.5)]).ready == ""


def test_a_switched_kind_of_work_goes_to_its_model() -> None:
    found = plan(STRONG, [SURE, OPEN], switched="sure", draw=0.5)
    assert (found.chosen, found.kind, found.propensity) == (SURE, "switched", 1 - CONTROL)


def test_some_of_a_switched_kind_stay_to_compare_with() -> None:
    found = plan(STRONG, [SURE], switched="sure", draw=0.95)
    assert (found.chosen, found.kind, found.propensity) == (STRONG, "usual", CONTROL)


def test_a_switch_that_fails_ends_at_once() -> None:
    found = plan(STRONG, [POOR], switched="poor", draw=0.5)
    assert (found.chosen, found.kind, found.failed) == (STRONG, "usual", True)


def test_a_switch_to_a_model_that_is_away_rests_and_does_not_end() -> None:
    found = plan(STRONG, [OPEN], switched="sure", draw=0.5)
    assert (found.chosen, found.failed) == (STRONG, False)


def test_a_model_that_could_still_be_good_enough_is_tried_and_a_hopeless_one_never() -> None:
    found = plan(STRONG, [OPEN, POOR], share=SHARE, draw=0.0)
    assert (found.chosen, found.kind, found.propensity) == (OPEN, "explored", SHARE)
    assert plan(STRONG, [POOR], share=SHARE, draw=0.0).chosen == STRONG


@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0.1, 20), st.integers(0, 99)), max_size=6),
    st.floats(0, 0.999),
    st.floats(0, 0.5),
)
def test_whatever_is_chosen_is_usual_or_cheaper_with_a_chance_above_none(
    others: Sequence[tuple[float, float, int]], draw: float, share: float
) -> None:
    options = [option(f"m{n}", one[0], cost=one[1], cases=one[2]) for n, one in enumerate(others)]
    found = plan(STRONG, options, switched="m0", share=share, draw=draw)
    assert 0 < found.propensity <= 1
    assert found.chosen is STRONG or found.chosen.cost <= 0.9 * STRONG.cost


def test_trying_ends_when_it_has_cost_more_than_it_may() -> None:
    assert is_safe(lost=0.1, decided=0)
    assert is_safe(lost=LOSS * 1_000, decided=1_000)
    assert not is_safe(lost=LOSS * 1_000 + 1, decided=1_000)


def test_the_logged_value_is_right_though_the_expected_marks_are_wrong() -> None:
    # Of 1,000 decisions 300 tried "new", which is right 9 times in 10; "old" 8 times in 10.
    logged = [Trial("new", 0.3, float(n % 10 > 0)) for n in range(300)]
    logged += [Trial("old", 0.7, float(n % 10 > 1)) for n in range(700)]
    gap = value_gap(logged, model="new", usual="old", starts=(0.2, 0.99))
    assert gap == pytest.approx(0.1, abs=0.01)


def test_without_logged_trials_the_expected_marks_decide() -> None:
    assert value_gap([], model="new", usual="old", starts=(0.7, 0.9)) == pytest.approx(-0.2)


def test_beliefs_of_one_kind_of_judgement_only_are_compared_all_the_same() -> None:
    assert 0 <= not_worse(Belief(0.2, 500.0), Belief(500.0, 0.2)) < 1e-6
