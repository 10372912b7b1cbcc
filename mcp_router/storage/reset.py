"""Forgets on a person's request: what is held against models, or everything that was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.storage.kinds import TABLES
from mcp_router.storage.tried import clear_trials

if TYPE_CHECKING:
    from mcp_router.storage.database import Database

# Probes are counted on, so that one which is still out cannot close a later circuit.
_CLOSE = """
UPDATE breakers SET failures = 0, window_start = 0, calls = 0, failed = 0, trips = 0,
  tripped_at = 0, open_until = 0, cooldown_until = 0, probe = probe + 1, probe_until = 0
WHERE failures > 0 OR failed > 0 OR trips > 0 OR cooldown_until > 0
"""
_SUMMARIES = (
    "cost_tracking",
    "latency_tracking",
    "model_performance",
    "model_latencies",
    "model_evidence",
    "learned_pairs",
    "learned_switches",
    "learning_events",
)
_DELETE = "DELETE FROM {}"
# Readers keep sums for as long as this number stays the same.
_FOLD = "UPDATE summary_state SET folds = folds + 1"
_UNLEARN = "UPDATE learning_state SET revision = revision + 1"


def close_breakers(database: Database) -> int:
    """Let every model be called again; return how many had failures held against them.

    Raises:
        StorageError: the file cannot be written.
    """
    with database.transaction() as connection:
        return connection.execute(_CLOSE).rowcount


def clear_records(database: Database) -> int:
    """Delete decisions, outcomes and events with all sums of them; return how many rows.

    What the budgets count as spent stays, as do alerts and what learning spent of the day's
    allowance: no limit is widened by forgetting.

    Raises:
        StorageError: the file cannot be written.
    """
    with database.transaction() as connection:
        connection.execute(_FOLD)
        connection.execute(_UNLEARN)
        clear_trials(connection)
        gone = [connection.execute(_DELETE.format(table)).rowcount for table in TABLES.values()]
        for table in _SUMMARIES:
            connection.execute(_DELETE.format(table))
    return sum(gone)
