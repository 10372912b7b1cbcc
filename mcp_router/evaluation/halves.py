"""One half of the requests, decided on with what the other half taught.

The trade-off between quality and cost is chosen on the requests of the learning half, each
predicted there from the rest of that half (`learning/trade.py`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from mcp_router.errors import InvalidRequestError
from mcp_router.evaluation.expected import expected, usual
from mcp_router.evaluation.outcomes import Judged
from mcp_router.evaluation.policies import Choice, aim, choose, chosen, mixed, point
from mcp_router.learning.learner import chances, foretell, learn, unseen
from mcp_router.learning.trade import Weighed, by_trade, cheapest_equal

_START = 0.5
_DIFFERENT = "Give different requests: one half is scored by what the other taught."
_ROUNDING = 1e-12

Scores = Mapping[str, float]


class Half(NamedTuple):
    """The scored requests of one half, and what the other half says of them.

    Attributes:
        requests: the requests to score.
        predicted: the predicted score of every model, for each request.
        costs: the expected cost of every model, USD, for each request.
        unit: what `best` costs on average, USD.
        best: the model to equal: the best single one of the learning half, or a cheaper one that is
            as good.
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


def split(requests: Sequence[Judged], *, rng: random.Random) -> tuple[list[int], list[int]]:
    """Shuffle and halve the requests, as their places; those of the same words stay together.

    Raises:
        InvalidRequestError: all of them are of the same words.
    """
    alike: dict[object, list[int]] = {}
    for at, one in enumerate(requests):
        alike.setdefault(at if one.words is None else one.words, []).append(at)
    groups = list(alike.values())
    if len(groups) < 2:
        raise InvalidRequestError(
            field="outcomes", problem="all requests are of the same words", hint=_DIFFERENT
        )
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
    starts = dict.fromkeys(taught_by[0].costs, _START)
    told = foretell(cases, starts=starts)
    learner = learn(cases, starts=starts, told=told)
    costs = partial(expected, usual(taught_by), groups=learner.groups)
    best = aim(taught_by)
    unit = fmean(one.costs[best] for one in taught_by)
    weighed = map(
        Weighed,
        unseen(cases, learner=learner, told=told),
        map(costs, cases),
        [one.scores for one in cases],
    )
    return Half(
        requests,
        [chances(learner, one.case._replace(group="")) for one in requests],
        [costs(one.case) for one in requests],
        unit,
        best,
        cheapest_equal([*weighed], best=best, unit=unit),
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
    return chosen(half.requests, models)


def always(half: Half, model: str) -> Choice:
    """Choose one model for every request."""
    return choose(half.requests, lambda _: model)


def at_random(half: Half, *, weak: str) -> Choice:
    """Mix the best single model at random with `weak`, for as much money as ours takes."""
    low, high = (point(always(half, one)).cost for one in (weak, half.best))
    cost = point(ours(half, half.trade)).cost
    share = min(max((cost - low) / (high - low), 0.0), 1.0) if high > low else 1.0
    return mixed(half.requests, weak=weak, strong=half.best, share=share)


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
