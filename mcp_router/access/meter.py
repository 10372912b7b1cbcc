"""Requests and tokens per minute of each grant, counted in the store for all servers together."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import LostDatabaseError, RouterError
from mcp_router.execution.off_loop import off_loop
from mcp_router.storage.limiter import RateKey, RateLimiter, RateLimits, Taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.access.grant import Grant
    from mcp_router.storage.database import Database
    from mcp_router.types import Request, Usage

# No provider is called so, whose models' limits are kept beside these.
_OWNER = "@token"
_CHARACTERS_PER_TOKEN = 4
UNSAID_ANSWER = 1_024
"""Tokens that an answer counts for, until it is there, where a request sets no limit."""


class TooManyRequestsError(RouterError):
    """A token's own limit per minute is used up; `retry_after` is in seconds."""

    def __init__(self, name: str, *, unit: str, limit: int, wait_ms: int) -> None:
        self.retry_after = -(-wait_ms // 1000)
        super().__init__(
            f"The token {name!r} may use {limit:,} {unit} per minute.",
            hint=f"Try again in {self.retry_after} s.",
        )


class Charge(NamedTuple):
    """Tokens that were taken for one call, until the meter settles it; `prompt` are among them."""

    taken: Taken
    amount: int
    prompt: int


class Meter:
    """Takes what a call needs before it begins and gives back what it did not use."""

    def __init__(self, database: Database, *, now: Callable[[], int]) -> None:
        """Prepare; `now` tells the time in UTC milliseconds."""
        self._database = database
        self._limiter = RateLimiter(database)
        self._now = now

    async def request(self, grant: Grant) -> None:
        """Count one request.

        Raises:
            TooManyRequestsError: the limit is reached.
            StorageError: the database failed.
        """
        limit = grant.requests_per_minute
        if limit is None:
            return
        limits, key = RateLimits(requests=limit), RateKey(_OWNER, f"{grant.name} requests")
        now = self._now()
        taken = await self._taken(lambda: self._limiter.take(key, limits=limits, now=now))
        if taken is not None and taken.wait_ms:
            raise TooManyRequestsError(
                grant.name, unit="requests", limit=limit, wait_ms=taken.wait_ms
            )

    async def tokens(self, grant: Grant, request: Request) -> Charge | None:
        """Take what a request is expected to use; None where there is no limit.

        Raises:
            TooManyRequestsError: the limit is reached.
            StorageError: the database failed.
        """
        limit = grant.tokens_per_minute
        if limit is None:
            return None
        limits, key = RateLimits(tokens=limit), RateKey(_OWNER, f"{grant.name} tokens")
        amount = expected_tokens(request)
        now = self._now()
        take = partial(self._limiter.take, key, limits=limits, now=now, requests=0, tokens=amount)
        taken = await self._taken(take)
        if taken is None:
            return None
        if taken.wait_ms:
            raise TooManyRequestsError(
                grant.name, unit="tokens", limit=limit, wait_ms=taken.wait_ms
            )
        return Charge(taken, amount, amount - _answer_tokens(request))

    async def settle(self, charge: Charge, usage: Usage | None) -> None:
        """Give back what was not used; what was used beyond it counts, too, as far as it fits.

        Without a usage, of a call that failed or was given up, only its prompt counts. Where the
        database is away nothing is done: what was taken drains by itself, and the answer goes out.

        Raises:
            StorageError: the database failed.
        """
        used = charge.prompt if usage is None else _total(usage)
        taken, more, now = charge.taken, used - charge.amount, self._now()
        with suppress(LostDatabaseError):
            if more < 0:
                give = partial(self._limiter.give_back, taken, now=now, tokens=-more)
                await off_loop(self._database, give)
            elif more > 0:
                limits = taken.limits
                take = partial(
                    self._limiter.take, taken.key, limits=limits, now=now, requests=0, tokens=more
                )
                await off_loop(self._database, take)

    async def _taken(self, take: Callable[[], Taken]) -> Taken | None:
        """Take from a bucket; None where the database is away and calls go on without it."""
        try:
            return await off_loop(self._database, take)
        except LostDatabaseError:
            if self._database.on_lost != "open":
                raise
            return None


def expected_tokens(request: Request) -> int:
    """Estimate the tokens of a request and its answer, from its length alone."""
    characters = len(request.model_dump_json(include={"messages", "tools"}))
    return characters // _CHARACTERS_PER_TOKEN + _answer_tokens(request)


def _answer_tokens(request: Request) -> int:
    return request.max_tokens or UNSAID_ANSWER


def _total(usage: Usage) -> int:
    return sum(
        (
            usage.input_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
            usage.output_tokens,
        )
    )
