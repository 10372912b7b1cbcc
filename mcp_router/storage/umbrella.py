"""Money that is set aside for several calls at once, and drawn by each as it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection
    from mcp_router.storage.ledger import Reservation

_LEFT = "SELECT reserved_nanos FROM ledger_entries WHERE entry_id = ? AND state = 'open'"
_MOVE = """
UPDATE ledger_entries SET reserved_nanos = reserved_nanos + ? WHERE entry_id = ? AND state = 'open'
"""


def drawable(connection: Connection, whole: Reservation, amount: int) -> int:
    """Return how much of `amount` nano-dollars the whole can still give; 0 once it has ended."""
    found = connection.execute(_LEFT, (whole.entry_id,)).fetchone()
    return 0 if found is None else min(amount, found[0])


def move(connection: Connection, entry: int, nanos: int) -> bool:
    """Add to what an entry holds, or take from it; False if it has ended and holds nothing."""
    return connection.execute(_MOVE, (nanos, entry)).rowcount == 1
