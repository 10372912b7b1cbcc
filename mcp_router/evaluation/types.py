"""How well task types are told apart: the confusion matrix of the classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Confusion(NamedTuple):
    """How often a true task type was taken for each; `accuracy` is the share told right."""

    counts: Mapping[str, Mapping[str, int]]
    accuracy: float


def confusion(pairs: Iterable[tuple[str, str]]) -> Confusion | None:
    """Count pairs of a true task type and the one that was told; None without any."""
    counted = Counter(pairs)
    total = counted.total()
    if not total:
        return None
    counts: dict[str, dict[str, int]] = {}
    for (true, told), times in sorted(counted.items()):
        counts.setdefault(true, {})[told] = times
    right = sum(times for (true, told), times in counted.items() if true == told)
    return Confusion(counts, right / total)
