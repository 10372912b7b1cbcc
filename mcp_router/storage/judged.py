"""Decisions of the past whose answers were judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage.details import decision_json
from mcp_router.storage.queries import query

if TYPE_CHECKING:
    from mcp_router.storage.database import Database

MOST = 5_000
"""How many decisions are read, the latest ones."""


class JudgedDecision(NamedTuple):
    """One decision whose chosen model was judged.

    Attributes:
        model: the model that was chosen and judged.
        task_type: with `complexity`, the kind of task.
        complexity: how hard it was.
        score: the mean of its marks, 0 to 1.
        cost_nanos: what its calls cost; None where nothing is known.
        propensity: the chance it was chosen with; None where nothing was left to chance.
        decision: the decision as JSON.
    """

    model: str
    task_type: str
    complexity: str
    score: float
    cost_nanos: int | None
    propensity: float | None
    decision: str


def judged_decisions(database: Database) -> tuple[JudgedDecision, ...]:
    """Read the latest judged decisions, latest first.

    Raises:
        StorageError: they could not be read.
    """
    with database.reading() as connection:
        rows = connection.execute(query("judged_decisions"), {"limit": MOST}).fetchall()
    return tuple(
        JudgedDecision._make((*known, decision_json(details, place=database.place)))
        for *known, details in rows
    )
