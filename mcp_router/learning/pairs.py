"""What words tell about two models: where one does better than the other, beyond a table.

For each pair a ridge is fitted to what the table leaves unexplained, with one sign for each model
(the "A-learner"; Nie and Wager, 2021, "Quasi-oracle estimation of heterogeneous treatment
effects"), so that no request need ever be judged for both. It is shrunk half-way to the table, and
used only where it predicted judgements it had not seen better, by more than the noise.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from mcp_router.belief.beta import mean
from mcp_router.learning.ridge import Example, Ridge, fit, predict
from mcp_router.learning.table import Seen, Table, believed, tabulate

LEAST = 100
"""How many judged answers are needed before anything is fitted."""

_LEAST_EACH = 30
_MODELS = 5
_AT_MOST = 600
_FOLDS = 5
_PENALTY = 12.0
_SHRINK = 0.5
_SURE = 1.64
_START = 0.5


class Judged(NamedTuple):
    """One judged answer: the kind of work, the words of the request, the model and its mark."""

    task: str
    buckets: frozenset[int]
    words: int
    model: str
    score: float


class Pair(NamedTuple):
    """What was learnt of two models.

    Attributes:
        ridge: predicts how much better `one` does than `other` beyond the table.
        cases: how many judged answers it comes from.
        gain: squared error on unseen judgements that it takes away.
        noise: the standard error of that gain.
        helps: whether the gain is beyond the noise, so that it is used.
    """

    one: str
    other: str
    ridge: Ridge
    cases: int
    gain: float
    noise: float
    helps: bool


class Shift(NamedTuple):
    """How far words move the expected success of a model, and from how many judged answers."""

    by: float
    cases: int


def learn_pairs(judged: Iterable[Judged]) -> list[Pair]:
    """Fit each pair of the five models that were judged most; nothing below `LEAST` answers.

    Marks that are no number from 0 to 1 are left out. The latest 600 of each pair count, which
    should come last.
    """
    kept = [one for one in judged if 0.0 <= one.score <= 1.0]
    if len(kept) < LEAST:
        return []
    by_model: dict[str, int] = defaultdict(int)
    for one in kept:
        by_model[one.model] += 1
    often = sorted(by_model, key=lambda model: (-by_model[model], model))[:_MODELS]
    often = sorted(model for model in often if by_model[model] >= _LEAST_EACH)
    found = (
        _pair([own for own in kept if own.model in pair], *pair) for pair in combinations(often, 2)
    )
    return [pair for pair in found if pair is not None]


def shifts(pairs: Iterable[Pair], buckets: frozenset[int], *, words: int) -> dict[str, Shift]:
    """Say how far the words of a request move each model, by the pairs that help.

    The pairs of a model are averaged as if its gap to itself were one of them, which is the least
    squares solution where all pairs of some models are known.
    """
    gaps: dict[str, list[float]] = defaultdict(list)
    cases: dict[str, int] = defaultdict(int)
    for pair in pairs:
        if pair.helps:
            gap = _gap(pair.ridge, buckets, words=words)
            for model, own in ((pair.one, gap), (pair.other, -gap)):
                gaps[model].append(own)
                cases[model] += pair.cases
    return {model: Shift(sum(own) / (len(own) + 1), cases[model]) for model, own in gaps.items()}


def _gap(ridge: Ridge, buckets: frozenset[int], *, words: int) -> float:
    return min(max(_SHRINK * predict(ridge, buckets, words=words), -1.0), 1.0)


def _pair(judged: Sequence[Judged], one: str, other: str) -> Pair | None:
    own = judged[-_AT_MOST:]
    if len(own) < LEAST or min(sum(x.model == m for x in own) for m in (one, other)) < _LEAST_EACH:
        return None
    gaps: list[float] = []
    for fold in range(_FOLDS):
        rest = [case for at, case in enumerate(own) if at % _FOLDS != fold]
        table = _tabulated(rest)
        ridge = _fitted(rest, one, table=table)
        for case in own[fold::_FOLDS]:
            plain = _expected(table, case)
            half = _gap(ridge, case.buckets, words=case.words) / 2
            moved = min(max(plain + (half if case.model == one else -half), 0.0), 1.0)
            gaps.append((plain - case.score) ** 2 - (moved - case.score) ** 2)
    gain = sum(gaps) / len(gaps)
    noise = math.sqrt(sum((x - gain) ** 2 for x in gaps) / (len(gaps) - 1) / len(gaps))
    ridge = _fitted(own, one, table=_tabulated(own))
    return Pair(one, other, ridge, len(own), gain, noise, gain > _SURE * noise and gain > 0)


def _tabulated(judged: Iterable[Judged]) -> Table:
    return tabulate(Seen(one.task, one.model, one.score) for one in judged)


def _expected(table: Table, case: Judged) -> float:
    return mean(believed(table, case.model, group=case.task, start=_START))


def _fitted(judged: Iterable[Judged], one: str, *, table: Table) -> Ridge:
    # Either model explains half of their gap, hence twice what the table left over.
    return fit(
        [
            Example(
                case.buckets,
                case.words,
                (2 if case.model == one else -2) * (case.score - _expected(table, case)),
            )
            for case in judged
        ],
        penalty=_PENALTY,
    )
