"""What would have to change for another model to win; every line holds when it is tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.routing.conversation import keeper
from mcp_router.routing.rank import Ranked, at_floor, in_given_order, rank, sort_key
from mcp_router.routing.score import PART_NAMES, PartScores, strategy_weights, totals
from mcp_router.types import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_router.routing.rank import Field
    from mcp_router.routing.situation import Situation

MAX_COUNTERFACTUALS = 6
_MAX_WEIGHTS = 3

# What is lifted to try a filter's rule, and how that is said.
_LIFTED: dict[str, tuple[dict[str, object], str]] = {
    "max_cost": ({"max_cost_usd": None}, "without max_cost_usd"),
    "max_latency": ({"max_latency_ms": None}, "without max_latency_ms"),
    "min_quality": ({"min_quality": None}, "without min_quality"),
    "context": ({"min_context": None}, "without min_context"),
    "requires": ({"requires": (), "min_capabilities": {}}, "without your requirements"),
    "denied": (
        {"models": (), "deny_models": (), "providers": (), "deny_providers": ()},
        "if you allowed it",
    ),
    "budget": ({}, "with a larger budget"),
}


class Order(NamedTuple):
    """The person's own order of models; `lifted` says how one does without it, "" if unknown.

    `rule` is where it comes from: "chain", "task", "default", or "score" where there is none.
    """

    names: tuple[str, ...] = ()
    lifted: str = ""
    rule: str = "score"


def counterfactuals(field: Field, situation: Situation, *, order: Order) -> tuple[str, ...]:
    """Say what would have to change for others to win: a rule, the order, the strategy, a weight.

    `field` is ranked best first, those of `order` before all others.
    """
    winner = field.ranked[0]
    if winner.profile.model.name in order.names:
        found = _by_order(winner, field, situation, order)
    else:
        found = [*_by_strategy(winner, field, situation), *_by_weight(winner, field, situation)]
    # Whoever set a limit wants to know first what it costs.
    said = [*_by_key(field, situation, order), *_by_rule(field, situation, order), *found]
    return tuple(said[:MAX_COUNTERFACTUALS])


def _by_key(field: Field, situation: Situation, order: Order) -> list[str]:
    """Name who would win among the models that can be called, where the winner lacks its key.

    What was learnt would have to be weighed anew; nothing is said there.
    """
    usable, winner = situation.state.usable_providers, field.ranked[0].profile.model
    if winner.provider in usable or situation.state.learnt is not None:
        return []
    able = [one for one in field.ranked if one.profile.model.provider in usable]
    if not able:
        return []
    best = _first(able, field=field, situation=situation, order=order)
    return [f"{_name(best)} would win among models whose key is set."]


def _by_order(winner: Ranked, field: Field, situation: Situation, order: Order) -> list[str]:
    best = min(field.ranked, key=sort_key(field.strategy))
    if order.rule in ("task", "default"):
        # Without it a running conversation has its say again.
        best = _first(field.ranked, field=field, situation=situation, order=Order())
    return [f"{_name(best)} would win {order.lifted}."] if order.lifted and best != winner else []


def _by_strategy(winner: Ranked, field: Field, situation: Situation) -> list[str]:
    lines: list[str] = []
    able = _able(field)
    for strategy in Strategy:
        if strategy is field.strategy:
            continue
        weights = strategy_weights(strategy, balanced=situation.settings.weights)
        best = _best(able, weights=weights, strategy=strategy)
        if _name(best) != _name(winner) and not _stays(field, situation, weights, strategy):
            lines.append(f"{_name(best)} would win with strategy {strategy}.")
    return lines


def _by_weight(winner: Ranked, field: Field, situation: Situation) -> list[str]:
    """Raise one weight at a time, the others left as they are, until someone else wins."""
    if field.strategy is not Strategy.BALANCED:
        # Only the weights of this strategy are the person's own to change.
        return []
    able, found = _able(field), list[tuple[float, str, str]]()
    scores = [one.score for one in able]
    columns = zip(*[one.parts for one in able], strict=True)
    named = zip(PART_NAMES, field.weights, columns, strict=True)
    for index, (name, weight, column) in enumerate(named):
        rivals = zip(scores, column, strict=True)
        level = _level(rivals, score=winner.score, part=winner.parts[index], weight=weight)
        if level >= 1:
            continue
        raised = math.floor(level * 100 + 1) / 100
        weights = _normalised([*field.weights[:index], raised, *field.weights[index + 1 :]])
        best = _best(able, weights=weights, strategy=field.strategy)
        stays = _stays(field, situation, weights, field.strategy)
        if _name(best) != _name(winner) and not stays:
            line = f"{_name(best)} would win with weight {name} {raised:.2f}"
            found.append((raised - weight, _name(best), f"{line} instead of {weight:.2f}."))
    # One line for each rival: the smallest change that makes it win.
    lines = {rival: line for _, rival, line in sorted(found, reverse=True)}
    return list(reversed(lines.values()))[:_MAX_WEIGHTS]


def _level(
    rivals: Iterable[tuple[float, float]], *, score: float, part: float, weight: float
) -> float:
    """Solve for the lowest weight of one part at which anyone draws level with the winner.

    `rivals` are scores with this part of them.
    """
    levels = [weight + (score - theirs) / (high - part) for theirs, high in rivals if high > part]
    return max(weight, min(levels, default=math.inf))


def _by_rule(field: Field, situation: Situation, order: Order) -> list[str]:
    reasons = {one.model: one for one in field.rejected}
    lines: list[str] = []
    for rule in dict.fromkeys(one.filter for one in field.rejected if one.filter in _LIFTED):
        update, said = _LIFTED[rule]
        lifted = situation._replace(constraints=situation.constraints.model_copy(update=update))
        if rule == "budget":
            state = situation.state.model_copy(update={"budget_left_usd": None})
            lifted = lifted._replace(state=state)
        names = {one.model for one in field.rejected if one.filter == rule}
        again = rank([one for one in situation.catalog.models if one.name in names], lifted)
        # Lifting a stated minimum brings the usual floor back for everybody.
        rivals = [*at_floor(field.ranked, floor=again.floor), *again.ranked]
        judged = field._replace(floor=again.floor)
        best = _name(_first(rivals, field=judged, situation=situation, order=order))
        if best in names:
            lines.append(f"{best} would win {said}: {reasons[best].reason}.")
    return lines


def _first(rivals: Iterable[Ranked], *, field: Field, situation: Situation, order: Order) -> Ranked:
    """Find who would win of `rivals`; a conversation may stay where it is nonetheless."""
    ranked = sorted(rivals, key=sort_key(field.strategy))
    kept = None
    if order.rule not in ("chain", "task"):
        kept = keeper(field._replace(ranked=tuple(ranked)), situation)
    return kept or in_given_order(ranked, first=order.names)[0]


def _stays(field: Field, situation: Situation, weights: PartScores, strategy: Strategy) -> bool:
    """Tell whether a running conversation would keep its model under other weights."""
    if situation.request.current_model is None:
        return False
    scores = totals([one.parts for one in field.ranked], weights)
    again = [one._replace(score=score) for one, score in zip(field.ranked, scores, strict=True)]
    ranked = tuple(sorted(again, key=sort_key(strategy)))
    other = field._replace(ranked=ranked, strategy=strategy, weights=weights)
    return keeper(other, situation) is not None


def _able(field: Field) -> Sequence[Ranked]:
    best = min(one.band for one in field.ranked)
    return [one for one in field.ranked if one.band == best]


def _best(able: Sequence[Ranked], *, weights: PartScores, strategy: Strategy) -> Ranked:
    scores = totals([one.parts for one in able], weights)
    by_cost = strategy is Strategy.COST_FIRST and not able[0].band
    first = [-_cost(one) for one in able] if by_cost else scores
    # Only those who lead need the whole key.
    lead = max(first)
    leaders = [
        one._replace(score=score)
        for one, score, value in zip(able, scores, first, strict=True)
        if value == lead
    ]
    return min(leaders, key=sort_key(strategy))


def _cost(one: Ranked) -> float:
    cost = one.profile.cost
    return math.inf if cost is None else float(cost)


def _normalised(weights: Sequence[float]) -> PartScores:
    whole = sum(weights)
    return PartScores(*(weight / whole for weight in weights))


def _name(one: Ranked) -> str:
    return one.profile.model.name
