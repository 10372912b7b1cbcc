"""Which of the known groups a request belongs to, guessed from its words: a softmax regression.

Multinomial logistic regression on hashed words, a row having the value 1 / sqrt(size) in each of
its buckets, fitted by stochastic gradient ascent with a falling rate (Bottou, 2010, "Large-Scale
Machine Learning with Stochastic Gradient Descent") and stopped early in place of a penalty.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple
from zlib import crc32

from mcp_router.learning.ridge import each_of

_ROUNDS = 6
_RATE = 5.0
# A gradient below this moves nothing that matters, and most are.
_LEAST = 0.01


class Groups(NamedTuple):
    """What is known of each group: the log of its share, and its weights by bucket."""

    shares: Mapping[str, float]
    weights: Mapping[str, Mapping[int, float]]


class _Row(NamedTuple):
    """The number of a group and the columns of a request in it, with what picks them from a row."""

    group: int
    columns: Sequence[int]
    pick: Callable[[Sequence[float]], tuple[float, ...]]


def learn_groups(cases: Iterable[tuple[str, Collection[int]]]) -> Groups:
    """Learn from pairs of a group and the buckets of a request in it, in any order."""
    known = [(group, sorted(buckets)) for group, buckets in cases]
    sizes = Counter(group for group, _ in known)
    shares = {one: math.log(size / len(known)) for one, size in sorted(sizes.items())}
    number = {one: n for n, one in enumerate(shares)}
    column = {at: n for n, at in enumerate(sorted({at for _, buckets in known for at in buckets}))}
    # Files are often sorted by group, which would undo what was learnt of the first ones.
    scattered = sorted(known, key=lambda case: (crc32(repr(case).encode()), case))
    weights = _fitted(
        [
            _row(number[group], [column[at] for at in buckets], width=len(column))
            for group, buckets in scattered
        ],
        shares=list(shares.values()),
        width=len(column),
    )
    return Groups(
        shares,
        {
            one: {at: own[n] for at, n in column.items() if own[n]}
            for one, own in zip(shares, weights, strict=True)
        },
    )


def guess(groups: Groups, buckets: Collection[int]) -> dict[str, float]:
    """Return the chance of each known group; empty where none is known."""
    each = each_of(buckets)
    scores = [
        share + each * sum([groups.weights[one].get(at, 0.0) for at in buckets])
        for one, share in groups.shares.items()
    ]
    return dict(zip(groups.shares, _softmax(scores), strict=True))


def _row(group: int, columns: Sequence[int], *, width: int) -> _Row:
    # A picker of one index returns no tuple; the last column stays zero, which changes no sum.
    return _Row(group, columns, itemgetter(width, width, *columns))


def _fitted(rows: Sequence[_Row], *, shares: Sequence[float], width: int) -> list[list[float]]:
    """Fit the weights of each group by column."""
    weights = [[0.0] * (width + 1) for _ in shares]
    for past in range(_ROUNDS):
        rate = _RATE / (1 + past / 2)
        for row in rows:
            each = each_of(row.columns)
            likely = _softmax(
                [
                    share + each * sum(row.pick(own))
                    for share, own in zip(shares, weights, strict=True)
                ]
            )
            for group, chance in enumerate(likely):
                pull = (group == row.group) - chance
                if abs(pull) > _LEAST:
                    own, step = weights[group], rate * pull * each
                    for column in row.columns:
                        own[column] += step
    return weights


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores, default=0.0)
    raised = [math.exp(score - top) for score in scores]
    whole = sum(raised)
    return [one / whole for one in raised]
