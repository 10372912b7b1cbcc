"""A small cache of decisions with a time to live, least recently used out first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.types import Decision


class DecisionCache:
    """Remember decisions by key for `ttl` seconds, at most `size` of them (70 KB each).

    A clock that goes backwards makes entries from its future count as expired.
    """

    def __init__(self, *, ttl: float, size: int = 64) -> None:
        self._ttl = timedelta(seconds=ttl)
        self._size = size
        self._entries: OrderedDict[str, tuple[datetime, Decision]] = OrderedDict()
        # Callers route from several threads; the dictionary's own steps are not one step.
        self._lock = threading.Lock()

    def get(self, key: str, *, now: datetime) -> Decision | None:
        """Return the decision kept under `key` if it is still fresh at `now`."""
        with self._lock:
            stored, decision = self._entries.get(key, (now, None))
            if decision is None:
                return None
            if not stored <= now < stored + self._ttl:
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return decision

    def put(self, key: str, decision: Decision, *, now: datetime) -> None:
        """Keep `decision` under `key` from `now` on."""
        with self._lock:
            self._entries[key] = (now, decision)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
