"""Where a cheaper model would do as well, from the judgements that are recorded.

Method. Only models that ran the same kind of task (type and complexity) are compared, since easy
tasks go to cheap models. Quality is what was judged (feedback, scorers, judges, gates); that a call
came back says nothing of it. The true success rates have Beta(1 + s, 1 + f) posteriors, and the
risk is the chance that the cheaper one succeeds less often by more than 2 points of 100. The
saving is the difference of the mean costs per call, less the cost of doing what the cheaper model
is expected to fail at again at the present one. With fewer than 20 judgements of either the answer
is that more are needed.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.money import to_usd
from mcp_router.reporting.chances import Trials, chance_worse, mean, rate
from mcp_router.reporting.values import Downgrade, Downgrades, ThinEvidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_router.storage.analysis import OutcomeGroup

LEAST_JUDGED = 20
MARGIN = 0.02
MOST_RISK = 0.20
MONTH_DAYS = 30

_LEAST_SAVING_NANOS = 10_000_000
_MOST = 10


class _Pair(NamedTuple):
    """A model, a cheaper one for the same kind of task, and nano-dollars saved in 30 days."""

    model: OutcomeGroup
    cheaper: OutcomeGroup
    calls: int
    saving: int


def downgrades(groups: Sequence[OutcomeGroup], *, days: float) -> Downgrades:
    """Suggest cheaper models for what was run in the last `days` days, best saving first.

    Of several cheaper models for one, the one that saves most at a risk of at most 20 % is named.
    Savings of less than a cent a month are left out.
    """
    pairs = sorted(_pairs(groups, days=days), key=lambda pair: -pair.saving)
    suggested: dict[OutcomeGroup, Downgrade] = {}
    for pair in pairs:
        if pair.model in suggested or _missing(pair):
            continue
        suggestion = _weighed(pair)
        if suggestion.risk <= MOST_RISK:
            suggested[pair.model] = suggestion
    thin = [_thin(pair) for pair in pairs if _missing(pair) and pair.model not in suggested]
    return Downgrades(suggestions=tuple(suggested.values())[:_MOST], thin=tuple(thin[:_MOST]))


def _pairs(groups: Sequence[OutcomeGroup], *, days: float) -> Iterator[_Pair]:
    run = sorted(group for group in groups if group.priced)
    for _, kind in groupby(run, key=lambda group: group[:2]):
        models = list(kind)
        for model in models:
            for cheaper in models:
                pair = _pair(model, cheaper=cheaper, days=days)
                if pair.saving >= _LEAST_SAVING_NANOS:
                    yield pair


def _pair(model: OutcomeGroup, *, cheaper: OutcomeGroup, days: float) -> _Pair:
    price, lower = model.cost / model.priced, cheaper.cost / cheaper.priced
    calls = model.priced * MONTH_DAYS / days
    again = 0.0
    if model.judged and cheaper.judged:
        again = max(0.0, mean(_trials(model)) - mean(_trials(cheaper))) * price
    return _Pair(model, cheaper, round(calls), round(calls * (price - lower - again)))


def _missing(pair: _Pair) -> int:
    judged = (pair.model.judged, pair.cheaper.judged)
    return sum(max(0, LEAST_JUDGED - count) for count in judged)


def _weighed(pair: _Pair) -> Downgrade:
    model, cheaper = _trials(pair.model), _trials(pair.cheaper)
    return Downgrade(
        task_type=pair.model.task_type,
        complexity=pair.model.complexity,
        model=pair.model.model,
        cheaper=pair.cheaper.model,
        calls_per_month=pair.calls,
        saving_usd=to_usd(pair.saving),
        risk=chance_worse(cheaper, than=model, by=MARGIN),
        quality=rate(model),
        cheaper_quality=rate(cheaper),
    )


def _thin(pair: _Pair) -> ThinEvidence:
    return ThinEvidence(
        task_type=pair.model.task_type,
        complexity=pair.model.complexity,
        model=pair.model.model,
        cheaper=pair.cheaper.model,
        possible_saving_usd=to_usd(pair.saving),
        judged=pair.model.judged,
        cheaper_judged=pair.cheaper.judged,
        needed=_missing(pair),
    )


def _trials(group: OutcomeGroup) -> Trials:
    return Trials(group.successes, group.judged)
