"""Which of two success rates is lower, as far as is known of both."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import NamedTuple

from mcp_router.belief.beta import Belief, deviation, mean

_STEPS = 400
_WIDTH = 8.0


class _Curve(NamedTuple):
    """A distribution on equal steps from `low`; `mass` sums to 1, `below` is its running sum."""

    low: float
    step: float
    mass: tuple[float, ...]
    below: tuple[float, ...]


def chance_worse(challenger: Belief, *, than: Belief, by: float) -> float:
    """Return the chance that the challenger's true rate is lower by more than `by`.

    Both beliefs have counts of 1 or more; the integral over the incumbent's is taken on 400 steps,
    which is good to about 0.001.
    """
    mine, other = _curve(challenger), _curve(than)
    worse = math.fsum(
        mass * _below(mine, other.low + (index + 0.5) * other.step - by)
        for index, mass in enumerate(other.mass)
    )
    return min(1.0, max(0.0, worse))


def _curve(belief: Belief) -> _Curve:
    centre, spread = mean(belief), deviation(belief)
    low, high = max(0.0, centre - _WIDTH * spread), min(1.0, centre + _WIDTH * spread)
    step = (high - low) / _STEPS
    logs = [_log_density(low + (index + 0.5) * step, belief) for index in range(_STEPS)]
    highest = max(logs)
    weights = [math.exp(log - highest) for log in logs]
    total = math.fsum(weights)
    mass = tuple(weight / total for weight in weights)
    return _Curve(low, step, mass, tuple(accumulate(mass)))


def _log_density(x: float, belief: Belief) -> float:
    return (belief.good - 1) * math.log(x) + (belief.bad - 1) * math.log1p(-x)


def _below(curve: _Curve, x: float) -> float:
    place = (x - curve.low) / curve.step
    if place <= 0:
        return 0.0
    if place >= _STEPS:
        return 1.0
    index = int(place)
    return curve.below[index] - (index + 1 - place) * curve.mass[index]
