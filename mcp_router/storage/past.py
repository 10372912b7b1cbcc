"""The ledger's past: entries that no budget needs one by one any more become sums."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_router.storage.budgets import from_json, is_apart

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection

KEEP_MS = 45 * 86_400_000
"""How long settled entries stay: longer than any month in any time zone, with a clock's step."""

_BATCH = 500
_OLD = """
SELECT entry_id, tags, spent_nanos FROM ledger_entries
WHERE reserved_ms < ? AND state = 'settled' ORDER BY reserved_ms LIMIT ?
"""
_ADD = """
INSERT INTO ledger_past (tag, spent_nanos) VALUES (?, ?)
ON CONFLICT (tag) DO UPDATE SET spent_nanos = ledger_past.spent_nanos + excluded.spent_nanos
"""


def forget(connection: Connection, *, at: int) -> int:
    """Add the oldest settled entries to the sums and delete them, a bounded number at once.

    Belongs in a transaction. Returns how many there were.
    """
    old = connection.execute(_OLD, (at - KEEP_MS, _BATCH)).fetchall()
    if not old:
        return 0
    sums: Counter[str] = Counter()
    pairs: list[tuple[str, int]] = []
    for entry, stored, spent in old:
        tags = from_json(stored)
        pairs += [(tag, entry) for tag in tags]
        for tag in tags if is_apart(tags) else ("", *tags):
            sums[tag] += spent
    connection.executemany(_ADD, sums.items())
    connection.executemany("DELETE FROM ledger_tags WHERE tag = ? AND entry_id = ?", pairs)
    connection.executemany(
        "DELETE FROM ledger_entries WHERE entry_id = ?", [(entry,) for entry, *_ in old]
    )
    return len(old)
