"""Several ways to halve the same requests, and what a policy does over all of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from mcp_router.evaluation.halves import Half, decided, split
from mcp_router.evaluation.intervals import Range
from mcp_router.evaluation.outcomes import Judged
from mcp_router.evaluation.policies import Choice, point

Policy = Callable[[Half], Choice]


class Split(NamedTuple):
    """Both halves of the requests, each decided by the other, and the places of all of them."""

    halves: tuple[Half, Half]
    places: tuple[int, ...]


class Spread(NamedTuple):
    """What was saved and gained over the splits: the mean, the least and the most."""

    saved: Range
    gained: Range


def splits(
    requests: Sequence[Judged], *, count: int, weak: str, rng: random.Random
) -> tuple[Split, ...]:
    """Halve the requests in `count` ways, and decide each half by the other."""
    return tuple(_split(requests, weak=weak, rng=rng) for _ in range(count))


def averaged(found: Sequence[Split], policy: Policy) -> Choice:
    """Average over the splits what a policy costs and scores on each request, in their order."""
    each = [_placed(one, policy) for one in found]
    return Choice(
        tuple(map(fmean, zip(*(one.costs for one in each), strict=True))),
        tuple(map(fmean, zip(*(one.scores for one in each), strict=True))),
        tuple(chain(*(one.latencies for one in each))),
    )


def spread(found: Sequence[Split], policy: Policy, *, base: Choice) -> Spread:
    """Say how far the figures of a policy differ between the splits."""
    against = point(base)
    points = [point(_placed(one, policy)) for one in found]
    saved = [1 - one.cost / against.cost if against.cost else 0.0 for one in points]
    gained = [one.quality - against.quality for one in points]
    return Spread(_range(saved), _range(gained))


def _split(requests: Sequence[Judged], *, weak: str, rng: random.Random) -> Split:
    one, other = split(requests, rng=rng)
    first, second = [requests[at] for at in one], [requests[at] for at in other]
    halves = (
        decided(first, taught_by=second, weak=weak),
        decided(second, taught_by=first, weak=weak),
    )
    return Split(halves, (*one, *other))


def _placed(one: Split, policy: Policy) -> Choice:
    parts = [policy(half) for half in one.halves]
    costs, scores = [0.0] * len(one.places), [0.0] * len(one.places)
    whole = zip(chain(*(p.costs for p in parts)), chain(*(p.scores for p in parts)), strict=True)
    for place, (cost, score) in zip(one.places, whole, strict=True):
        costs[place], scores[place] = cost, score
    return Choice(tuple(costs), tuple(scores), tuple(chain(*(p.latencies for p in parts))))


def _range(values: Sequence[float]) -> Range:
    return Range(fmean(values), min(values), max(values))
