"""Which of two rates is lower is a question of both beliefs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.belief.beta import Belief
from mcp_router.belief.compare import chance_worse

beliefs = st.builds(Belief, st.floats(1, 500), st.floats(1, 500))


@given(beliefs, beliefs)
def test_one_of_two_is_worse(one: Belief, other: Belief) -> None:
    there = chance_worse(one, than=other, by=0.0)
    back = chance_worse(other, than=one, by=0.0)
    assert there + back == pytest.approx(1.0, abs=0.02)


def test_the_chance_agrees_with_draws_from_both() -> None:
    draws = random.Random(3)
    one, other = Belief(41, 11), Belief(86, 16)
    worse = sum(draws.betavariate(*one) < draws.betavariate(*other) - 0.02 for _ in range(20_000))
    assert chance_worse(one, than=other, by=0.02) == pytest.approx(worse / 20_000, abs=0.012)
