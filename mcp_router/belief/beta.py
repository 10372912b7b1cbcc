"""A belief about a success rate: a Beta distribution, from a prior and moved by counts."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

_STEPS = 200
_TINY = 1e-300
_CLOSE = 1e-12


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


def deviation(belief: Belief) -> float:
    """Return the standard deviation of the rate."""
    weight = belief.good + belief.bad
    return math.sqrt(belief.good * belief.bad / (weight + 1)) / weight


@lru_cache(maxsize=2048)
def at_least(belief: Belief, rate: float) -> float:
    """Return the chance, to 9 digits, that the true rate is at least `rate`."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    a, b = belief
    # The fraction converges fast only on the near side of the mean.
    if rate < (a + 1) / (a + b + 2):
        return 1.0 - _tail(a, b, rate)
    return _tail(b, a, 1 - rate)


def quantile(belief: Belief, share: float) -> float:
    """Return the rate that the true one is below with a chance of `share`, to 7 digits."""
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        if 1 - at_least(belief, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _tail(a: float, b: float, x: float) -> float:
    """Compute the regularised incomplete beta function (DLMF 8.17.22, modified Lentz)."""
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    c, d = 1.0, _inverse(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = _inverse(1 + term * d), 1 + term / c or _TINY
            value *= d * c
        if abs(d * c - 1) < _CLOSE:
            break
    return min(1.0, max(0.0, math.exp(front) * value / a))


def _inverse(value: float) -> float:
    return 1 / (value or _TINY)
