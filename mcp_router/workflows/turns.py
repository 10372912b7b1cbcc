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
        self._ended = 0
        self._change = anyio.Event()

    async def take(self, call: Callable[[], Awaitable[Completion]]) -> Completion:
        """Make a call, again and again while all it lacks is time or what other calls hold.

        Raises:
            BudgetExceededError: no other call holds money any more, and there is too little.
            RouterError: as the call raises.
        """
        waits = 0
        while True:
            self._running += 1
            try:
                return await call()
            except BudgetExceededError as error:
                # This one still counts as running.
                if not error.reserved or self._running == 1:
                    raise
                ended = self._ended + 1
            except RouterError as error:
                waits += 1
                if waits > MOST_WAITS or not rate_limited(error):
                    raise
                ended = None
            finally:
                self._end()
            if ended is None:
                await self._sleep(min(LONGEST_WAIT_S, 2.0 ** (waits - 1)))
            else:
                await self._others(ended)

    def _end(self) -> None:
        self._running -= 1
        self._ended += 1
        self._change.set()
        self._change = anyio.Event()

    async def _others(self, ended: int) -> None:
        while self._running and self._ended == ended:
            await self._change.wait()


def rate_limited(error: RouterError) -> bool:
    """Say whether a request failed for nothing but rate limits, so that time alone helps."""
    if not isinstance(error, FallbackExhaustedError) or not error.attempts:
        return False
    return all(one.outcome == "rate_limited" for one in error.attempts)
