"""A router that is opened when it is first needed, and again when its settings change."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope, to_thread

from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from mcp_router.router import Router

Answer = TypeVar("Answer")

OpenRouter = Callable[[], "Router"]
"""Gives a new router, with the settings as they are then, on any thread."""

Stamp = Callable[[], object]
"""Cheap, and differs from what it was where a new router would get other settings."""


@dataclass(eq=False)
class _Held:
    """A router and the calls that use it."""

    router: Router
    calls: set[_Call] = field(default_factory=set["_Call"])


@dataclass(eq=False)
class _Call:
    """A call, and the router that it got when it first asked for one."""

    held: _Held | None = None


class LazyRouter:
    """Opens the router at the first call and closes it with the server.

    Some tools run on worker threads, so two first calls may meet here; one of them opens. A failed
    opening is not remembered: the next call tries again, with the settings mended meanwhile.
    Changed settings hold from the next call on; calls in flight end under those they began with.
    """

    def __init__(self, open_router: OpenRouter, *, stamp: Stamp = lambda: None) -> None:
        self._open_router = open_router
        self._stamp = stamp
        self._seen: object = None
        self._lock = threading.Lock()
        self._current: _Held | None = None
        self._retired: list[_Held] = []
        self._call: ContextVar[_Call | None] = ContextVar("call", default=None)
        self.problem = ""
        """One sentence about changed settings that cannot be used, if that is so."""

    def get(self) -> Router:
        """Return the router of this call, opening it first if need be.

        Raises:
            RouterError: the settings, the catalogue or the database cannot be used.
        """
        call = self._call.get()
        if call is None:
            return self._newest().router
        if call.held is None:
            call.held = self._newest(call)
        return call.held.router

    async def opened(self) -> Router:
        """Return the router of this call without holding the event loop up while it opens.

        Raises:
            RouterError: as `get` raises.
        """
        call = self._call.get()
        held = call.held if call and call.held else self._unchanged(call)
        return held.router if held else await to_thread.run_sync(self.get)

    async def ask(self, look: Callable[[Router], Answer]) -> Answer:
        """Ask the router of this call without holding the event loop up while it looks.

        Raises:
            RouterError: as `get` raises, or `look`.
        """
        from mcp_router.execution.off_loop import off_loop
        from mcp_router.storage.opened import is_far

        router = await self.opened()
        if is_far(router.settings):
            # It may be the first to need the store.
            await to_thread.run_sync(lambda: router.store)
        return await off_loop(router.store.database, lambda: look(router))

    @asynccontextmanager
    async def call(self) -> AsyncGenerator[None]:
        """Keep the router that a call gets open, and the same, until its end."""
        call = _Call()
        token = self._call.set(call)
        try:
            yield
        finally:
            self._call.reset(token)
            if call.held:
                call.held.calls.discard(call)
            with CancelScope(shield=True):
                await self._close_retired()

    async def aclose(self) -> None:
        """Close the router if it is open; a later call opens it again."""
        with self._lock:
            held, self._current = self._current, None
            self._retired += [held] if held else []
        for one in self._retired:
            one.calls.clear()
        await self._close_retired()

    def _unchanged(self, call: _Call | None) -> _Held | None:
        """Give a call the router that is open, unless that has to be opened first or anew."""
        # Whoever opens one holds the lock for long; a look at the files is over at once.
        if call is None or not self._lock.acquire(blocking=False):
            return None
        try:
            if self._current is None or self._stamp() != self._seen:
                return None
            self._current.calls.add(call)
            call.held = self._current
            return self._current
        finally:
            self._lock.release()

    def _newest(self, call: _Call | None = None) -> _Held:
        with self._lock:
            # Before the files are read: a change meanwhile is then seen the next time.
            stamp = self._stamp()
            if self._current is None:
                self._current = _Held(self._open_router())
            elif stamp != self._seen:
                self._current = self._renewed(self._current)
            self._seen = stamp
            if call:
                self._current.calls.add(call)
            return self._current

    def _renewed(self, current: _Held) -> _Held:
        try:
            router = self._open_router()
        except RouterError as error:
            self.problem = f"Changed settings are not in use, the former ones hold. {error}"
            return current
        self.problem = ""
        self._retired.append(current)
        return _Held(router)

    async def _close_retired(self) -> None:
        for one in [one for one in self._retired if not one.calls]:
            self._retired.remove(one)
            await one.router.aclose()
