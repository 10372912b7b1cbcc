"""A belief about a rate holds its prior until outcomes move it, and knows how sure it is."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_router.belief.beta import Belief, after, at_least, deviation, mean, prior, quantile

counts = st.floats(0.2, 400)
beliefs = st.builds(Belief, counts, counts)
rates = st.floats(0, 1)


def test_a_prior_holds_its_mean_until_outcomes_move_it() -> None:
    start = prior(0.9, weight=40)
    assert mean(start) == pytest.approx(0.9)
    assert mean(after(start, good=10, bad=0)) == pytest.approx(0.92)
    assert mean(after(start, good=0, bad=40)) == pytest.approx(0.45)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_certain_prior_can_still_be_taught(rate: float) -> None:
    start = prior(rate, weight=40)
    assert min(start) > 0
    assert 0 < mean(after(start, good=40, bad=40)) < 1


@given(counts, counts, counts)
def test_a_belief_moves_towards_what_was_seen(good: float, bad: float, seen: float) -> None:
    start = Belief(good, bad)
    assert (
        mean(after(start, good=seen, bad=0)) >= mean(start) >= mean(after(start, good=0, bad=seen))
    )


@pytest.mark.parametrize(
    ("belief", "rate", "chance"),
    [
        # Closed forms: uniform, a power of x, a power of 1 - x, and one by symmetry.
        (Belief(1, 1), 0.3, 0.7),
        (Belief(4, 1), 0.9, 1 - 0.9**4),
        (Belief(1, 3), 0.5, 0.125),
        (Belief(7.5, 7.5), 0.5, 0.5),
    ],
)
def test_a_chance_agrees_with_what_is_known_of_the_distribution(
    belief: Belief, rate: float, chance: float
) -> None:
    assert at_least(belief, rate) == pytest.approx(chance, abs=1e-9)


@given(st.integers(1, 40), st.integers(1, 40), rates)
def test_whole_counts_agree_with_the_binomial_distribution(
    good: int, bad: int, rate: float
) -> None:
    tried = good + bad - 1
    fewer = math.fsum(
        math.comb(tried, hits) * rate**hits * (1 - rate) ** (tried - hits) for hits in range(good)
    )
    assert at_least(Belief(good, bad), rate) == pytest.approx(fewer, abs=1e-9)


@pytest.mark.parametrize("belief", [Belief(0.3, 0.2), Belief(38, 2), Belief(900, 130)])
def test_a_chance_agrees_with_draws(belief: Belief) -> None:
    draws = random.Random(5)
    rate = mean(belief) - deviation(belief) / 3
    hits = sum(draws.betavariate(*belief) >= rate for _ in range(20_000))
    assert at_least(belief, rate) == pytest.approx(hits / 20_000, abs=0.012)


@given(beliefs, rates)
def test_a_chance_is_one_and_never_falls_with_a_success(belief: Belief, rate: float) -> None:
    chance = at_least(belief, rate)
    assert 0 <= chance <= 1
    assert at_least(after(belief, good=1, bad=0), rate) >= chance - 1e-9
    assert at_least(after(belief, good=0, bad=1), rate) <= chance + 1e-9


@given(beliefs, rates, rates)
def test_more_is_reached_less_often(belief: Belief, one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert at_least(belief, low) >= at_least(belief, high) - 1e-9


@given(st.floats(0.02, 0.98), st.floats(8, 200), st.floats(1.1, 10), st.floats(0.3, 0.9))
def test_a_narrower_belief_is_no_less_sure_of_what_its_mean_clears(
    rate: float, weight: float, times: float, floor: float
) -> None:
    assume(rate >= floor)
    wide, narrow = prior(rate, weight=weight), prior(rate, weight=times * weight)
    if at_least(wide, floor) >= 0.8:
        assert at_least(narrow, floor) >= 0.8 - 1e-9


@given(beliefs, st.floats(0.01, 0.99))
def test_a_quantile_is_where_that_share_lies_below(belief: Belief, share: float) -> None:
    # Far out a rate is a rounding error away from 0 or 1, where the chance jumps.
    assume(min(belief) >= 1)
    assert 1 - at_least(belief, quantile(belief, share)) == pytest.approx(share, abs=1e-4)


def test_a_deviation_shrinks_with_the_root_of_what_was_seen() -> None:
    assert deviation(prior(0.5, weight=99)) == pytest.approx(0.05)
    assert deviation(prior(0.5, weight=399)) == pytest.approx(0.025)
