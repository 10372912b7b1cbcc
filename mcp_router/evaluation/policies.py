"""Policies that choose a model for each request: ours, and those it has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

from mcp_router.evaluation.metrics import Point
from mcp_router.evaluation.outcomes import Judged

_ABOUT = 0.01


class Choice(NamedTuple):
    """What a policy costs in USD and scores on each request, in their order.

    `latencies` are milliseconds of those answers that were timed.
    """

    costs: tuple[float, ...]
    scores: tuple[float, ...]
    latencies: tuple[float, ...] = ()


Pick = Callable[[Judged], str]


def choose(requests: Sequence[Judged], pick: Pick) -> Choice:
    """Let a policy pick a model for each request."""
    return chosen(requests, [pick(one) for one in requests])


def chosen(requests: Sequence[Judged], models: Sequence[str]) -> Choice:
    """Cost and score one model for each request."""
    picked = list(zip(requests, models, strict=True))
    return Choice(
        tuple(one.costs[model] for one, model in picked),
        tuple(one.case.scores[model] for one, model in picked),
        tuple(one.latencies[model] for one, model in picked if model in one.latencies),
    )


def point(choice: Choice) -> Point:
    """Return the means of a choice."""
    n = len(choice.costs)
    return Point(sum(choice.costs) / n, sum(choice.scores) / n)


def best_single(requests: Sequence[Judged]) -> str:
    """Name the model of the highest mean score; of several the cheapest."""
    return max(requests[0].costs, key=lambda one: (_score(requests, one), -_cost(requests, one)))


def aim(requests: Sequence[Judged]) -> str:
    """Name the cheapest of the models that are about as good as the best single one.

    That is within one standard error of their paired difference, and at most a point below:
    which of two equals looks best on some requests is chance, what they cost is not.
    """
    best = best_single(requests)
    near = [one for one in requests[0].costs if _falls_short(requests, one, best=best) <= 0]
    return min(near, key=lambda one: (_cost(requests, one), -_score(requests, one)))


def cheapest(requests: Sequence[Judged]) -> str:
    """Name the model of the lowest mean cost; of several the best."""
    return min(requests[0].costs, key=lambda one: (_cost(requests, one), -_score(requests, one)))


def oracle(one: Judged) -> str:
    """Pick, knowing the scores, the cheapest of the models that score highest."""
    top = max(one.case.scores.values())
    return min(
        (model for model, score in one.case.scores.items() if score == top),
        key=lambda model: one.costs[model],
    )


def mixed(requests: Sequence[Judged], *, weak: str, strong: str, share: float) -> Choice:
    """Send a random `share` of all requests to the strong model; returns what to expect."""

    def between(low: float, high: float) -> float:
        return low + share * (high - low)

    return Choice(
        tuple(between(one.costs[weak], one.costs[strong]) for one in requests),
        tuple(between(one.case.scores[weak], one.case.scores[strong]) for one in requests),
    )


def by_length(longest: int, *, weak: str, strong: str) -> Pick:
    """Pick the strong model for requests of more than `longest` words."""
    return lambda one: strong if one.case.words > longest else weak


def _falls_short(requests: Sequence[Judged], model: str, *, best: str) -> float:
    """Return how much more than by chance a model scores below the best one; 0 or less if not."""
    gaps = [one.case.scores[best] - one.case.scores[model] for one in requests]
    mean = fmean(gaps)
    noise = math.sqrt(fmean((gap - mean) ** 2 for gap in gaps) / len(gaps))
    return mean - min(noise, _ABOUT)


def _score(requests: Sequence[Judged], model: str) -> float:
    return sum(one.case.scores[model] for one in requests)


def _cost(requests: Sequence[Judged], model: str) -> float:
    return sum(one.costs[model] for one in requests)
