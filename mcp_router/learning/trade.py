"""The trade-off between quality and cost: how much score a dollar must buy.

The cheapest one is taken that is expected to give what the best single model gives, judged by
requests whose scores are known, each predicted from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

STEPS = 80
"""How many trade-offs are tried, and how many a front is drawn from."""

TOLERANCE = 0.0075
"""How much mean score the trade-off may lose on the requests it is chosen on.

Less than the point that still counts as equal quality, as the rest is left to chance: what comes of
it in random pools stands in `docs/evaluation.md`.
"""

_STEP = 10 ** (6 / STEPS)
_TRADES = tuple(1e-4 * _STEP**step for step in range(STEPS + 1))
_HALVINGS = 7
_TURNS = 4


class Weighed(NamedTuple):
    """A request by model: predicted score, expected cost in USD and the score that came of it."""

    predicted: Mapping[str, float]
    costs: Mapping[str, float]
    scores: Mapping[str, float]


class _Sums(NamedTuple):
    cost: float
    predicted: float
    scored: float


def by_trade(predicted: Mapping[str, float], costs: Mapping[str, float], *, trade: float) -> str:
    """Pick the model of the highest predicted score less `trade` times its cost.

    Args:
        predicted: the predicted score by model.
        costs: its expected cost in any unit.
        trade: score that one unit of cost must buy.
    """
    return max(predicted, key=lambda one: (predicted[one] - trade * costs[one], -costs[one]))


def trades(unit: float) -> tuple[float, ...]:
    """List the trade-offs to try where the best single model costs `unit` USD per request."""
    return tuple(one / unit for one in _TRADES) if unit > 0 else _TRADES


def cheapest_equal(requests: Sequence[Weighed], *, best: str, unit: float) -> float | None:
    """Find the cheapest trade-off that equals the model `best`; None where none is cheaper.

    Whether it does is the mean of what was predicted and what was observed: the latter alone is
    noise of the size of what is to be seen, and the former never saw where it is wrong. The score
    to equal is that of a best single model that was chosen by other requests.

    Args:
        requests: what is known; no prediction may have been made from its own scores.
        best: the best single model.
        unit: what that model costs on average, USD.
    """
    wanted = _sums(requests, [best] * len(requests))
    scored = _sums(requests, _chosen_unseen(requests, best=best)).scored
    least = wanted.predicted + scored - 2 * TOLERANCE * len(requests)

    def at(trade: float) -> _Sums:
        return _sums(requests, [by_trade(*one[:2], trade=trade) for one in requests])

    def good(sums: _Sums) -> bool:
        return sums.predicted + sums.scored >= least

    tried = [(sums.cost, trade) for trade in trades(unit) if good(sums := at(trade))]
    if not tried:
        return None
    trade, step = min(tried)[1], _STEP
    # Between two steps a whole group may change its model; what few requests it takes is enough.
    for _ in range(_HALVINGS):
        step **= 0.5
        if good(at(trade * step)):
            trade *= step
    return trade if at(trade).cost <= wanted.cost else None


def _chosen_unseen(requests: Sequence[Weighed], *, best: str) -> list[str]:
    """Name for each request the best single model by others; `best` where there are none.

    In turn for each quarter by the remaining three: the model that looks best on the very requests
    it is judged by was also lucky on them, the more so the more models there are.
    """
    found = [best] * len(requests)
    if len(requests) < 2:
        return found
    for turn in range(min(_TURNS, len(requests))):
        rest = [one for at, one in enumerate(requests) if at % _TURNS != turn]
        top = max(rest[0].scores, key=lambda model: _standing(rest, model))
        found[turn::_TURNS] = [top] * len(found[turn::_TURNS])
    return found


def _standing(requests: Sequence[Weighed], model: str) -> tuple[float, float]:
    costs = sum(one.costs[model] for one in requests)
    return sum(one.scores[model] for one in requests), -costs


def _sums(requests: Sequence[Weighed], picked: Sequence[str]) -> _Sums:
    pairs = list(zip(requests, picked, strict=True))
    return _Sums(
        sum(one.costs[model] for one, model in pairs),
        sum(one.predicted[model] for one, model in pairs),
        sum(one.scores[model] for one, model in pairs),
    )
