"""A person's corrections of the task type, and how they bear on prompts that share their words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mcp_router.routing.features import Features
from mcp_router.routing.linear import hashed

BUCKETS = 1 << 14
"""How many buckets the words of a corrected prompt fall into; no word can be read back."""

_SURE = 0.95
# Prompts that share fewer than half of their words and pairs of words are not alike.
_ALIKE = 0.5
_SAME = 0.9


class Correction(NamedTuple):
    """A prompt, as the buckets of its words, and the task type that a person gave it."""

    kind: str
    words: frozenset[int]


class Taught(NamedTuple):
    """Corrections, oldest first; `places` says which of them hold a bucket."""

    corrections: tuple[Correction, ...] = ()
    places: Mapping[int, tuple[int, ...]] = {}


NOTHING = Taught()


def taught(corrections: Iterable[Correction]) -> Taught:
    """Prepare corrections, oldest first, to be looked up."""
    listed = tuple(corrections)
    places: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(listed):
        for bucket in one.words:
            places[bucket].append(number)
    return Taught(listed, {bucket: tuple(found) for bucket, found in places.items()})


def correction(features: Features, *, kind: str) -> Correction:
    """Make a correction of the request that was read into `features`."""
    return Correction(kind, hashed(features, buckets=BUCKETS).words)


def corrected(
    chances: Mapping[str, float], *, features: Features, known: Taught
) -> dict[str, float]:
    """Shift chances towards the types of corrected prompts that are alike, best first.

    The same prompt gets its corrected type at 0.95; the latest correction counts most.
    """
    words = hashed(features, buckets=BUCKETS).words
    shared = Counter(number for bucket in words for number in known.places.get(bucket, ()))
    result = dict(chances)
    for number in sorted(shared):
        one = known.corrections[number]
        pull = _pull(shared[number] / math.sqrt(len(words) * len(one.words)))
        if pull > 0:
            result = {kind: chance * (1 - pull) for kind, chance in result.items()}
            result[one.kind] = result.get(one.kind, 0.0) + pull
    return dict(sorted(result.items(), key=lambda item: -item[1]))


def _pull(likeness: float) -> float:
    return _SURE * min(1.0, max(0.0, (likeness - _ALIKE) / (_SAME - _ALIKE)))
