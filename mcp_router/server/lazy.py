"""A router that is opened when it is first needed, so that a server answers before it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_router.router import Router


class LazyRouter:
    """Opens the router at the first call and closes it with the server.

    Tools run on worker threads, so two first calls may meet here; one of them opens. A failed
    opening is not remembered: the next call tries again, with the settings mended meanwhile.
    """

    def __init__(self, open_router: Callable[[], Router]) -> None:
        self._open_router = open_router
        self._lock = threading.Lock()
        self._router: Router | None = None

    def get(self) -> Router:
        """Return the open router, opening it first if need be.

        Raises:
            RouterError: the settings, the catalogue or the database cannot be used.
        """
        with self._lock:
            if self._router is None:
                self._router = self._open_router()
            return self._router

    def close(self) -> None:
        """Close the router if it is open; a later call opens it again."""
        with self._lock:
            router, self._router = self._router, None
        if router is not None:
            router.close()
