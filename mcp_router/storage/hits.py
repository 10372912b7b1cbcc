"""Decisions that no model was asked for, as a kept answer stood in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.storage.database import Database
    from mcp_router.types import Decision

_HIT = """
SELECT model, note FROM routing_outcomes WHERE decision_id = ? AND source = 'cache' LIMIT 1
"""


def with_hit(decision: Decision, database: Database) -> Decision:
    """Add to the reasons of a decision that its answer came from the cache, where it did.

    Raises:
        StorageError: the database failed.
    """
    with database.reading() as connection:
        row = connection.execute(_HIT, (decision.decision_id,)).fetchone()
    if row is None:
        return decision
    model, note = row
    said = f"Nobody was asked, and it cost nothing: {note}; {model} had given it."
    return decision.model_copy(update={"reasons": (*decision.reasons, said)})
