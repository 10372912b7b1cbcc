"""The figures that routers are compared by, each from plain sequences.

APGR and CPT are defined in Ong et al. (2024), "RouteLLM: Learning to Route LLMs with Preference
Data"; AIQ in Hu et al. (2024), "RouterBench"; the calibration error, with ten bins, in Guo et al.
(2017), "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

BINS = 10


class Point(NamedTuple):
    """What a policy costs and gives, as means per request: USD and quality from 0 to 1."""

    cost: float
    quality: float


class Bin(NamedTuple):
    """One bar of a reliability plot: mean prediction, mean outcome and how many."""

    predicted: float
    observed: float
    size: int


def sharing_curve(
    need: Sequence[float], weak: Sequence[float], strong: Sequence[float]
) -> list[float]:
    """Return the mean quality with the k neediest requests sent to the strong model, k = 0 to n.

    Args:
        need: how much each request is predicted to need the strong model; among equals every
            order is as likely, so each of them counts as their mean.
        weak: what each request scores on the weak model.
        strong: what each scores on the strong one.
    """
    order = sorted(range(len(need)), key=lambda i: -need[i])
    gains = [strong[i] - weak[i] for i in order]
    curve, total = [sum(weak)], sum(weak)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and need[order[end]] == need[order[start]]:
            end += 1
        mean = sum(gains[start:end]) / (end - start)
        for _ in range(start, end):
            total += mean
            curve.append(total)
        start = end
    return [value / len(need) for value in curve]


def apgr(curve: Sequence[float]) -> float | None:
    """Return the average performance gap recovered; 0.5 is chance, None without a gap.

    Args:
        curve: as `sharing_curve` gives it.
    """
    gap = curve[-1] - curve[0]
    if gap <= 0:
        return None
    steps = len(curve) - 1
    area = sum(curve[i] + curve[i + 1] for i in range(steps)) / (2 * steps)
    return (area - curve[0]) / gap


def cpt(curve: Sequence[float], *, share: float) -> float | None:
    """Return the least share of requests for the strong model that recovers `share` of the gap."""
    gap = curve[-1] - curve[0]
    if gap <= 0:
        return None
    wanted = curve[0] + share * gap
    first = next(k for k, value in enumerate(curve) if value >= wanted - 1e-12)
    return first / (len(curve) - 1)


def front(points: Sequence[Point]) -> list[Point]:
    """Return the upper hull of cost and quality: dearer only where it is better, mixes allowed."""
    hull: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost, -one.quality)):
        if hull and point.quality <= hull[-1].quality:
            continue
        while len(hull) > 1 and _steeper(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def aiq(hull: Sequence[Point], *, low: float, high: float) -> float | None:
    """Return the average quality of a hull over the costs from `low` to `high`.

    Below its cheapest point the hull gives nothing; past its dearest, what that gives.
    """
    if not hull or high <= low:
        return None
    edges = sorted({low, high, *(one.cost for one in hull if low < one.cost < high)})
    area = 0.0
    for left, right in itertools.pairwise(edges):
        if left >= hull[0].cost:
            area += (right - left) * (_at(hull, left) + _at(hull, right)) / 2
    return area / (high - low)


def reliability(predicted: Sequence[float], observed: Sequence[float]) -> list[Bin]:
    """Sort predictions from 0 to 1 into ten bins of equal width; empty bins are left out."""
    held: list[list[int]] = [[] for _ in range(BINS)]
    for index, value in enumerate(predicted):
        held[min(int(value * BINS), BINS - 1)].append(index)
    return [
        Bin(
            sum(predicted[i] for i in bin_) / len(bin_),
            sum(observed[i] for i in bin_) / len(bin_),
            len(bin_),
        )
        for bin_ in held
        if bin_
    ]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error: the mean gap of the bins, weighted by their counts."""
    total = sum(one.size for one in bins)
    if not total:
        return None
    return sum(one.size * abs(one.predicted - one.observed) for one in bins) / total


def _steeper(first: Point, middle: Point, last: Point) -> bool:
    rise = (middle.quality - first.quality) * (last.cost - middle.cost)
    return (last.quality - middle.quality) * (middle.cost - first.cost) >= rise


def _at(hull: Sequence[Point], cost: float) -> float:
    for left, right in itertools.pairwise(hull):
        if left.cost <= cost <= right.cost:
            part = (cost - left.cost) / (right.cost - left.cost)
            return left.quality + part * (right.quality - left.quality)
    return hull[-1].quality
