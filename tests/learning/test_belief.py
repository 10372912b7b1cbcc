from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.learning.belief import (
    Belief,
    after,
    chance_below,
    chance_not_worse,
    mean,
    prior,
    quantile,
    spread,
)

counts = st.floats(0.2, 400)
beliefs = st.builds(Belief, counts, counts)


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


def test_a_flat_belief_is_uniform() -> None:
    flat = Belief(1, 1)
    assert [chance_below(flat, x) for x in (-1, 0.25, 0.5, 2)] == pytest.approx([0, 0.25, 0.5, 1])
    assert spread(flat) == pytest.approx(math.sqrt(1 / 12))


def test_whole_counts_agree_with_the_binomial_sum() -> None:
    # P(Beta(a, b) < x) = P(Binomial(a + b - 1, x) >= a).
    a, b, x = 7, 4, 0.55
    n = a + b - 1
    exact = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert chance_below(Belief(a, b), x) == pytest.approx(exact)


@given(beliefs, st.floats(0.001, 0.999))
def test_failures_mirror_successes(belief: Belief, rate: float) -> None:
    mirrored = chance_below(Belief(belief.bad, belief.good), 1 - rate)
    assert chance_below(belief, rate) == pytest.approx(1 - mirrored, abs=1e-9)


@given(beliefs, st.floats(0, 1), st.floats(0, 1))
def test_the_chance_grows_with_the_rate(belief: Belief, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert -1e-12 <= chance_below(belief, low) <= chance_below(belief, high) + 1e-9 <= 1 + 2e-9


@given(beliefs, st.floats(0.01, 0.99))
def test_a_quantile_is_the_inverse(belief: Belief, chance: float) -> None:
    rate = quantile(belief, chance)
    assert chance_below(belief, rate - 1e-5) <= chance + 1e-6
    assert chance_below(belief, rate + 1e-5) >= chance - 1e-6


@given(beliefs, beliefs)
@settings(max_examples=25)
def test_one_is_better_or_the_other(one: Belief, other: Belief) -> None:
    both = chance_not_worse(one, other, margin=0) + chance_not_worse(other, one, margin=0)
    assert both == pytest.approx(1, abs=0.03)


def test_a_comparison_agrees_with_draws() -> None:
    rng = random.Random(5)
    one, other, margin = Belief(30, 8), Belief(45, 9), 0.02
    draws = [rng.betavariate(*one) >= rng.betavariate(*other) - margin for _ in range(20_000)]
    wanted = sum(draws) / len(draws)
    assert chance_not_worse(one, other, margin=margin) == pytest.approx(wanted, abs=0.02)


@given(beliefs, beliefs, st.floats(0, 0.2), st.floats(0, 0.2))
@settings(max_examples=25)
def test_a_wider_margin_forgives_more(
    one: Belief, other: Belief, small: float, more: float
) -> None:
    narrow = chance_not_worse(one, other, margin=small)
    assert chance_not_worse(one, other, margin=small + more) >= narrow - 1e-9
