"""Choices of the past: of each, only what the chosen model gave is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mcp_router.storage.judged import JudgedDecision

_NANOS = 1e9


class Logged(NamedTuple):
    """One choice of the past.

    Attributes:
        context: the kind of task, which is all that is known of the request.
        model: the model that was chosen.
        score: what its answer scored, 0 to 1.
        cost: what it cost, USD.
        options: the expected cost of every model that could have been chosen, USD.
        chance: the chance it was chosen with, as logged or as it was usual for this context.
    """

    context: str
    model: str
    score: float
    cost: float
    options: Mapping[str, float]
    chance: float


def logged(rows: Sequence[JudgedDecision]) -> tuple[tuple[Logged, ...], tuple[int, ...]]:
    """Make choices of judged decisions; returns them, and the place of each in `rows`.

    A decision of unknown cost, or that had no other candidate, is left out.
    """
    contexts = Counter(_context(row) for row in rows)
    pairs = Counter((_context(row), row.model) for row in rows)
    kept: list[Logged] = []
    places: list[int] = []
    for place, row in enumerate(rows):
        options = _options(row)
        cost = options.get(row.model) if row.cost_nanos is None else row.cost_nanos / _NANOS
        # A model that was named leaves nothing to choose, so it says nothing of a policy.
        if cost is None or row.model not in options or len(options) < 2:
            continue
        context = _context(row)
        usual = pairs[context, row.model] / contexts[context]
        chance = usual if row.propensity is None else row.propensity
        kept.append(Logged(context, row.model, row.score, cost, options, chance))
        places.append(place)
    return tuple(kept), tuple(places)


def _context(row: JudgedDecision) -> str:
    return f"{row.task_type} {row.complexity}"


def _options(row: JudgedDecision) -> dict[str, float]:
    decision: dict[str, Any] = json.loads(row.decision)
    return {
        one["model"]: float(one["estimated_cost_usd"])
        for one in decision.get("candidates", ())
        if one.get("estimated_cost_usd") is not None
    }
