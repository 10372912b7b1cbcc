"""Requests and tokens per minute for each (provider, model), exact across processes.

A bucket stores what was used and has not yet drained, in 1/60,000 of a request or token: a
limit of n per minute then drains exactly n units per millisecond, and no rounding exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection, Database

MINUTE_MS = 60_000
_MOST = 1_000_000_000


class RateKey(NamedTuple):
    """What a limit counts for."""

    provider: str
    model: str


class RateLimits(NamedTuple):
    """Most requests and tokens per minute; None means no limit."""

    requests: int | None = None
    tokens: int | None = None


class Taken(NamedTuple):
    """Result of `take`: granted where `wait_ms` is 0, else when to ask again.

    The drain times (UTC ms) are when the bucket would be empty again; `give_back` needs them.
    """

    key: RateKey
    limits: RateLimits
    wait_ms: int
    requests_drain_at: int = 0
    tokens_drain_at: int = 0


# An amount above the whole limit passes an empty bucket and leaves it overdrawn, so that a
# single large request is slow but never impossible. A clock that steps back by more than a
# minute moves the bucket's time back with it; either way the step itself drains nothing.
_TAKE = """
INSERT INTO rate_buckets AS bucket (provider, model, requests, tokens, updated_ms)
VALUES (:provider, :model, :requests, :tokens, :now)
ON CONFLICT (provider, model) DO UPDATE SET
  requests = max(0, bucket.requests - max(0, :now - bucket.updated_ms) * :rpm) + :requests,
  tokens = max(0, bucket.tokens - max(0, :now - bucket.updated_ms) * :tpm) + :tokens,
  updated_ms = iif(:now < bucket.updated_ms - 60000, :now, max(bucket.updated_ms, :now))
WHERE max(0, bucket.requests - max(0, :now - bucket.updated_ms) * :rpm)
    <= max(0, :rpm * 60000 - :requests)
  AND max(0, bucket.tokens - max(0, :now - bucket.updated_ms) * :tpm)
    <= max(0, :tpm * 60000 - :tokens)
RETURNING requests, tokens, updated_ms
"""
_READ = "SELECT requests, tokens, updated_ms FROM rate_buckets WHERE provider = ? AND model = ?"
_STEP_BACK = """
UPDATE rate_buckets SET updated_ms = ? WHERE provider = ? AND model = ?
"""
_GIVE_BACK = """
UPDATE rate_buckets SET requests = max(0, requests - ?), tokens = max(0, tokens - ?)
WHERE provider = ? AND model = ?
"""


class RateLimiter:
    """Hands out requests and tokens; nothing here reads a clock, `now` is UTC milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, key: RateKey, *, limits: RateLimits, now: int, requests: int = 1, tokens: int = 0
    ) -> Taken:
        """Take both amounts or neither, in one statement; new limits hold at once.

        Raises:
            ValueError: a limit below 1, or a negative amount.
        """
        _check(limits, requests=requests, tokens=tokens)
        if limits == RateLimits():
            return Taken(key, limits, 0)
        asked = _Asked(now, requests * MINUTE_MS, tokens * MINUTE_MS, *_rates(limits))
        with self._database.transaction() as connection:
            # fetchall, not fetchone: only a statement that ran to its end is done.
            rows = connection.execute(_TAKE, key._asdict() | asked._asdict()).fetchall()
            if not rows:
                return Taken(key, limits, _refuse(connection, key, asked=asked))
        used_requests, used_tokens, updated = rows[0]
        drains = (updated + used_requests // asked.rpm, updated + used_tokens // asked.tpm)
        return Taken(key, limits, 0, *drains)

    def wait_ms(
        self, key: RateKey, *, limits: RateLimits, now: int, requests: int = 1, tokens: int = 0
    ) -> int:
        """Say how long `take` would have to wait, and take nothing; 0 means it may go now.

        Raises:
            ValueError: a limit below 1, or a negative amount.
        """
        _check(limits, requests=requests, tokens=tokens)
        asked = _Asked(now, requests * MINUTE_MS, tokens * MINUTE_MS, *_rates(limits))
        with self._database.reading() as connection:
            row = connection.execute(_READ, key).fetchone()
        return _wait(row, asked=asked) if row else 0

    def give_back(self, taken: Taken, *, now: int, tokens: int = 0, requests: int = 0) -> None:
        """Give unused amounts back, as far as they have not drained in the meantime.

        What has drained made room already; giving it back as well would make room twice.

        Raises:
            ValueError: a negative amount.
        """
        _check(taken.limits, requests=requests, tokens=tokens)
        if taken.wait_ms or taken.limits == RateLimits():
            return
        rpm, tpm = _rates(taken.limits)
        back = (
            min(requests * MINUTE_MS, max(0, taken.requests_drain_at - now) * rpm),
            min(tokens * MINUTE_MS, max(0, taken.tokens_drain_at - now) * tpm),
        )
        if any(back):
            with self._database.transaction() as connection:
                connection.execute(_GIVE_BACK, (*back, *taken.key))


class _Asked(NamedTuple):
    now: int
    requests: int
    tokens: int
    rpm: int
    tpm: int


def _rates(limits: RateLimits) -> tuple[int, int]:
    # A bound keeps the sums of units within 64 bits.
    return min(limits.requests or _MOST, _MOST), min(limits.tokens or _MOST, _MOST)


def _refuse(connection: Connection, key: RateKey, *, asked: _Asked) -> int:
    row = connection.execute(_READ, key).fetchone()
    if row[2] > asked.now + MINUTE_MS:
        connection.execute(_STEP_BACK, (asked.now, *key))
    return max(1, _wait(row, asked=asked))


def _wait(row: tuple[int, int, int], *, asked: _Asked) -> int:
    requests, tokens, updated = row
    # Until the clock reaches the bucket's time nothing drains, but see _STEP_BACK.
    ahead = updated - asked.now if updated <= asked.now + MINUTE_MS else 0
    excess = (
        -(-(requests - max(0, asked.rpm * MINUTE_MS - asked.requests)) // asked.rpm),
        -(-(tokens - max(0, asked.tpm * MINUTE_MS - asked.tokens)) // asked.tpm),
    )
    return max(0, max(excess) + ahead) if max(excess) > 0 else 0


def _check(limits: RateLimits, *, requests: int, tokens: int) -> None:
    if any(limit is not None and limit < 1 for limit in limits):
        raise ValueError(f"a rate limit is at least 1 per minute, not {limits}")
    if requests < 0 or tokens < 0:
        raise ValueError("an amount to take or give back may not be negative")
