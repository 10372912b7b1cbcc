"""Intervals for costs hold under constant watching, once there is enough to see."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.experiments.means import FIRST, cost_difference, cost_interval
from mcp_router.experiments.tally import Tally, added, cost_variance, mean_cost, rate

costs = st.lists(st.floats(0.0, 10.0), min_size=1, max_size=60)


def tally_of(values: list[float], name: str = "a") -> Tally:
    tally = Tally(name)
    for value in values:
        tally = added(tally, ok=True, cost_usd=value)
    return tally


def claimed(rng: random.Random, scale: float, *, most: int, spread: float) -> bool:
    """Draw skewed costs for two arms, look each time; say whether a difference was claimed."""
    one, other = Tally("a"), Tally("b")
    for _ in range(most):
        one = added(one, ok=True, cost_usd=rng.lognormvariate(-5, spread))
        other = added(other, ok=True, cost_usd=scale * rng.lognormvariate(-5, spread))
        found = cost_difference(one, other)
        if found is not None and (found.low > 0 or found.high < 0):
            return True
    return False


@pytest.mark.parametrize("spread", [0.5, 1.2])
def test_equal_costs_are_rarely_called_different_though_one_looks_each_time(spread: float) -> None:
    rng = random.Random(21)
    runs = 100
    assert sum(claimed(rng, 1.0, most=400, spread=spread) for _ in range(runs)) <= 0.05 * runs


def test_half_the_cost_is_noticed() -> None:
    rng = random.Random(22)
    assert sum(claimed(rng, 0.5, most=400, spread=1.0) for _ in range(40)) >= 36


def test_before_enough_calls_nothing_is_said() -> None:
    few, many = tally_of([1.0] * (FIRST - 1)), tally_of([5.0, 6.0] * FIRST)
    assert cost_difference(few, many) is None
    assert cost_interval(few) is None
    assert cost_difference(tally_of([1.0, 2.0] * FIRST), many) is not None


def test_costs_that_never_vary_are_known_exactly() -> None:
    one, other = tally_of([0.5] * FIRST), tally_of([0.25] * FIRST)
    assert cost_difference(one, other) == (0.25, 0.25)
    assert cost_interval(one) == (0.5, 0.5)


@given(st.lists(st.floats(0.01, 10.0), min_size=2, max_size=10), st.floats(0.001, 0.4))
def test_the_interval_contains_the_mean_and_widens_with_certainty(
    values: list[float], alpha: float
) -> None:
    tally = tally_of(values * FIRST)
    found, wider = cost_interval(tally, alpha=alpha), cost_interval(tally, alpha=alpha / 2)
    assert found is not None
    assert wider is not None
    middle = mean_cost(tally)
    assert middle is not None
    assert wider.low - 1e-9 <= found.low <= middle + 1e-9
    assert middle - 1e-9 <= found.high <= wider.high + 1e-9


@given(costs)
def test_running_sums_give_mean_and_variance(values: list[float]) -> None:
    tally = tally_of(values)
    mean = sum(values) / len(values)
    assert mean_cost(tally) == pytest.approx(mean, abs=1e-9)
    if len(values) > 1:
        variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        assert cost_variance(tally) == pytest.approx(variance, abs=1e-6)


def test_an_unknown_cost_is_in_no_sum() -> None:
    tally = added(added(Tally("a"), ok=True, cost_usd=None), ok=False, cost_usd=0.5)
    assert tally == Tally("a", successes=1, failures=1, priced=1, cost=0.5, cost_squares=0.25)
    assert (mean_cost(Tally("a")), rate(Tally("a"))) == (None, None)
    assert rate(tally) == 0.5
