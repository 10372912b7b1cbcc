"""The ledger's time: what any process last saw, and the leases that end by it.

It stands still while a clock that stepped back catches up, so that no earlier period opens again; a
clock more than `STEP_BACK_MS` behind is believed, as the time seen before must have been wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage import budgets, past
from mcp_router.storage.budgets import Change

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection

STEP_BACK_MS = 36 * 3_600_000
# The time is noted to the second, as each note is a page written; and whenever a quarter of an hour
# begins, for that is where a day may begin in some zone.
_SECOND_MS = 1_000
_QUARTER_MS = 900_000


class Time(NamedTuple):
    """The ledger's time, the latest it was given, and when the next lease ends (UTC ms)."""

    at: int
    seen: int
    due: int


_OVERDUE = """
SELECT entry_id, reserved_ms, reserved_nanos, tags FROM ledger_entries
WHERE state = 'open' AND expires_ms <= ?
"""
_EXPIRE = "UPDATE ledger_entries SET state = 'expired' WHERE entry_id = ?"
_SEEN = """
SELECT seen_ms, ifnull((SELECT min(expires_ms) FROM ledger_entries WHERE state = 'open'),
  9223372036854775807)
FROM ledger_clock
"""
_SEE = "UPDATE ledger_clock SET seen_ms = ?"
_SHIFT = "UPDATE ledger_entries SET expires_ms = expires_ms - ? WHERE state = 'open'"


def time_of(connection: Connection, *, now: int) -> Time:
    """Read the ledger's time, where the computer says `now`."""
    seen, due = connection.execute(_SEEN).fetchone()
    return Time(seen if now < seen <= now + STEP_BACK_MS else now, seen, due)


def advance(connection: Connection, *, now: int) -> int:
    """Return the ledger's time, store it, and take back the money of leases that have ended."""
    at, seen, due = time_of(connection, now=now)
    if seen > at:
        # Leases keep the time they had left.
        connection.execute(_SHIFT, (seen - at,))
        due -= seen - at
    if not 0 <= at - seen < _SECOND_MS or at // _QUARTER_MS != seen // _QUARTER_MS:
        connection.execute(_SEE, (at,))
        past.forget(connection, at=at)
    if due <= at:
        _sweep(connection, at=at)
    return at


def _sweep(connection: Connection, *, at: int) -> None:
    for entry, reserved_ms, reserved, tags in connection.execute(_OVERDUE, (at,)).fetchall():
        change = Change(reserved_ms, budgets.from_json(tags), reserved=-reserved)
        budgets.apply(connection, change)
        connection.execute(_EXPIRE, (entry,))
