"""What policies save and gain against one of them, with intervals by the paired bootstrap.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap": percentiles over samples of the
requests, the same sample for both sides of a comparison.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from mcp_router.evaluation.metrics import Point
from mcp_router.evaluation.policies import Choice, point

DRAWS = 400
"""How many bootstrap samples an interval is drawn from."""

_Sample = Callable[[Sequence[float]], Sequence[float]]


class Range(NamedTuple):
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Line(NamedTuple):
    """One policy: mean USD and score per request, and what it does against the base.

    `saved` is the share of the cost of the base and `gained` the difference in score.
    """

    policy: str
    cost: float
    quality: float
    saved: Range
    gained: Range


def compared(
    choices: Mapping[str, Choice], *, base: Choice, rng: random.Random
) -> tuple[Line, ...]:
    """Compare each policy with `base`, request by request."""
    size = len(base.costs)
    drawn: dict[str, list[tuple[float, float]]] = {name: [] for name in choices}
    for _ in range(DRAWS):
        sample = itemgetter(*rng.choices(range(size), k=size))
        beside = _sampled(base, sample, size=size)
        for name, choice in choices.items():
            drawn[name].append(_gap(_sampled(choice, sample, size=size), base=beside))
    return tuple(_line(name, one, base=base, drawn=drawn[name]) for name, one in choices.items())


def _sampled(choice: Choice, sample: _Sample, *, size: int) -> Point:
    return Point(sum(sample(choice.costs)) / size, sum(sample(choice.scores)) / size)


def _gap(one: Point, *, base: Point) -> tuple[float, float]:
    return (1 - one.cost / base.cost if base.cost else 0.0), one.quality - base.quality


def _line(name: str, choice: Choice, *, base: Choice, drawn: Sequence[tuple[float, float]]) -> Line:
    found = point(choice)
    saved, gained = _gap(found, base=point(base))
    return Line(
        name,
        *found,
        _range(saved, [one for one, _ in drawn]),
        _range(gained, [one for _, one in drawn]),
    )


def _range(value: float, drawn: Sequence[float]) -> Range:
    ordered = sorted(drawn)
    cut = len(ordered) // 40
    return Range(value, ordered[cut], ordered[-1 - cut])
