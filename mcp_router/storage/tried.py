"""What trials cost: it counts in the allowance of its day, whatever else is forgotten of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection

# What was tried costs at least what was expected of it, and what it did cost where that is more.
_COST = """
max(cost_nanos, coalesce((
  SELECT sum(cost_nanos) FROM routing_outcomes AS paid
  WHERE paid.decision_id = tried.decision_id AND paid.model = tried.model
    AND paid.source = 'execution'), 0))
"""
_SPENT = """
SELECT coalesce(sum({cost}), 0)
FROM learning_trials AS tried WHERE created_ms >= ? AND kind = 'explored'
"""
# No day is longer than 25 hours, so the trials of today are among these.
_LATEST = "(SELECT max(created_ms) FROM learning_trials) - 90000000"
_KEEP_COST = """
UPDATE learning_trials AS tried SET cost_nanos = {cost}
WHERE kind = 'explored' AND created_ms >= {latest} AND cost_nanos < {cost}
"""
_FORGET = "DELETE FROM learning_trials WHERE created_ms < ? AND created_ms < {latest}"
_CLEAR = "DELETE FROM learning_trials WHERE kind <> 'explored' OR created_ms < {latest}"
# Without a usual model a trial counts for the allowance alone.
_STRIP = """
UPDATE learning_trials
SET task_type = '', usual = '', propensity = 0, quality = 0, usual_quality = 0, usual_nanos = 0
"""


def spent_since(connection: Connection, start: int) -> int:
    """Sum up what was tried from a moment (UTC ms) on, in nano-dollars."""
    (spent,) = connection.execute(_SPENT.format(cost=_COST), (start,)).fetchone()
    return int(spent)


def keep_costs(connection: Connection) -> None:
    """Note what the latest trials cost; belongs before their outcomes are deleted or moved."""
    connection.execute(_KEEP_COST.format(cost=_COST, latest=_LATEST))


def forget_trials(connection: Connection, *, cut: int) -> None:
    """Delete trials older than `cut` (UTC ms), but none that today's allowance may have paid.

    Belongs before outcomes of the same age are deleted.
    """
    keep_costs(connection)
    connection.execute(_FORGET.format(latest=_LATEST), (cut,))


def clear_trials(connection: Connection) -> None:
    """Forget all that trials taught; what those cost that today's allowance may have paid stays.

    Belongs before all outcomes are deleted.
    """
    keep_costs(connection)
    connection.execute(_CLEAR.format(latest=_LATEST))
    connection.execute(_STRIP)
