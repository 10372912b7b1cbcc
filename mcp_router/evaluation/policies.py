"""Policies that choose a model for each request: ours, and those it has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mcp_router.evaluation.metrics import Point
from mcp_router.evaluation.outcomes import Judged

STEPS = 80
"""How many trade-offs between quality and cost a front is drawn from."""

_TRADES = tuple(10 ** (-4 + 6 * step / STEPS) for step in range(STEPS + 1))


class Choice(NamedTuple):
    """What a policy costs in USD and scores on each request, in their order."""

    costs: tuple[float, ...]
    scores: tuple[float, ...]


Pick = Callable[[Judged], str]


def choose(requests: Sequence[Judged], pick: Pick) -> Choice:
    """Let a policy pick a model for each request."""
    picked = [(one, pick(one)) for one in requests]
    return Choice(
        tuple(one.costs[model] for one, model in picked),
        tuple(one.case.scores[model] for one, model in picked),
    )


def point(choice: Choice) -> Point:
    """Return the means of a choice."""
    n = len(choice.costs)
    return Point(sum(choice.costs) / n, sum(choice.scores) / n)


def best_single(requests: Sequence[Judged]) -> str:
    """Name the model of the highest mean score; of several the cheapest."""
    return max(requests[0].costs, key=lambda one: (_score(requests, one), -_cost(requests, one)))


def cheapest(requests: Sequence[Judged]) -> str:
    """Name the model of the lowest mean cost; of several the best."""
    return min(requests[0].costs, key=lambda one: (_cost(requests, one), -_score(requests, one)))


def oracle(one: Judged) -> str:
    """Pick, knowing the scores, the cheapest of the models that score highest."""
    top = max(one.case.scores.values())
    return min(
        (model for model, score in one.case.scores.items() if score == top),
        key=lambda model: one.costs[model],
    )


def mixed(requests: Sequence[Judged], *, weak: str, strong: str, share: float) -> Choice:
    """Send a random `share` of all requests to the strong model; returns what to expect."""

    def between(low: float, high: float) -> float:
        return low + share * (high - low)

    return Choice(
        tuple(between(one.costs[weak], one.costs[strong]) for one in requests),
        tuple(between(one.case.scores[weak], one.case.scores[strong]) for one in requests),
    )


def by_length(longest: int, *, weak: str, strong: str) -> Pick:
    """Pick the strong model for requests of more than `longest` words."""
    return lambda one: strong if one.case.words > longest else weak


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


def _score(requests: Sequence[Judged], model: str) -> float:
    return sum(one.case.scores[model] for one in requests)


def _cost(requests: Sequence[Judged], model: str) -> float:
    return sum(one.costs[model] for one in requests)
