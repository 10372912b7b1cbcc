"""Puts the parts of benchmarks on one scale, that of the general level of models.

A part says who is better, not how good a model is at other work: its level is set so that the
models of the catalogue keep their general level on average, and its spread so that it tells them
apart as far as their general levels do ("linear equating": Kolen and Brennan, 2014, "Test Equating,
Scaling, and Linking"). A part that hardly tells them apart says little, as its information grows
with the square of its slope (Birnbaum, in Lord and Novick, 1968).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Results = Mapping[str, tuple[float, int]]
"""(sum of scores, cases) by name of model."""

_ROUNDS = 200
# Without a spread of levels to tell it by: what parts showed before any could be fitted.
_USUAL_SLOPE = 2.5
# What the slope all parts share is worth to a part of its own, in squared logits of spread.
_SHARED_SPREAD = 0.5
_LEAST_SHARE = 0.2


class Scale(NamedTuple):
    """How a part reads: log odds = shift + slope * level, and how well it tells models apart."""

    shift: float
    slope: float
    sharpness: float

    def level(self, result: tuple[float, int]) -> float:
        """Say at which general level a model would be expected to do as well as this."""
        return (_log_odds(*result) - self.shift) / self.slope


def equated(
    parts: Sequence[Results], *, levels: Mapping[str, float]
) -> tuple[dict[str, float], list[Scale]]:
    """Fit the level of every model and the scale of every part, by alternating means.

    `levels` are held fixed; every other model gets the level that fits its results best.
    """
    shared = _shared(parts, levels=levels)
    slopes = [_own(part, levels=levels, shared=shared) for part in parts]
    known = {name: levels.get(name, 0.0) for part in parts for name in part}
    scales: list[Scale] = []
    for _ in range(_ROUNDS):
        scales = [
            _scale(part, slope=slope, shared=shared, known=known)
            for part, slope in zip(parts, slopes, strict=True)
        ]
        known |= _told(parts, scales=scales, but=levels)
    return known, scales


def logit(chance: float) -> float:
    """Return the log odds of a chance."""
    return math.log(chance / (1 - chance))


def _told(
    parts: Sequence[Results], *, scales: Sequence[Scale], but: Mapping[str, float]
) -> dict[str, float]:
    told: dict[str, list[float]] = defaultdict(list)
    for part, scale in zip(parts, scales, strict=True):
        for name, result in part.items():
            if name not in but:
                told[name].append(scale.level(result))
    return {name: _mean(values) for name, values in told.items()}


def _scale(part: Results, *, slope: float, shared: float, known: Mapping[str, float]) -> Scale:
    shift = _mean([_log_odds(*one) - slope * known[name] for name, one in part.items()])
    return Scale(shift, slope, min(1.0, (slope / shared) ** 2))


def _shared(parts: Sequence[Results], *, levels: Mapping[str, float]) -> float:
    """Find how many logits of a benchmark one logit of general level is, over all parts."""
    sums = [_sums(part, levels=levels) for part in parts]
    over, under = (math.fsum(column) for column in zip((0.0, 0.0), *sums, strict=True))
    return over / under if over > 0 else _USUAL_SLOPE


def _own(part: Results, *, levels: Mapping[str, float], shared: float) -> float:
    """Find the same for one part, drawn to what all share and never flat or downwards."""
    over, under = _sums(part, levels=levels)
    slope = (over + _SHARED_SPREAD * shared) / (under + _SHARED_SPREAD)
    return max(slope, _LEAST_SHARE * shared)


def _sums(part: Results, *, levels: Mapping[str, float]) -> tuple[float, float]:
    """Return the products and squares that a slope by least squares is made of."""
    both = [(levels[name], _log_odds(*one)) for name, one in part.items() if name in levels]
    if len(both) < 2:
        return 0.0, 0.0
    x_mean, y_mean = _mean([x for x, _ in both]), _mean([y for _, y in both])
    over = math.fsum((x - x_mean) * (y - y_mean) for x, y in both)
    return over, math.fsum((x - x_mean) ** 2 for x, _ in both)


def _log_odds(score: float, cases: int) -> float:
    return math.log((score + 0.5) / (cases - score + 0.5))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
