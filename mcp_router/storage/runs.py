"""The latest runs as habits are read from them: what was asked, without its text, and its use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.storage.details import decision_fields
from mcp_router.storage.periods import to_ms
from mcp_router.storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcp_router.storage.database import Database


class RecentRun(NamedTuple):
    """One answer: tokens by bucket, nano-dollars, and the request without its messages.

    `inputs` holds all input tokens, those read from a cache among them.
    """

    model: str
    complexity: str
    prompt_hash: str
    cost: int
    inputs: int
    cache_read: int
    reasoning: int
    outputs: int
    messages: int
    request: Mapping[str, Any]


def recent_runs(database: Database, *, since: datetime, limit: int = 1000) -> tuple[RecentRun, ...]:
    """Return the latest runs that gave an answer, latest first.

    Raises:
        StorageError: they could not be read.
    """
    given = {"from_ms": to_ms(since), "limit": limit}
    with database.reading() as connection:
        rows = connection.execute(query("recent_runs"), given).fetchall()
    return tuple(_run(row, place=database.place) for row in rows)


def _run(row: tuple[Any, ...], *, place: str) -> RecentRun:
    *known, details = row
    decision = decision_fields(details, place=place)
    counts: list[int] = decision.get("counts") or [0, 0, 0]
    return RecentRun._make((*known, counts[-3], decision["request"]))
