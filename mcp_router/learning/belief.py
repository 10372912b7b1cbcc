"""A belief about a success rate: a Beta distribution that starts at a prior and is moved by counts.

The distribution function is the regularised incomplete beta function, by Lentz's method for its
continued fraction: Abramowitz and Stegun, 26.5.8; DLMF 8.17.22.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_TINY = 1e-300
_ENOUGH = 1e-12
_STEPS = 300
_GRID = 64


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


def spread(belief: Belief) -> float:
    """Return the standard deviation of the rate."""
    total = belief.good + belief.bad
    return math.sqrt(belief.good * belief.bad / (total * total * (total + 1)))


def chance_below(belief: Belief, rate: float) -> float:
    """Return the chance that the true rate is below `rate`."""
    if rate <= 0:
        return 0.0
    if rate >= 1:
        return 1.0
    good, bad = belief
    # The fraction converges fast on this side of the mean, and the other side mirrors it.
    if rate > (good + 1) / (good + bad + 2):
        return 1.0 - _tail(bad, good, 1.0 - rate)
    return _tail(good, bad, rate)


def quantile(belief: Belief, chance: float) -> float:
    """Return the rate that the true one is below with this chance, to a millionth."""
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if chance_below(belief, middle) < chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def chance_not_worse(one: Belief, other: Belief, *, margin: float) -> float:
    """Return the chance that the rate of `one` is at least that of `other` less `margin`.

    Sums over equally likely slices of `other`, which is exact to about a hundredth.
    """
    slices = (quantile(other, (k + 0.5) / _GRID) for k in range(_GRID))
    return sum(1.0 - chance_below(one, rate - margin) for rate in slices) / _GRID


def _tail(good: float, bad: float, rate: float) -> float:
    log = (
        math.lgamma(good + bad)
        - math.lgamma(good)
        - math.lgamma(bad)
        + good * math.log(rate)
        + bad * math.log1p(-rate)
    )
    return math.exp(log) * _fraction(good, bad, rate) / good


def _fraction(good: float, bad: float, rate: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (good + bad) * rate / (good + 1))
    value = d
    for m in range(1, _STEPS):
        for term in (
            m * (bad - m) * rate / ((good + 2 * m - 1) * (good + 2 * m)),
            -(good + m) * (good + bad + m) * rate / ((good + 2 * m) * (good + 2 * m + 1)),
        ):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _ENOUGH:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
