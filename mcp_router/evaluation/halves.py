"""One half of the requests, decided on with what the other half taught.

The trade-off between quality and cost is the cheapest one that equalled the best single model on
the requests of the learning half, each predicted there from the rest of that half.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from mcp_router.evaluation.outcomes import Judged
from mcp_router.evaluation.policies import (
    Choice,
    best_single,
    by_trade,
    choose,
    mixed,
    point,
    trades,
)
from mcp_router.learning.groups import Groups, guess
from mcp_router.learning.learner import chances, learn, unseen

_START = 0.5
_ROUNDING = 1e-12

Scores = Mapping[str, float]


class Half(NamedTuple):
    """The scored requests of one half, and what the other half says of them.

    Attributes:
        requests: the requests to score.
        predicted: the predicted score of every model, for each request.
        costs: the expected cost of every model, USD, for each request.
        unit: what `best` costs on average, USD.
        best: the best single model of the learning half.
        trade: score that a dollar must buy; None where nothing equalled the best single model.
        longest: words from which a request is sent to `best`, tuned in the same way.
    """

    requests: Sequence[Judged]
    predicted: Sequence[Scores]
    costs: Sequence[Scores]
    unit: float
    best: str
    trade: float | None
    longest: int


def split(requests: Sequence[Judged], *, rng: random.Random) -> tuple[list[Judged], list[Judged]]:
    """Shuffle and halve the requests; those of the same words stay together."""
    alike: dict[object, list[Judged]] = {}
    for at, one in enumerate(requests):
        alike.setdefault(one.case.buckets or at, []).append(one)
    groups = list(alike.values())
    rng.shuffle(groups)
    return list(chain(*groups[::2])), list(chain(*groups[1::2]))


def decided(requests: Sequence[Judged], *, taught_by: Sequence[Judged], weak: str) -> Half:
    """Learn and tune on `taught_by` and predict `requests`, whose groups are hidden.

    Args:
        requests: what will be scored.
        taught_by: what everything is learnt and tuned on.
        weak: the model that length alone would send the shorter requests to.
    """
    cases = [one.case for one in taught_by]
    learner = learn(cases, starts=dict.fromkeys(taught_by[0].costs, _START))
    costs = partial(_expected, learner.groups, _usual(taught_by))
    best = best_single(taught_by)
    unit = fmean(one.costs[best] for one in taught_by)
    known = Half(
        taught_by, unseen(cases, learner=learner), [*map(costs, taught_by)], unit, best, None, 0
    )
    return Half(
        requests,
        [chances(learner, one.case._replace(group="")) for one in requests],
        [*map(costs, requests)],
        unit,
        best,
        _cheapest_equal(known),
        _longest(taught_by, weak=weak, strong=best),
    )


def ours(half: Half, trade: float | None) -> Choice:
    """Choose by prediction and trade-off; without one, the best single model always."""
    if trade is None:
        return always(half, half.best)
    models = [
        by_trade(one, costs, trade=trade)
        for one, costs in zip(half.predicted, half.costs, strict=True)
    ]
    return Choice(
        tuple(one.costs[model] for one, model in zip(half.requests, models, strict=True)),
        tuple(one.case.scores[model] for one, model in zip(half.requests, models, strict=True)),
    )


def always(half: Half, model: str) -> Choice:
    """Choose one model for every request."""
    return choose(half.requests, lambda _: model)


def at_random(half: Half, *, weak: str) -> Choice:
    """Mix the best single model at random with `weak`, for as much money as ours takes."""
    low, high = (point(always(half, one)).cost for one in (weak, half.best))
    cost = point(ours(half, half.trade)).cost
    share = min(max((cost - low) / (high - low), 0.0), 1.0) if high > low else 1.0
    return mixed(half.requests, weak=weak, strong=half.best, share=share)


def _usual(requests: Sequence[Judged]) -> dict[str, Scores]:
    """Average the costs of each group, and under "" of all, by model."""
    held: dict[str, list[Judged]] = {"": list(requests)}
    for one in requests:
        if one.case.group:
            held.setdefault(one.case.group, []).append(one)
    return {
        group: {model: fmean(one.costs[model] for one in own) for model in own[0].costs}
        for group, own in held.items()
    }


def _expected(groups: Groups, usual: Mapping[str, Scores], one: Judged) -> Scores:
    """Expect the costs of the groups that the words of a request speak for."""
    likely = guess(groups, one.case.buckets) or {"": 1.0}
    return {
        model: sum(share * usual[group][model] for group, share in likely.items())
        for model in one.costs
    }


def _cheapest_equal(half: Half) -> float | None:
    """Find the cheapest trade-off that gives what the best single model gives."""
    wanted = point(always(half, half.best))
    found = [(point(ours(half, one)), one) for one in trades(half.unit)]
    equal = [
        (spent.cost, one)
        for spent, one in found
        if spent.quality >= wanted.quality - _ROUNDING and spent.cost <= wanted.cost
    ]
    return min(equal)[1] if equal else None


def _longest(requests: Sequence[Judged], *, weak: str, strong: str) -> int:
    """Find the most words that may go to the weak model while the quality stays equal."""
    wanted = sum(one.case.scores[strong] for one in requests)
    longest, total = -1, wanted
    lengths = sorted(requests, key=lambda one: one.case.words)
    for at, one in enumerate(lengths):
        total += one.case.scores[weak] - one.case.scores[strong]
        last = at + 1 == len(lengths) or lengths[at + 1].case.words > one.case.words
        if last and total >= wanted - _ROUNDING:
            longest = one.case.words
    return longest
