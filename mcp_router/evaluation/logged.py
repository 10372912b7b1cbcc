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
    choices = [(place, one) for place, row in enumerate(rows) if (one := _choice(row)) is not None]
    contexts = Counter(one.context for _, one in choices)
    pairs = Counter((one.context, one.model) for _, one in choices)

    def usual(one: Logged) -> float:
        return pairs[one.context, one.model] / contexts[one.context]

    kept = (one if one.chance else one._replace(chance=usual(one)) for _, one in choices)
    return tuple(kept), tuple(place for place, _ in choices)


def _choice(row: JudgedDecision) -> Logged | None:
    """Make a choice, of chance 0 where none was logged; None where nothing was to choose."""
    options = _options(row)
    cost = options.get(row.model) if row.cost_nanos is None else row.cost_nanos / _NANOS
    # A model that was named leaves nothing to choose, so it says nothing of a policy.
    if cost is None or row.model not in options or len(options) < 2:
        return None
    return Logged(_context(row), row.model, row.score, cost, options, row.propensity or 0.0)


def _context(row: JudgedDecision) -> str:
    return f"{row.task_type} {row.complexity}"


def _options(row: JudgedDecision) -> dict[str, float]:
    decision: dict[str, Any] = json.loads(row.decision)
    return {
        one["model"]: float(one["estimated_cost_usd"])
        for one in decision.get("candidates", ())
        if one.get("estimated_cost_usd") is not None
    }
