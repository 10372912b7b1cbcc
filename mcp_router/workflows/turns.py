"""Calls that share budgets and rate limits: one there is no room for waits its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import BudgetExceededError, FallbackExhaustedError, RouterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_router.types import Completion

LONGEST_WAIT_S = 30.0
MOST_WAITS = 45
"""Waits of one call for a rate limit: twenty minutes in all, then it fails."""


class Turns:
    """Lets calls run side by side as far as budgets and rate limits have room for them."""

    def __init__(self, *, sleep: Callable[[float], Awaitable[None]] = anyio.sleep) -> None:
        self._sleep = sleep
        self._running = 0
        self._freed = 0
        self._change = anyio.Event()

    async def take(self, call: Callable[[], Awaitable[Completion]]) -> Completion:
        """Make a call, again and again while all it lacks is time or what other calls hold.

        Raises:
            BudgetExceededError: no other call holds money any more, and there is too little.
            RouterError: as the call raises.
        """
        waits = 0
        while True:
            freed, kept_waiting = self._freed, False
            self._running += 1
            try:
                return await call()
            except BudgetExceededError as error:
                # This one still counts as running.
                if not error.reserved or self._running == 1:
                    raise
                kept_waiting = True
            except RouterError as error:
                waits += 1
                if waits > MOST_WAITS or not rate_limited(error):
                    raise
            finally:
                self._end(freeing=not kept_waiting)
            if kept_waiting:
                await self._room(since=freed)
            else:
                await self._sleep(min(LONGEST_WAIT_S, 2.0 ** (waits - 1)))

    def _end(self, *, freeing: bool) -> None:
        self._running -= 1
        # Those who found no room would only send one another to look for it again and again.
        self._freed += freeing
        self._change.set()
        self._change = anyio.Event()

    async def _room(self, *, since: int) -> None:
        while self._running and self._freed == since:
            await self._change.wait()


def rate_limited(error: RouterError) -> bool:
    """Say whether a request failed for nothing but rate limits, so that time alone helps."""
    if not isinstance(error, FallbackExhaustedError) or not error.attempts:
        return False
    return all(one.outcome == "rate_limited" for one in error.attempts)
