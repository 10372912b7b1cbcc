"""Figures of a classifier: macro-F1, accuracy, calibration, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_BINS = 10


class Guess(NamedTuple):
    """What was true, what was said, and how surely."""

    truth: str
    said: str
    chance: float


class Figures(NamedTuple):
    """How good guesses are; `sure` is the accuracy on the surest 80 %."""

    count: int
    accuracy: float
    macro_f1: float
    ece: float
    sure: float


def figures(guesses: Sequence[Guess], *, least: int = 5) -> Figures:
    """Judge guesses; types with fewer than `least` true examples do not enter the macro-F1."""
    ranked = sorted(guesses, key=lambda one: -one.chance)
    surest = ranked[: max(1, round(0.8 * len(ranked)))]
    return Figures(
        len(guesses), _accuracy(guesses), macro_f1(guesses, least=least), ece(guesses),
        _accuracy(surest),
    )  # fmt: skip


def macro_f1(guesses: Sequence[Guess], *, least: int = 5) -> float:
    """Average the F1 of each type that is true at least `least` times."""
    kinds = sorted({one.truth for one in guesses})
    scores = [
        _f1(guesses, kind) for kind in kinds if sum(g.truth == kind for g in guesses) >= least
    ]
    return sum(scores) / len(scores) if scores else 0.0


def ece(guesses: Sequence[Guess]) -> float:
    """Compute the expected calibration error: ten bins, weighted by their size."""
    bins: dict[int, list[Guess]] = {}
    for one in guesses:
        bins.setdefault(min(_BINS - 1, int(one.chance * _BINS)), []).append(one)
    return sum(
        abs(_accuracy(group) - sum(g.chance for g in group) / len(group)) * len(group)
        for group in bins.values()
    ) / len(guesses)


def _f1(guesses: Sequence[Guess], kind: str) -> float:
    hit = sum(one.truth == kind == one.said for one in guesses)
    wrong = sum((one.truth == kind) != (one.said == kind) for one in guesses)
    return 2 * hit / (2 * hit + wrong) if hit else 0.0


def _accuracy(guesses: Sequence[Guess]) -> float:
    return sum(one.truth == one.said for one in guesses) / len(guesses)
