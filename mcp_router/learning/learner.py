"""What a set of judged requests teaches: success by group, and words where they are seen to help.

The ridge on words is shrunk half-way to the table, and used for a model only where it predicted
requests it had not seen better than the table alone did, by more than the noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from mcp_router.belief.beta import mean
from mcp_router.learning.groups import Groups, guess, learn_groups
from mcp_router.learning.ridge import Ridge, Rows, arrange, fit_rows, predict
from mcp_router.learning.table import Seen, Table, believed, tabulate

T = TypeVar("T")

LEAST = 100
"""How many judged answers of a model the ridge needs."""

_SHRINK = 0.5
_PENALTY = 6.0
_FOLDS = 4
_LEAST_IN_FOLD = LEAST // 2
_SURE = 1.0
_LIKELY = 0.02


class Case(NamedTuple):
    """A request whose answers were judged.

    Attributes:
        group: what kind it is; "" where nobody said.
        buckets: its hashed words.
        words: how many words it has.
        scores: 0 to 1 by model; models that did not answer are absent.
    """

    group: str
    buckets: frozenset[int]
    words: int
    scores: Mapping[str, float]


class Gain(NamedTuple):
    """Squared error on unseen requests with the table alone and with the ridge; whether it is on.

    `noise` is the standard error of their difference.
    """

    table: float
    ridge: float
    noise: float
    cases: int
    on: bool


class Foretold(NamedTuple):
    """What each case was predicted to score by model, by what other cases taught.

    `table` by the table alone, `ridge` with the ridge wherever there was enough to fit one.
    """

    table: list[dict[str, float]]
    ridge: list[dict[str, float]]


class Learner(NamedTuple):
    """What was learnt; `starts` holds the prior mean of each model."""

    starts: Mapping[str, float]
    table: Table
    groups: Groups
    ridges: Mapping[str, Ridge]
    gains: Mapping[str, Gain]


def foretell(cases: Sequence[Case], *, starts: Mapping[str, float]) -> Foretold:
    """Predict each case from the others: in turn each quarter from the remaining three.

    Cases of the same words stay together, and the groups of the predicted cases are hidden. The
    ridges explain what such predictions by the table leave over, as stacking has it (Wolpert, 1992,
    "Stacked Generalization"); through those a case has a faint part in its own prediction.
    """
    folds = _folds(cases)
    table: list[dict[str, float]] = [{} for _ in cases]
    for fold in range(_FOLDS):
        plain = _without_ridges(_others(cases, folds, fold), starts=starts)
        for at in _within(folds, fold):
            table[at] = _by_tables(plain, cases[at]._replace(group=""))
    ridge: list[dict[str, float]] = [{} for _ in cases]
    for fold in range(_FOLDS):
        rest, told = _others(cases, folds, fold), _others(table, folds, fold)
        able = [one for one in starts if len(_answered(rest, one)) >= _LEAST_IN_FOLD]
        ridges = _ridges(rest, told, models=able)
        for at in _within(folds, fold):
            ridge[at] = _shifted(table[at], cases[at], ridges=ridges)
    return Foretold(table, ridge)


def learn(
    cases: Sequence[Case], *, starts: Mapping[str, float], told: Foretold | None = None
) -> Learner:
    """Learn from cases the chance of success of every model in `starts`.

    `told` are the predictions of the same cases, where they were made already.
    """
    made = told or foretell(cases, starts=starts)
    gains = {model: _gain(cases, model=model, told=made) for model in starts}
    plain = _without_ridges(cases, starts=starts)
    on = [model for model, gain in gains.items() if gain.on]
    return plain._replace(ridges=_ridges(cases, made.table, models=on), gains=gains)


def chances(learner: Learner, case: Case) -> dict[str, float]:
    """Predict how well each model answers, from the words where the group is not said."""
    return _shifted(_by_tables(learner, case), case, ridges=learner.ridges)


def unseen(
    cases: Sequence[Case], *, learner: Learner, told: Foretold | None = None
) -> list[dict[str, float]]:
    """Return what each case is predicted to score by what the others teach, its group hidden.

    `learner` says which models use a ridge.
    """
    made = told or foretell(cases, starts=learner.starts)
    return [
        {
            model: ridge[model] if learner.gains[model].on else chance
            for model, chance in table.items()
        }
        for table, ridge in zip(made.table, made.ridge, strict=True)
    ]


def _folds(cases: Sequence[Case]) -> list[int]:
    """Deal the cases out in turn, those of the same words together."""
    known: dict[object, int] = {}
    return [
        known.setdefault(case.buckets or at, len(known)) % _FOLDS for at, case in enumerate(cases)
    ]


def _others(given: Sequence[T], folds: Sequence[int], fold: int) -> list[T]:
    return [one for one, own in zip(given, folds, strict=True) if own != fold]


def _within(folds: Sequence[int], fold: int) -> list[int]:
    return [at for at, own in enumerate(folds) if own == fold]


def _without_ridges(cases: Sequence[Case], *, starts: Mapping[str, float]) -> Learner:
    seen = [
        Seen(case.group, model, score) for case in cases for model, score in case.scores.items()
    ]
    groups = learn_groups((case.group, case.buckets) for case in cases if case.group)
    return Learner(starts, tabulate(seen), groups, {}, {})


def _likely(learner: Learner, case: Case) -> Mapping[str, float]:
    if case.group:
        return {case.group: 1.0}
    guessed = guess(learner.groups, case.buckets)
    kept = {group: share for group, share in guessed.items() if share > _LIKELY} or {"": 1.0}
    total = sum(kept.values())
    return {group: share / total for group, share in kept.items()}


def _by_tables(learner: Learner, case: Case) -> dict[str, float]:
    likely = _likely(learner, case)
    return {model: _by_table(learner, model, likely) for model in learner.starts}


def _by_table(learner: Learner, model: str, likely: Mapping[str, float]) -> float:
    start = learner.starts[model]
    return sum(
        share * mean(believed(learner.table, model, group=group, start=start))
        for group, share in likely.items()
    )


def _shifted(
    table: Mapping[str, float], case: Case, *, ridges: Mapping[str, Ridge]
) -> dict[str, float]:
    found = dict(table)
    for model, ridge in ridges.items():
        shift = predict(ridge, case.buckets, words=case.words)
        found[model] = min(max(found[model] + _SHRINK * shift, 0.0), 1.0)
    return found


def _ridges(
    cases: Sequence[Case], told: Sequence[Mapping[str, float]], *, models: Iterable[str]
) -> dict[str, Ridge]:
    """Fit what the table leaves over, `told` being what it says of each case it has not seen."""
    arranged: dict[tuple[int, ...], Rows] = {}
    found: dict[str, Ridge] = {}
    for model in models:
        own = tuple(at for at, case in enumerate(cases) if model in case.scores)
        if own not in arranged:
            arranged[own] = arrange([(cases[at].buckets, cases[at].words) for at in own])
        over = [cases[at].scores[model] - told[at][model] for at in own]
        found[model] = fit_rows(arranged[own], over, penalty=_PENALTY)
    return found


def _answered(cases: Sequence[Case], model: str) -> list[Case]:
    return [case for case in cases if model in case.scores]


def _gain(cases: Sequence[Case], *, model: str, told: Foretold) -> Gain:
    """Compare table and ridge on cases that neither saw."""
    own = [at for at, case in enumerate(cases) if model in case.scores]
    if len(own) < LEAST:
        return Gain(0.0, 0.0, 0.0, len(own), on=False)
    plain = [(told.table[at][model] - cases[at].scores[model]) ** 2 for at in own]
    ridged = [(told.ridge[at][model] - cases[at].scores[model]) ** 2 for at in own]
    return _judged(plain, ridged)


def _judged(plain: Sequence[float], ridged: Sequence[float]) -> Gain:
    n = len(plain)
    gaps = [one - other for one, other in zip(plain, ridged, strict=True)]
    gap = sum(gaps) / n
    noise = math.sqrt(sum((one - gap) ** 2 for one in gaps) / (n - 1) / n)
    return Gain(sum(plain) / n, sum(ridged) / n, noise, n, on=gap > _SURE * noise)
