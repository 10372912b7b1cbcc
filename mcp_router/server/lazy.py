"""A router that is opened when it is first needed, so that a server answers before it is."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import CancelScope, to_thread

if TYPE_CHECKING:
    from mcp_router.router import Router


class LazyRouter:
    """Opens the router at the first call and closes it with the server.

    Some tools run on worker threads, so two first calls may meet here; one of them opens. A failed
    opening is not remembered: the next call tries again, with the settings mended meanwhile.
    """

    def __init__(self, open_router: Callable[[], Router]) -> None:
        """Keep `open_router`, which gives a new router each time it is called, on any thread."""
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

    async def opened(self) -> Router:
        """Return the open router without holding the event loop up while it opens.

        Raises:
            RouterError: as `get` raises.
        """
        router = self._router
        return await to_thread.run_sync(self.get) if router is None else router

    @asynccontextmanager
    async def apart(self) -> AsyncGenerator[Router]:
        """Open another router over the same settings, for one call with limits of its own.

        Raises:
            RouterError: as `get` raises.
        """
        router = await to_thread.run_sync(self._open_router)
        try:
            yield router
        finally:
            with CancelScope(shield=True):
                await router.aclose()

    async def aclose(self) -> None:
        """Close the router if it is open; a later call opens it again."""
        with self._lock:
            router, self._router = self._router, None
        if router is not None:
            await router.aclose()
