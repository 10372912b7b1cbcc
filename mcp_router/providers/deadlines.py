"""Deadlines of one call: connect, first token, idle between tokens, total."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from math import inf
from typing import NamedTuple, TypeVar

import anyio

from mcp_router.errors import ProviderTimeout
from mcp_router.providers.wire import Target

T = TypeVar("T")


class Deadlines(NamedTuple):
    """Seconds; None means no limit. `first_token` and `idle` hold for streams only.

    Tokens are text, reasoning and tool calls. Keep-alive comments and pings are not, so a route
    that only says it is alive still runs into `first_token` or `idle`.
    """

    connect: float | None = 5.0
    first_token: float | None = 12.0
    idle: float | None = 15.0
    total: float | None = 60.0


class Timer:
    """Watches over one call; it is started by being made, within the running event loop."""

    def __init__(
        self, target: Target, deadlines: Deadlines, *, stream: bool, socket: bool = True
    ) -> None:
        """Start; `socket` tells that reads have a timeout of their own besides this one."""
        self._target = target
        self._deadlines = deadlines
        now = anyio.current_time()
        # To ask for the event loop's own clock takes longer than all else here.
        self._shift = now - time.monotonic()
        self._total_at = now + _or_inf(deadlines.total)
        self._spoke = False
        self._socket_timeout = _or_inf(socket_timeout(deadlines) if socket else None)
        self._name = "first_token" if stream else "total"
        self._limit_at = now + _or_inf(deadlines.first_token) if stream else self._total_at

    def progress(self) -> None:
        """Note that a token has come: from the next wait on, the idle deadline holds anew."""
        self._name = "idle"
        self._spoke = True

    def guarded(self) -> bool:
        """Say whether the next wait needs no watch, as the socket's own timeout is not later.

        That is so right after a token, and a cancel scope costs as much as reading the token.
        """
        if not self._spoke:
            return False
        now = time.monotonic() + self._shift
        self._spoke = False
        self._limit_at = now + _or_inf(self._deadlines.idle)
        return now + self._socket_timeout <= min(self._limit_at, self._total_at) < inf

    async def wait(self, coming: Awaitable[T]) -> T:
        """Wait for something from the provider.

        Raises:
            ProviderTimeout: the nearer of the running deadline and the total has passed.
        """
        if self.guarded():
            return await coming
        with anyio.CancelScope(deadline=min(self._limit_at, self._total_at)):
            return await coming
        # Only a scope that was cancelled by its deadline is left without an answer.
        raise self.expired()

    def expired(self) -> ProviderTimeout:
        """Name the nearer of the running deadline and the total."""
        name = "total" if self._total_at <= self._limit_at else self._name
        return timed_out(self._target, name, self._deadlines)


def socket_timeout(deadlines: Deadlines) -> float | None:
    """Give the seconds without any byte after which a stream is late for sure; None for never."""
    if deadlines.first_token is None or deadlines.idle is None:
        return None
    return max(deadlines.first_token, deadlines.idle)


def timed_out(target: Target, name: str, deadlines: Deadlines) -> ProviderTimeout:
    """Name the deadline that has passed."""
    seconds: float | None = getattr(deadlines, name)
    return ProviderTimeout(
        provider=target.provider.name,
        model=target.model.name,
        deadline=name,
        after_ms=round((seconds or 0.0) * 1000),
    )


def _or_inf(seconds: float | None) -> float:
    return inf if seconds is None else seconds
