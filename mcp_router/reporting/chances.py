"""Chances of success seen through few trials: Beta posteriors, and which of two is worse."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import NamedTuple

from mcp_router.reporting.values import Rate

_STEPS = 400
_WIDTH = 8.0
INTERVAL = 0.90


class Trials(NamedTuple):
    """Successes, not necessarily whole, out of `of` trials."""

    successes: float
    of: int


class _Curve(NamedTuple):
    """A distribution on equal steps from `low`; `mass` sums to 1, `below` is its running sum."""

    low: float
    step: float
    mass: tuple[float, ...]
    below: tuple[float, ...]


def rate(trials: Trials) -> Rate:
    """Say how often something succeeds, with the central 90 % of its Beta(1+s, 1+f) posterior."""
    if trials.of <= 0:
        return Rate()
    curve = _posterior(trials)
    value = min(1.0, max(0.0, trials.successes / trials.of))
    edge = (1 - INTERVAL) / 2
    # With all or none successful, the share seen lies outside of the central interval.
    low, high = min(value, _quantile(curve, edge)), max(value, _quantile(curve, 1 - edge))
    return Rate(value=value, low=low, high=high, of=trials.of)


def chance_worse(challenger: Trials, *, than: Trials, by: float) -> float:
    """Return the chance that the challenger's true rate is lower by more than `by`.

    Both rates have Beta posteriors over a uniform prior; the integral over the incumbent's is
    taken on 400 steps, which is good to about 0.001.
    """
    mine, other = _posterior(challenger), _posterior(than)
    worse = math.fsum(
        mass * _below(mine, other.low + (index + 0.5) * other.step - by)
        for index, mass in enumerate(other.mass)
    )
    return min(1.0, max(0.0, worse))


def mean(trials: Trials) -> float:
    """Return the posterior mean, (s + 1) / (n + 2)."""
    return (trials.successes + 1) / (trials.of + 2)


def _posterior(trials: Trials) -> _Curve:
    wins = min(max(trials.successes, 0.0), float(trials.of))
    a, b = wins + 1, trials.of - wins + 1
    centre = a / (a + b)
    spread = math.sqrt(centre * (1 - centre) / (a + b + 1))
    low, high = max(0.0, centre - _WIDTH * spread), min(1.0, centre + _WIDTH * spread)
    step = (high - low) / _STEPS
    logs = [_log_density(low + (index + 0.5) * step, a=a, b=b) for index in range(_STEPS)]
    highest = max(logs)
    weights = [math.exp(log - highest) for log in logs]
    total = math.fsum(weights)
    mass = tuple(weight / total for weight in weights)
    return _Curve(low, step, mass, tuple(accumulate(mass)))


def _log_density(x: float, *, a: float, b: float) -> float:
    return (a - 1) * math.log(x) + (b - 1) * math.log1p(-x)


def _below(curve: _Curve, x: float) -> float:
    place = (x - curve.low) / curve.step
    if place <= 0:
        return 0.0
    if place >= _STEPS:
        return 1.0
    index = int(place)
    return curve.below[index] - (index + 1 - place) * curve.mass[index]


def _quantile(curve: _Curve, share: float) -> float:
    for index, (before, after) in enumerate(pairwise((0.0, *curve.below))):
        if after >= share:
            part = (share - before) / (after - before)
            return min(1.0, curve.low + (index + part) * curve.step)
    return 1.0
