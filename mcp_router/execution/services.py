"""What an executor works with: the network, the store's parts, the clock and chance."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from mcp_router.storage.breaker import Breaker
from mcp_router.storage.limiter import RateLimiter, RateLimits

if TYPE_CHECKING:
    from mcp_router.providers.caller import Client
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import Attempt, Decision, Request, RoutingState


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The outside world of an executor.

    Attributes:
        client: sends calls.
        store: keeps records; its ledger and rules guard the money.
        observe: gives what is true now: credentials and performance.
        environ: where the variables that hold keys are looked up.
        limits: requests and tokens per minute by model name.
        clock: wall time, for records; waiting goes by the event loop's own clock.
        rng: draws from 0 to 1.
        sleep: waits some seconds.
        lease: seconds that money stays reserved without a sign of life.
        on_ended: is told of every call of a model that ended.
    """

    client: Client
    store: SqliteStore
    observe: Callable[[], RoutingState]
    environ: Mapping[str, str]
    limits: Mapping[str, RateLimits] = field(default_factory=dict[str, RateLimits])
    clock: Callable[[], datetime] = utc_now
    rng: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    lease: float = 60.0
    on_ended: Callable[[Attempt, Request, Decision], None] | None = None
    breaker: Breaker = field(init=False)
    limiter: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "breaker", Breaker(self.store.database))
        object.__setattr__(self, "limiter", RateLimiter(self.store.database))
