"""Which of the known groups a request belongs to, guessed from its words: naive Bayes.

The multinomial form of McCallum and Nigam (1998), "A Comparison of Event Models for Naive Bayes
Text Classification", on hashed words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

_SMOOTHING = 0.05
_VOCABULARY = 1 << 14
# Words of a text repeat one another, so their summed evidence is taken at this share.
_SHARE = 0.12


class Groups(NamedTuple):
    """What is known of each group: the log of its share, its log weights, and that of the rest."""

    shares: Mapping[str, float]
    weights: Mapping[str, Mapping[int, float]]
    rest: Mapping[str, float]


def learn_groups(cases: Iterable[tuple[str, Collection[int]]]) -> Groups:
    """Learn from pairs of a group and the buckets of a request in it."""
    sizes: Counter[str] = Counter()
    counts: dict[str, Counter[int]] = {}
    for group, buckets in cases:
        sizes[group] += 1
        counts.setdefault(group, Counter()).update(buckets)
    total = sum(sizes.values())
    whole = {one: math.log(own.total() + _SMOOTHING * _VOCABULARY) for one, own in counts.items()}
    return Groups(
        shares={one: math.log(size / total) for one, size in sizes.items()},
        weights={
            one: {at: math.log(n + _SMOOTHING) - whole[one] for at, n in own.items()}
            for one, own in counts.items()
        },
        rest={one: math.log(_SMOOTHING) - whole[one] for one in counts},
    )


def guess(groups: Groups, buckets: Collection[int]) -> dict[str, float]:
    """Return the chance of each known group; empty where none is known."""
    scores = {
        one: share + _SHARE * sum([groups.weights[one].get(at, groups.rest[one]) for at in buckets])
        for one, share in groups.shares.items()
    }
    top = max(scores.values(), default=0.0)
    raised = {one: math.exp(score - top) for one, score in scores.items()}
    whole = sum(raised.values())
    return {one: value / whole for one, value in raised.items()}
