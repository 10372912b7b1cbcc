"""A belief about a success rate: a Beta distribution, from a prior and moved by counts."""

from __future__ import annotations

from typing import NamedTuple


class Belief(NamedTuple):
    """A Beta distribution; `good` and `bad` are counts, decayed or of a prior, above 0."""

    good: float
    bad: float


def prior(mean: float, *, weight: float) -> Belief:
    """Believe in a rate as firmly as `weight` observations would make one.

    The mean is kept a little away from 0 and 1, where nothing could be learnt any more.
    """
    kept = min(max(mean, 0.005), 0.995)
    return Belief(kept * weight, (1 - kept) * weight)


def after(belief: Belief, *, good: float, bad: float) -> Belief:
    """Take in observations."""
    return Belief(belief.good + good, belief.bad + bad)


def mean(belief: Belief) -> float:
    """Return the expected rate."""
    return belief.good / (belief.good + belief.bad)
