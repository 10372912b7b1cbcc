"""The five-part score of a candidate, each part on an absolute scale from 0 to 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.types import Complexity, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_router.config.settings import Weights
    from mcp_router.routing.profile import Profile

PART_NAMES = ("capability", "cost", "quality", "latency", "historical")

QUALITY_FLOOR: Mapping[Complexity, float] = {
    Complexity.SIMPLE: 0.82,
    Complexity.MEDIUM: 0.84,
    Complexity.COMPLEX: 0.78,
    Complexity.CRITICAL: 0.76,
}
"""The chance of success a model should surely reach before its price or speed counts for it."""

# One request from a fiftieth of a cent to a dollar spans the cost part; half a second to two
# minutes spans the latency part. Both are logarithmic, as people compare by ratios.
_COST_UNIT_USD, _COST_TOP_USD = 0.0002, 1.0
_COST_SPAN = math.log1p(_COST_TOP_USD / _COST_UNIT_USD)
_LATENCY_UNIT_MS, _LATENCY_TOP_MS = 500.0, 120_000.0
_LATENCY_SPAN = math.log1p(_LATENCY_TOP_MS / _LATENCY_UNIT_MS)

_PRESETS: Mapping[Strategy, tuple[float, float, float, float, float]] = {
    Strategy.QUALITY_FIRST: (0.20, 0.04, 0.62, 0.04, 0.10),
    Strategy.COST_FIRST: (0.20, 0.50, 0.15, 0.10, 0.05),
    Strategy.LATENCY_FIRST: (0.20, 0.10, 0.15, 0.50, 0.05),
}


class PartScores(NamedTuple):
    """The parts in the order of `PART_NAMES`."""

    capability: float
    cost: float
    quality: float
    latency: float
    historical: float


def strategy_weights(strategy: Strategy, *, balanced: Weights) -> PartScores:
    """Return the weights of a strategy, summing to 1; `balanced` are the user's own."""
    if strategy is Strategy.BALANCED:
        own = balanced
        return PartScores(own.capability, own.cost, own.quality, own.latency, own.historical)
    return PartScores(*_PRESETS[strategy])


def score_parts(profile: Profile) -> PartScores:
    """Score one profile; an unknown price counts as the dearest, since it cannot be vouched for."""
    usd = _COST_TOP_USD if profile.cost is None else profile.cost / 1e9
    return PartScores(
        profile.fit,
        max(0.0, 1.0 - math.log1p(usd / _COST_UNIT_USD) / _COST_SPAN),
        profile.quality,
        max(0.0, 1.0 - math.log1p(profile.latency_ms / _LATENCY_UNIT_MS) / _LATENCY_SPAN),
        profile.historical,
    )


def totals(scored: Iterable[PartScores], weights: PartScores) -> list[float]:
    """Weigh the parts of many together, each 0 to 1 for weights that sum to 1."""
    by_fit, by_cost, by_quality, by_latency, by_past = weights
    # Written out, as a decision asks for hundreds of these to say what would change it.
    wholes = [
        fit * by_fit + cost * by_cost + quality * by_quality + latency * by_latency + past * by_past
        for fit, cost, quality, latency, past in scored
    ]
    return [min(1.0, whole) for whole in wholes] if max(wholes, default=0.0) > 1.0 else wholes
