"""Rates seen through few trials are uncertain, and which of two is worse follows from that."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.reporting.chances import Trials, chance_worse, mean, rate

trials = st.integers(0, 500).flatmap(
    lambda of: st.builds(Trials, st.floats(0, of, allow_nan=False), st.just(of))
)


def test_nothing_tried_has_no_rate() -> None:
    assert rate(Trials(0, 0)).value is None


@given(trials.filter(lambda one: one.of > 0))
def test_an_interval_holds_the_share_that_was_seen(one: Trials) -> None:
    found = rate(one)
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_more_trials_make_the_interval_narrower() -> None:
    few, many = rate(Trials(9, 10)), rate(Trials(900, 1000))
    assert few.low is not None
    assert many.low is not None
    assert few.low < many.low


def test_an_interval_is_that_of_the_beta_distribution() -> None:
    # Quantiles of Beta(19, 3) at 5 % and 95 %, from a table.
    found = rate(Trials(18, 20))
    assert found.low == pytest.approx(0.7292, abs=2e-3)
    assert found.high == pytest.approx(0.9594, abs=2e-3)


@given(trials, trials)
def test_of_two_one_is_worse(one: Trials, other: Trials) -> None:
    there = chance_worse(one, than=other, by=0.0)
    back = chance_worse(other, than=one, by=0.0)
    assert there + back == pytest.approx(1.0, abs=0.02)


@given(trials, trials, st.floats(0, 0.5), st.floats(0, 0.5))
def test_to_be_worse_by_more_is_less_likely(
    one: Trials, other: Trials, some: float, more: float
) -> None:
    wide = chance_worse(one, than=other, by=some + more)
    assert wide <= chance_worse(one, than=other, by=some) + 1e-9


def test_the_chance_agrees_with_draws_from_both_distributions() -> None:
    chance = random.Random(3)
    one, other = Trials(40, 50), Trials(85, 100)
    worse = sum(
        chance.betavariate(41, 11) < chance.betavariate(86, 16) - 0.02 for _ in range(20_000)
    )
    assert chance_worse(one, than=other, by=0.02) == pytest.approx(worse / 20_000, abs=0.012)


def test_the_mean_begins_at_one_half() -> None:
    assert mean(Trials(0, 0)) == 0.5
    assert mean(Trials(8, 8)) == 0.9
