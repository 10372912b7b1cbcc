"""What the database must hold after a run, whatever happened during it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg

REPLAY_S = 90.0
# The spent and reserved money of every budget, beside the entries that it is the sum of.
_BUDGETS = """
SELECT name, limit_nanos, spent_nanos, reserved_nanos,
  (SELECT coalesce(sum(CASE state WHEN 'settled' THEN spent_nanos END), 0)
    FROM ledger_entries AS entry WHERE budget.name = ANY (ledger_labels(entry.tags))
      AND reserved_ms >= period_start_ms AND reserved_ms < period_end_ms),
  (SELECT coalesce(sum(CASE state WHEN 'open' THEN reserved_nanos END), 0)
    FROM ledger_entries AS entry WHERE budget.name = ANY (ledger_labels(entry.tags))
      AND reserved_ms >= period_start_ms AND reserved_ms < period_end_ms)
FROM budget_tracking AS budget
"""
_ANSWERED = "SELECT decision_id FROM routing_outcomes WHERE source = 'execution' AND ok = 1"
_BOOKED = "SELECT decision_id FROM ledger_entries WHERE state = 'settled'"
_DECIDED = "SELECT decision_id FROM routing_decisions"


class Budget(NamedTuple):
    """A budget in nano-dollars, and what its entries come to."""

    name: str
    limit: int
    spent: int
    reserved: int
    entries_spent: int
    entries_reserved: int

    @property
    def overspend(self) -> int:
        """How far it was passed."""
        return max(0, self.spent + self.reserved - self.limit)

    @property
    def is_equal(self) -> bool:
        """Whether its sums are those of its entries."""
        return (self.spent, self.reserved) == (self.entries_spent, self.entries_reserved)


class Lost(NamedTuple):
    """How many answers that a client has are missing, or are there twice."""

    outcomes: int
    decisions: int
    bookings: int
    twice: int


def budgets(address: str) -> list[Budget]:
    """Read every budget beside its entries, at one moment."""
    with psycopg.connect(address) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return [Budget(*map(_whole, row)) for row in connection.execute(_BUDGETS)]


def lost(address: str, answered: Iterable[str]) -> Lost:
    """Look for the records of what clients were answered."""
    wanted = set(answered)
    with psycopg.connect(address) as connection:
        found = [one for (one,) in connection.execute(_ANSWERED)]
        decided = {one for (one,) in connection.execute(_DECIDED)}
        booked = {one for (one,) in connection.execute(_BOOKED)}
    return Lost(
        len(wanted.difference(found)),
        len(wanted - decided),
        len(wanted - booked),
        len(found) - len(set(found)),
    )


def replayed(outboxes: Sequence[Path]) -> float:
    """Wait until nothing is left to replay on any machine; return how many seconds that took.

    Raises:
        TimeoutError: something stays.
    """
    begun = time.perf_counter()
    while any(map(_waiting, outboxes)):
        if time.perf_counter() - begun > REPLAY_S:
            raise TimeoutError(f"left: {[_waiting(path) for path in outboxes]}")
        time.sleep(0.2)
    return time.perf_counter() - begun


def _waiting(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM waiting").fetchone()
    return int(count)


def _whole(value: object) -> object:
    # Sums of PostgreSQL are decimals.
    return value if isinstance(value, str) else int(str(value))
