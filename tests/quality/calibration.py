"""Fits the weights of the confidence on one half of the labelled answers, measures on the other.

python -m tests.quality.calibration   prints the weights and the reliability curve

Bad answers outnumber good ones here, so each kind is weighed: of the answers without any sign
`WRONG` are taken to be wrong all the same, and `DAMAGED` of all are visibly bad.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from mcp_router.quality.assess import INTERCEPT, WEIGHTS, assess
from tests.quality.labelled import Labelled, labelled

WRONG = 0.12
DAMAGED = 0.3


class Row(NamedTuple):
    """Signal strengths of an answer, whether it is good, and how much it counts."""

    strengths: dict[str, float]
    good: bool
    weight: float
    confidence: float


def rows(half: int) -> list[Row]:
    chosen = [one for one in labelled() if one.half == half]
    shares = {"good": (1 - DAMAGED) * (1 - WRONG), "wrong": (1 - DAMAGED) * WRONG}
    counts: dict[str, int] = {}
    for one in chosen:
        group = one.kind if one.kind in shares else "damaged"
        counts[group] = counts.get(group, 0) + 1
    return [_row(one, counts, {**shares, "damaged": DAMAGED}) for one in chosen]


def _row(one: Labelled, counts: dict[str, int], shares: dict[str, float]) -> Row:
    found = assess(one.request, one.answer, finish_reason=one.finish_reason)
    strengths: dict[str, float] = {}
    for signal in found.signals:
        strengths[signal.name] = max(signal.strength, strengths.get(signal.name, 0.0))
    group = one.kind if one.kind in shares else "damaged"
    return Row(strengths, one.good, shares[group] / counts[group], found.confidence)


def fit(data: list[Row], *, ridge: float = 0.002) -> tuple[float, dict[str, float]]:
    """Fit a logistic by gradient steps, each weight drawn towards -4 and never above 0."""
    names = sorted(name for name in WEIGHTS)
    weights = dict.fromkeys(names, -4.0)
    intercept = 2.0
    for _ in range(4_000):
        steps = dict.fromkeys(names, 0.0)
        step = 0.0
        for strengths, good, weight, _ in data:
            logit = intercept + sum(weights[n] * s for n, s in strengths.items())
            error = weight * (good - 1 / (1 + math.exp(-logit)))
            step += error
            for name, strength in strengths.items():
                steps[name] += error * strength
        intercept += 2.0 * step
        for name in names:
            pull = steps[name] - ridge * (weights[name] + 4.0)
            weights[name] = min(0.0, weights[name] + 2.0 * pull)
    return intercept, weights


def brier(data: list[Row]) -> float:
    """Mean squared distance of confidence and truth; 0.25 for always saying a half."""
    return sum(row.weight * (row.confidence - row.good) ** 2 for row in data) / _total(data)


def calibration_error(data: list[Row], *, bins: int = 10) -> float:
    """Expected calibration error over equal bins."""
    gaps = [w * abs(said - true) for said, true, w in reliability(data, bins=bins)]
    return sum(gaps) / _total(data)


def reliability(data: list[Row], *, bins: int = 10) -> list[tuple[float, float, float]]:
    """Mean confidence, share of good answers and weight of each bin that has any."""
    curve: list[tuple[float, float, float]] = []
    for at in range(bins):
        inside = [row for row in data if min(bins - 1, int(row.confidence * bins)) == at]
        weight = _total(inside)
        if weight:
            said = sum(row.weight * row.confidence for row in inside) / weight
            curve.append((said, sum(row.weight * row.good for row in inside) / weight, weight))
    return curve


def _total(data: list[Row]) -> float:
    return sum(row.weight for row in data)


if __name__ == "__main__":
    intercept, weights = fit(rows(0))
    print(f"fitted on half 0: intercept {intercept:.2f} (in use {INTERCEPT})")
    for name, weight in sorted(weights.items(), key=lambda item: item[1]):
        print(f"  {name:14} {weight:6.2f}  (in use {WEIGHTS[name]})")
    for half in (0, 1):
        data = rows(half)
        print(f"half {half}: Brier {brier(data):.3f}, ECE {calibration_error(data):.3f}")
        for said, true, weight in reliability(data):
            print(f"  said {said:.2f}  was {true:.2f}  weight {weight:.2f}")
