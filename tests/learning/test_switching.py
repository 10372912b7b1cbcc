"""A kind of work is switched only when that is probably safe, and back when it is not any more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.belief.beta import Belief, prior
from mcp_router.learning.switching import (
    CONTROL,
    GAIN,
    LEAST_CASES,
    LOSS,
    SCARCE,
    SHARE,
    Change,
    Option,
    Trial,
    is_safe,
    lost,
    not_worse,
    part_of,
    plan,
    room_left,
    value_gap,
)


def option(
    model: str, mean: float, *, cost: float, weight: float = 400, cases: int = 100
) -> Option:
    return Option(model, prior(mean, weight=weight), cases, cost)


STRONG = option("strong", 0.9, cost=10)
SURE = option("sure", 0.92, cost=5)
OPEN = option("open", 0.87, cost=4, weight=40)
POOR = option("poor", 0.4, cost=1)
PART = 0.1


def test_two_alike_are_as_likely_worse_as_better() -> None:
    assert not_worse(STRONG.belief, STRONG.belief, margin=0.0) == pytest.approx(0.5)
    assert not_worse(STRONG.belief, POOR.belief) > 0.999
    assert not_worse(POOR.belief, STRONG.belief) < 0.001


def test_without_a_switch_and_a_share_the_usual_model_stays() -> None:
    found = plan(STRONG, [OPEN, POOR])
    assert (found.chosen, found.kind, found.propensity, found.ready) == (STRONG, "usual", 1.0, "")


def test_a_model_is_ready_once_it_is_worth_it_for_sure_and_was_judged_at_all() -> None:
    assert plan(STRONG, [SURE], part=PART).ready == "sure"
    assert plan(STRONG, [SURE._replace(cases=LEAST_CASES - 1)], part=PART).ready == ""
    assert plan(STRONG, [SURE._replace(cost=9.5)], part=PART).ready == ""


def test_what_is_no_worse_is_ready_on_a_small_part_of_the_work_first() -> None:
    same = option("same", 0.9, cost=1, weight=60)
    assert plan(STRONG, [same], part=0.1).ready == "same"
    assert plan(STRONG, [same], part=1.0).ready == ""
    known = prior(0.9, weight=9_000)
    assert plan(STRONG._replace(belief=known), [same._replace(belief=known)]).ready == "same"


def test_little_is_lost_for_little_money_and_more_for_more() -> None:
    less = option("less", 0.88, cost=8, weight=9_000)
    assert plan(STRONG, [less], part=0.01).ready == ""
    assert plan(STRONG, [less._replace(cost=1)], part=0.01).ready == "less"


def test_of_several_the_one_is_ready_that_is_worth_most_for_its_price() -> None:
    dear, cheap = option("dear", 0.92, cost=5), option("cheap", 0.91, cost=1)
    assert plan(STRONG, [dear, cheap], part=PART).ready == "cheap"
    assert plan(STRONG, [dear, option("cheap", 0.88, cost=1)], part=PART).ready == "dear"
    assert plan(STRONG, [dear, cheap], part=PART, switched="cheap").ready == ""


def test_a_switched_kind_of_work_goes_to_its_model() -> None:
    found = plan(STRONG, [SURE, POOR], part=PART, switched="sure", draw=0.5)
    assert (found.chosen, found.kind, found.propensity) == (SURE, "switched", 1 - CONTROL)


def test_some_of_a_switched_kind_stay_to_compare_with() -> None:
    found = plan(STRONG, [SURE], part=PART, switched="sure", draw=0.95)
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


def test_the_less_is_left_of_what_may_be_lost_the_less_is_lost_for_money() -> None:
    less = option("less", 0.88, cost=1, weight=9_000)
    assert plan(STRONG, [less], part=0.01, room=1.0).ready == "less"
    assert plan(STRONG, [less], part=0.01, room=0.5).ready == ""
    assert plan(STRONG, [less], part=0.01, room=0.5, switched="less").failed
    better = option("better", 0.92, cost=1, weight=9_000)
    assert plan(STRONG, [less, better], part=0.01, room=0.0).ready == "better"


def test_after_gains_more_is_lost_for_money_and_never_more_than_that() -> None:
    less, worse = (option("less", mean, cost=1, weight=9_000) for mean in (0.86, 0.82))
    assert plan(STRONG, [less], part=0.01, room=1.0).ready == ""
    assert plan(STRONG, [less], part=0.01, room=GAIN).ready == "less"
    assert plan(STRONG, [worse], part=0.01, room=99.0).ready == ""


def test_once_little_is_left_of_what_may_be_lost_less_is_tried_and_then_nothing() -> None:
    near = option("near", 0.89, cost=1, weight=20)
    tried = [
        plan(STRONG, [near], share=SHARE, room=room, draw=0.0)
        for room in (GAIN, 1.0, SCARCE, SCARCE / 2, SCARCE / 10)
    ]
    assert {one.kind for one in tried} == {"explored"}
    shares = [SHARE, SHARE, SHARE, SHARE / 2, SHARE / 10]
    assert [one.propensity for one in tried] == pytest.approx(shares)
    assert plan(STRONG, [near], share=SHARE, room=0.0, draw=0.0).chosen == STRONG


def test_what_is_left_counts_the_worse_of_what_was_estimated_and_what_came() -> None:
    assert room_left([], decided=160) == 1.0
    # 160 decisions and the head start of 40 may lose 1.
    unlucky, dear = Change("chat", 0.0, 0.4), Change("chat", 0.4, 0.0)
    assert room_left([unlucky], decided=160) == pytest.approx(0.6)
    assert room_left([dear], decided=160) == pytest.approx(1 - lost([dear]))
    assert room_left([Change("chat", -0.5, -0.5)], decided=160) == pytest.approx(1.5)
    assert room_left([unlucky] * 3, decided=160) == 0.0, "luck alone is no reason to rest"
    assert room_left([unlucky] * 30, decided=160) is None


def test_a_part_of_the_work_is_half_at_first_and_then_what_was_seen() -> None:
    assert part_of(0, whole=0) == pytest.approx(0.5)
    assert part_of(500, whole=1_000) == pytest.approx(0.5, abs=0.01)
    assert part_of(0, whole=1_000) < 0.02


def test_few_answers_lose_little_more_than_was_expected_and_many_what_they_lost() -> None:
    unlucky = Change("chat", expected=0.02, lost=0.9)
    assert lost([]) == 0
    assert lost([unlucky]) == pytest.approx(0.02, abs=0.03)
    assert lost([unlucky] * 3_000) == pytest.approx(3_000 * 0.9, rel=0.02)


@given(
    st.lists(
        st.builds(
            Change,
            st.sampled_from(["chat", "analysis"]),
            st.floats(-1, 1),
            st.floats(-1, 1),
        ),
        max_size=40,
    )
)
def test_what_is_lost_lies_between_what_was_expected_and_what_was_seen(
    changes: Sequence[Change],
) -> None:
    for kind in {one.kind for one in changes}:
        own = [one for one in changes if one.kind == kind]
        low, high = sorted([sum(one.expected for one in own), sum(one.lost for one in own)])
        assert low - 1e-9 <= lost(own) <= high + 1e-9
    apart = sum(lost([one for one in changes if one.kind == kind]) for kind in ("chat", "analysis"))
    assert lost(changes) == pytest.approx(apart)


def test_models_that_cost_nothing_are_left_as_they_are() -> None:
    free = STRONG._replace(cost=0.0)
    found = plan(free, [SURE._replace(cost=0.0)], part=PART, share=SHARE, draw=0.0)
    assert (found.chosen, found.ready) == (free, "")


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
