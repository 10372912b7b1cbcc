from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.evaluation.intervals import Range, compared
from mcp_router.evaluation.policies import Choice

amounts = st.floats(0.1, 1)
choices = st.lists(st.tuples(amounts, st.floats(0, 1)), min_size=2, max_size=12)


def choice(pairs: list[tuple[float, float]]) -> Choice:
    costs, scores = zip(*pairs, strict=True)
    return Choice(costs, scores)


def ranges(one: Choice, base: Choice, *, seed: int = 1) -> tuple[Range, Range]:
    (line,) = compared({"one": one}, base=base, rng=random.Random(seed))
    return line.saved, line.gained


@given(choices)
@settings(max_examples=20)
def test_the_base_saves_and_gains_nothing_for_certain(pairs: list[tuple[float, float]]) -> None:
    # Both sides see the same sample, so that what moves both moves no difference.
    saved, gained = ranges(choice(pairs), choice(pairs))
    assert saved == pytest.approx((0, 0, 0))
    assert gained == pytest.approx((0, 0, 0))


@given(choices)
@settings(max_examples=20)
def test_a_constant_discount_is_certain(pairs: list[tuple[float, float]]) -> None:
    half = choice([(cost / 2, score) for cost, score in pairs])
    saved, gained = ranges(half, choice(pairs))
    assert saved == pytest.approx((0.5, 0.5, 0.5))
    assert gained == pytest.approx((0, 0, 0))


def test_an_interval_narrows_with_the_root_of_the_requests() -> None:
    rng = random.Random(3)
    many = [(1.0, float(rng.random() < 0.5)) for _ in range(1600)]
    base = choice([(1.0, 0.0)] * 1600)
    wide = ranges(choice(many[:100]), choice([(1.0, 0.0)] * 100))[1]
    narrow = ranges(choice(many), base)[1]
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(4, rel=0.25)
    # 95 % of a mean of 1,600 coins lie within 1.96 times 0.5 / 40.
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.5 / 40, rel=0.15)


def test_a_base_that_is_free_leaves_nothing_to_save() -> None:
    saved, _ = ranges(choice([(1.0, 1.0)] * 5), choice([(0.0, 1.0)] * 5))
    assert saved == (0, 0, 0)
