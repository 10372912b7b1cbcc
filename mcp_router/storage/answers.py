"""Answers kept for the same question: compressed, for a while, within a size, and counted."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from mcp_router.money import to_nanos, to_usd
from mcp_router.storage.near import similarity
from mcp_router.storage.periods import EPOCH, to_ms
from mcp_router.storage.rows import clean
from mcp_router.types import Completion

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from mcp_router.storage.database import Connection, Database
    from mcp_router.storage.near import Sketch

DEFAULT_BYTES = 64 * 1024 * 1024
# What a row takes besides its answer: key, names, numbers and its places in the indexes.
_ROW_BYTES = 200
_MOST_TTL_S = 10 * 365 * 86_400
_USE = """
UPDATE answer_cache SET hits = hits + 1, used = (SELECT max(used) + 1 FROM answer_cache)
WHERE key = :key AND expires_ms > :now AND created_ms <= :now RETURNING answer, created_ms
"""
_HIT = """
UPDATE answer_cache_state
SET hits = hits + 1, near_hits = near_hits + :near, misses = max(0, misses - :near),
  saved_nanos = saved_nanos + :saved
"""
_MISS = "UPDATE answer_cache_state SET misses = misses + 1"
_EXPIRE = "DELETE FROM answer_cache WHERE expires_ms <= :now OR created_ms > :now"
_KEEP = """
INSERT INTO answer_cache (key, model, provider, created_ms, expires_ms, used, size, answer)
VALUES (:key, :model, :provider, :now, :expires,
  (SELECT ifnull(max(used), 0) + 1 FROM answer_cache), :size, :answer)
"""
_NEAREST = """
SELECT key, sketch FROM answer_sketches JOIN answer_cache USING (key)
WHERE space = :space AND guard = :guard AND expires_ms > :now AND created_ms <= :now
ORDER BY used DESC LIMIT 200
"""


class KeptAnswer(NamedTuple):
    """An answer from the cache; `near` says that it answered a similar question, not this one."""

    completion: Completion
    kept_at: datetime
    near: bool = False


class CacheStatistics(NamedTuple):
    """What the cache holds, and what it did since it was last cleared as a whole.

    `saved_usd` is what the answers that were reused had cost. Near hits are among the hits.
    """

    entries: int
    bytes: int
    hits: int
    near_hits: int
    misses: int
    evicted: int
    expired: int
    saved_usd: Decimal


class AnswerCache:
    """Kept answers in the store's file, shared by its processes; safe to use from any thread.

    `ttl` is in seconds; `max_bytes` bounds what the rows take, and the answers not used for
    longest go first. With a `ttl` of 0 nothing is kept.
    """

    def __init__(self, database: Database, *, ttl: float, max_bytes: int = DEFAULT_BYTES) -> None:
        self._database = database
        self._ttl = timedelta(seconds=min(max(0.0, ttl), _MOST_TTL_S))
        self._max_bytes = max_bytes

    def get(
        self, key: bytes, *, now: datetime, fits: Callable[[Completion], bool] | None = None
    ) -> KeptAnswer | None:
        """Return the answer kept under a key of `answer_key` while it is fresh; counts hit or miss.

        An answer that does not fit is a miss, and stays.

        Raises:
            StorageError: the file cannot be used.
        """
        with self._database.transaction() as connection:
            found = _used(connection, key, fits, now=now, near=False)
            if found is None:
                connection.execute(_MISS)
            return found

    def get_near(
        self,
        sketch: Sketch,
        *,
        now: datetime,
        threshold: float = 0.8,
        fits: Callable[[Completion], bool] | None = None,
    ) -> KeptAnswer | None:
        """Return the answer to the likest question of the same space and guard.

        To be asked after `get` has missed; a hit takes the place of that miss.

        Raises:
            StorageError: the file cannot be used.
        """
        place = {"space": sketch.space, "guard": sketch.guard, "now": to_ms(now)}
        with self._database.transaction() as connection:
            rows = connection.execute(_NEAREST, place).fetchall()
            likest = [(similarity(sketch.vector, vector), key) for key, vector in rows]
            if not likest or max(likest)[0] < threshold:
                return None
            return _used(connection, max(likest)[1], fits, now=now, near=True)

    def put(
        self, key: bytes, completion: Completion, *, now: datetime, sketch: Sketch | None = None
    ) -> bool:
        """Keep an answer, in place of an older one; False where it is not fit to be kept.

        With a `sketch`, `get_near` finds it too.

        Raises:
            StorageError: the file cannot be used.
        """
        answer = _packed(completion)
        size = len(answer) + (len(sketch.vector) + _ROW_BYTES if sketch else _ROW_BYTES)
        if not is_keepable(completion) or not self._ttl or size > self._max_bytes:
            return False
        row = {
            "key": key,
            "model": clean(completion.model),
            "provider": clean(completion.provider),
            "now": to_ms(now),
            "expires": to_ms(now + self._ttl),
            "size": size,
            "answer": answer,
        }
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM answer_cache WHERE key = ?", (key,))
            _expire(connection, now=now)
            _evict(connection, room=self._max_bytes - size)
            connection.execute(_KEEP, row)
            if sketch:
                connection.execute(
                    "INSERT INTO answer_sketches VALUES (?, ?, ?, ?)", (key, *sketch)
                )
        return True

    def prune(self, *, now: datetime) -> int:
        """Delete what has expired; return how many answers that were.

        Raises:
            StorageError: the file cannot be used.
        """
        with self._database.transaction() as connection:
            return _expire(connection, now=now)

    def clear(self, *, model: str | None = None) -> int:
        """Delete the answers of one model, or all of them and the statistics; return how many.

        Raises:
            StorageError: the file cannot be used.
        """
        with self._database.transaction() as connection:
            if model is not None:
                return connection.execute(
                    "DELETE FROM answer_cache WHERE model = ?", (clean(model),)
                ).rowcount
            count = connection.execute("DELETE FROM answer_cache").rowcount
            connection.execute(
                "UPDATE answer_cache_state SET hits = 0, near_hits = 0, misses = 0, evicted = 0, "
                "expired = 0, saved_nanos = 0"
            )
            return count

    def statistics(self) -> CacheStatistics:
        """Return what the cache holds and what it did.

        Raises:
            StorageError: the file cannot be used.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT entries, bytes, hits, near_hits, misses, evicted, expired, saved_nanos "
                "FROM answer_cache_state"
            ).fetchone()
        return CacheStatistics._make((*row[:-1], to_usd(row[-1])))


def is_keepable(completion: Completion) -> bool:
    """Check that an answer is whole and says something: never a cut, filtered or empty one."""
    whole = completion.finish_reason in {"stop", "tool_calls"}
    return whole and bool(completion.content.strip() or completion.tool_calls)


def _used(
    connection: Connection,
    key: bytes,
    fits: Callable[[Completion], bool] | None,
    *,
    now: datetime,
    near: bool,
) -> KeptAnswer | None:
    row = connection.execute(_USE, {"key": key, "now": to_ms(now)}).fetchone()
    if row is None:
        return None
    try:
        completion = Completion.model_validate_json(zlib.decompress(row[0]))
    except (ValidationError, zlib.error):
        # Damaged, or written by another version: an answer less.
        connection.execute("DELETE FROM answer_cache WHERE key = ?", (key,))
        return None
    if fits is not None and not fits(completion):
        return None
    saved = to_nanos(completion.cost_usd) if completion.cost_usd is not None else 0
    connection.execute(_HIT, {"near": int(near), "saved": saved})
    return KeptAnswer(completion, EPOCH + timedelta(milliseconds=row[1]), near)


def _packed(completion: Completion) -> bytes:
    # The attempts belong to the decision that was executed, not to the answer.
    return zlib.compress(completion.model_copy(update={"attempts": ()}).model_dump_json().encode())


def _expire(connection: Connection, *, now: datetime) -> int:
    gone = connection.execute(_EXPIRE, {"now": to_ms(now)}).rowcount
    if gone:
        connection.execute("UPDATE answer_cache_state SET expired = expired + ?", (gone,))
    return gone


def _evict(connection: Connection, *, room: int) -> None:
    (held,) = connection.execute("SELECT bytes FROM answer_cache_state").fetchone()
    if held <= room:
        return
    gone: list[tuple[bytes]] = []
    for key, size in connection.execute("SELECT key, size FROM answer_cache ORDER BY used"):
        if held <= room:
            break
        held -= size
        gone.append((key,))
    connection.executemany("DELETE FROM answer_cache WHERE key = ?", gone)
    connection.execute("UPDATE answer_cache_state SET evicted = evicted + ?", (len(gone),))
