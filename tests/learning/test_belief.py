from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.learning.belief import Belief, after, mean, prior

counts = st.floats(0.2, 400)


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
