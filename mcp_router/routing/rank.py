"""Filtered, scored and ordered candidates for one situation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.belief.beta import at_least, mean
from mcp_router.routing.filters import (
    filters_of,
    rejection_after_estimate,
    rejection_before_estimate,
)
from mcp_router.routing.posterior import SURE
from mcp_router.routing.profile import Profile, demand_of, profile
from mcp_router.routing.score import (
    QUALITY_FLOOR,
    PartScores,
    score_parts,
    strategy_weights,
    totals,
)
from mcp_router.types import Rejection, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mcp_router.belief.beta import Belief
    from mcp_router.routing.situation import Situation
    from mcp_router.types import ModelInfo

MAX_FALLBACKS = 4


class Ranked(NamedTuple):
    """A candidate with its profile, parts and score; `band` is 0 where it is good enough."""

    profile: Profile
    parts: PartScores
    score: float
    band: int = 0


class Field(NamedTuple):
    """Who may run: `ranked` best first, `rejected` in catalogue order."""

    ranked: tuple[Ranked, ...]
    rejected: tuple[Rejection, ...]
    strategy: Strategy
    weights: PartScores
    floor: float


def rank(models: Iterable[ModelInfo], situation: Situation) -> Field:
    """Filter and score `models`, best first; ties go to the cheaper, then by name."""
    strategy = situation.request.strategy or situation.settings.strategy
    weights = strategy_weights(strategy, balanced=situation.settings.weights)
    demand, floor = demand_of(situation), quality_floor(situation)
    filters = filters_of(situation)
    rejected: list[Rejection] = []
    passed: list[Profile] = []
    for model in models:
        rejection = rejection_before_estimate(model, situation, filters=filters)
        if rejection is None:
            estimate = profile(model, demand)
            rejection = rejection_after_estimate(estimate, situation, filters=filters)
            if rejection is None:
                passed.append(estimate)
                continue
        rejected.append(rejection)
    ordered = sorted(_scored(passed, weights=weights, floor=floor), key=sort_key(strategy))
    return Field(tuple(ordered), tuple(rejected), strategy, weights, floor)


def _scored(profiles: Sequence[Profile], *, weights: PartScores, floor: float) -> Iterator[Ranked]:
    parts = [score_parts(one) for one in profiles]
    for one, scores, whole in zip(profiles, parts, totals(parts, weights), strict=True):
        yield Ranked(one, scores, whole, band(one.posterior.belief, floor=floor))


def quality_floor(situation: Situation) -> float:
    """Return the chance of success that models should probably reach for this request."""
    asked = situation.constraints.min_quality
    return QUALITY_FLOOR[situation.classification.complexity] if asked is None else asked


def band(believed: Belief, *, floor: float) -> int:
    """Return 0 for a model that is good enough, else 1 to 10, the less sure the higher.

    Where nobody is sure enough, price and speed count only among those about as sure as the best.
    """
    sure = at_least(believed, floor)
    # A very wide belief could reach a floor above its mean by luck.
    if sure >= SURE and mean(believed) >= floor:
        return 0
    return 10 - min(9, int(10 * sure))


def at_floor(ranked: Iterable[Ranked], *, floor: float) -> list[Ranked]:
    """Judge candidates by another quality floor."""
    return [one._replace(band=band(one.profile.posterior.belief, floor=floor)) for one in ranked]


def chance(one: Ranked, *, floor: float) -> float:
    """Return the chance that a candidate reaches the quality floor."""
    return at_least(one.profile.posterior.belief, floor)


def doubt(one: Ranked, *, floor: float) -> str:
    """Say how sure a candidate is to reach the quality floor, beside what is asked."""
    # Rounded down, so that 79.9% is not told as the 80% that it misses.
    sure = math.floor(100 * chance(one, floor=floor))
    return f"{sure}% sure to reach quality {floor:.2f}; {SURE:.0%} is asked"


def sort_key(strategy: Strategy) -> Callable[[Ranked], tuple[int, float, float, str]]:
    """Return the key that sorts candidates best first.

    Whoever is sure enough to reach the quality floor comes before whoever is not, and of the others
    the surer (`band`) come first. Among the former `cost_first` takes the cheapest; everything else
    goes by score, then price, then name.
    """
    cheapest = strategy is Strategy.COST_FIRST

    def key(one: Ranked) -> tuple[int, float, float, str]:
        estimate = one.profile
        cost = math.inf if estimate.cost is None else float(estimate.cost)
        if cheapest and not one.band:
            return 0, cost, -one.score, estimate.model.name
        return one.band, -one.score, cost, estimate.model.name

    return key


def in_given_order(ranked: Sequence[Ranked], *, first: Sequence[str]) -> list[Ranked]:
    """Move the models named in `first` to the front, in that order; the rest keep theirs."""
    if not first:
        return list(ranked)
    place = {name: index for index, name in enumerate(first)}
    return sorted(ranked, key=lambda one: place.get(one.profile.model.name, len(place)))


def fallbacks(ranked: Sequence[Ranked], *, fixed: int = 1) -> tuple[str, ...]:
    """Choose up to `MAX_FALLBACKS` models after the first; the first `fixed` keep their places.

    Of the others the next best from a provider not yet used comes before a second one of the
    same, since a failing provider usually fails for all its models.
    """
    chosen, waiting = list(ranked[:fixed]), list(ranked[fixed:])
    while waiting and len(chosen) <= MAX_FALLBACKS:
        used = {one.profile.model.provider for one in chosen}
        fresh = (one for one in waiting if one.profile.model.provider not in used)
        following = next(fresh, waiting[0])
        chosen.append(following)
        waiting.remove(following)
    return tuple(one.profile.model.name for one in chosen[1:])
