"""What a set of judged requests teaches: success by group, and words where they are seen to help.

The ridge on words is shrunk half-way to the table, and used for a model only where it predicted
requests it had not seen better than the table alone did, by more than the noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mcp_router.learning.belief import mean
from mcp_router.learning.groups import Groups, guess, learn_groups
from mcp_router.learning.ridge import Example, Ridge, fit, predict
from mcp_router.learning.table import Seen, Table, believed, tabulate

LEAST = 100
"""How many judged answers of a model the ridge needs."""

_SHRINK = 0.5
_PENALTY = 3.0
_FOLDS = 4
_AT_MOST = 1500
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


class Learner(NamedTuple):
    """What was learnt; `starts` holds the prior mean of each model."""

    starts: Mapping[str, float]
    table: Table
    groups: Groups
    ridges: Mapping[str, Ridge]
    gains: Mapping[str, Gain]


def learn(cases: Sequence[Case], *, starts: Mapping[str, float]) -> Learner:
    """Learn from cases the chance of success of every model in `starts`."""
    gains = {model: _gain(cases, model=model, starts=starts) for model in starts}
    return _with_ridges(cases, starts=starts, gains=gains)


def chances(learner: Learner, case: Case) -> dict[str, float]:
    """Predict how well each model answers, from the words where the group is not said."""
    likely = _likely(learner, case)
    found: dict[str, float] = {}
    for model in learner.starts:
        table = _by_table(learner, model, likely)
        ridge = learner.ridges.get(model)
        shift = predict(ridge, case.buckets, words=case.words) if ridge is not None else 0.0
        found[model] = min(max(table + _SHRINK * shift, 0.0), 1.0)
    return found


def unseen(cases: Sequence[Case], *, learner: Learner) -> list[dict[str, float]]:
    """Predict each case from the others: in turn each quarter from the remaining three.

    The groups of the predicted cases are hidden; `learner` says which models use a ridge.
    """
    found: list[dict[str, float]] = [{} for _ in cases]
    for fold in range(_FOLDS):
        rest = [case for at, case in enumerate(cases) if at % _FOLDS != fold]
        part = _with_ridges(rest, starts=learner.starts, gains=learner.gains)
        for at in range(fold, len(cases), _FOLDS):
            found[at] = chances(part, cases[at]._replace(group=""))
    return found


def _with_ridges(
    cases: Sequence[Case], *, starts: Mapping[str, float], gains: Mapping[str, Gain]
) -> Learner:
    plain = _without_ridges(cases, starts=starts)
    ridges = {
        model: _ridge(plain, _answered(cases, model), model=model)
        for model, gain in gains.items()
        if gain.on
    }
    return plain._replace(ridges=ridges, gains=gains)


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


def _by_table(learner: Learner, model: str, likely: Mapping[str, float]) -> float:
    start = learner.starts[model]
    return sum(
        share * mean(believed(learner.table, model, group=group, start=start))
        for group, share in likely.items()
    )


def _ridge(learner: Learner, cases: Sequence[Case], *, model: str) -> Ridge:
    return fit(
        [
            Example(
                case.buckets,
                case.words,
                case.scores[model] - _by_table(learner, model, {case.group: 1.0}),
            )
            for case in cases[-_AT_MOST:]
        ],
        penalty=_PENALTY,
    )


def _answered(cases: Sequence[Case], model: str) -> list[Case]:
    return [case for case in cases if model in case.scores]


def _gain(cases: Sequence[Case], *, model: str, starts: Mapping[str, float]) -> Gain:
    """Compare table and ridge on cases that neither saw."""
    own = _answered(cases, model)[-_AT_MOST:]
    if len(own) < LEAST:
        return Gain(0.0, 0.0, 0.0, len(own), on=False)
    plain: list[float] = []
    ridged: list[float] = []
    for fold in range(_FOLDS):
        rest = [case for at, case in enumerate(own) if at % _FOLDS != fold]
        learner = _without_ridges(rest, starts={model: starts[model]})
        full = learner._replace(ridges={model: _ridge(learner, rest, model=model)})
        for case in own[fold::_FOLDS]:
            score = case.scores[model]
            plain.append((chances(learner, case)[model] - score) ** 2)
            ridged.append((chances(full, case)[model] - score) ** 2)
    return _judged(plain, ridged)


def _judged(plain: Sequence[float], ridged: Sequence[float]) -> Gain:
    n = len(plain)
    gaps = [one - other for one, other in zip(plain, ridged, strict=True)]
    gap = sum(gaps) / n
    noise = math.sqrt(sum((one - gap) ** 2 for one in gaps) / (n - 1) / n)
    return Gain(sum(plain) / n, sum(ridged) / n, noise, n, on=gap > _SURE * noise)
