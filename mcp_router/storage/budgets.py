"""The rows of `budget_tracking`: one per budget and period, kept equal to the ledger's sums."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection

BudgetPeriod = Literal["request", "day", "month", "total"]
_PERIODS = ("day", "month", "total")


class BudgetRule(NamedTuple):
    """A limit on what may be spent, on everything or on requests with one tag.

    Attributes:
        name: what people read, such as "day" or "project=site".
        period: how long the limit holds; "request" limits each reservation by itself.
        limit_nanos: nano-dollars; None sets no limit but still reports what is spent.
        tag: "key=value" of the requests that count, "" for all of them; or a pot of money that
            is apart from all others, a name without "=".
        warn_percent: share of the limit that raises an alert; None means 75 for a day, else 80.
    """

    name: str
    period: BudgetPeriod
    limit_nanos: int | None
    tag: str = ""
    warn_percent: float | None = None


class Span(NamedTuple):
    """A period from `start` up to, but not including, `end` (UTC ms; None for no end)."""

    start: int
    end: int | None


class Budget(NamedTuple):
    """One row: what is spent and reserved, in nano-dollars, and the limit last seen."""

    name: str
    start: int
    limit: int | None
    spent: int
    reserved: int


class Change(NamedTuple):
    """An amount to add to every budget that an entry counts for."""

    at: int
    tags: tuple[str, ...]
    reserved: int = 0
    spent: int = 0


# The + keeps SQLite from searching by start, which would read every past period of a budget. Names
# are listed one by one, as json_each takes half as long again.
_COVERING = """
SELECT name, period_start_ms, limit_nanos, spent_nanos, reserved_nanos FROM budget_tracking
WHERE name IN ({marks})
  AND ifnull(period_end_ms, 9223372036854775807) > ? AND +period_start_ms <= ?
"""
_CHANGE = """
UPDATE budget_tracking
SET reserved_nanos = reserved_nanos + ?, spent_nanos = spent_nanos + ?
WHERE name IN ({marks})
  AND ifnull(period_end_ms, 9223372036854775807) > ? AND +period_start_ms <= ?
"""
_LIMIT = "UPDATE budget_tracking SET limit_nanos = ? WHERE name = ? AND period_start_ms = ?"
# A budget without end also covers what is kept as a sum only (storage/past.py).
_SPENT = """
SELECT coalesce(sum(spent_nanos), 0)
  + ifnull((SELECT spent_nanos FROM ledger_past WHERE tag = '' AND :start = 0), 0)
FROM ledger_entries
WHERE state = 'settled' AND reserved_ms >= :start AND reserved_ms < :end
  AND (tags = '[]' OR instr(tags, '=') > 0)
"""
_SPENT_ON_TAG = """
SELECT coalesce(sum(spent_nanos), 0)
  + ifnull((SELECT spent_nanos FROM ledger_past WHERE tag = :tag AND :start = 0), 0)
FROM ledger_tags JOIN ledger_entries USING (entry_id)
WHERE tag = :tag AND reserved_ms >= :start AND reserved_ms < :end
"""
_RESERVED = """
SELECT coalesce(sum(reserved_nanos), 0) FROM ledger_entries
WHERE state = 'open' AND reserved_ms >= :start AND reserved_ms < :end
  AND (CASE WHEN :tag = '' THEN tags = '[]' OR instr(tags, '=') > 0
    ELSE :tag IN (SELECT value FROM json_each(ledger_entries.tags)) END)
"""
_INSERT = """
INSERT INTO budget_tracking
  (name, period, period_start_ms, period_end_ms, limit_nanos, spent_nanos, reserved_nanos)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name, period_start_ms) DO UPDATE SET
  period = excluded.period, period_end_ms = excluded.period_end_ms,
  limit_nanos = excluded.limit_nanos, spent_nanos = excluded.spent_nanos,
  reserved_nanos = excluded.reserved_nanos
"""
_FOREVER = 9_223_372_036_854_775_807


def as_json(tags: tuple[str, ...]) -> str:
    """Write the tags of an entry."""
    return json.dumps(tags) if tags else "[]"


def from_json(tags: str) -> tuple[str, ...]:
    """Read the tags of an entry."""
    return () if tags == "[]" else tuple(json.loads(tags))


def is_apart(tags: tuple[str, ...]) -> bool:
    """Say whether an entry is paid from a pot, whose name no tag can have: tags hold a "="."""
    return bool(tags) and "=" not in tags[0]


def label(rule: BudgetRule) -> str:
    """Name the row of a rule: "day", or "project=site day" for one on a tag."""
    return f"{rule.tag} {rule.period}" if rule.tag else rule.period


def covering(
    connection: Connection, *, tags: tuple[str, ...], at: int
) -> dict[tuple[str, int], Budget]:
    """Find every budget that a reservation made at `at` (UTC ms) with these tags counts for."""
    names = _labels(tags)
    rows = connection.execute(_marked(_COVERING, len(names)), (*names, at, at))
    return {(row[0], row[1]): Budget(*row) for row in rows}


def apply(connection: Connection, change: Change) -> None:
    """Add to what is reserved and spent in all budgets that cover the entry.

    Also in those whose rules this process does not know: another process may enforce them.
    """
    names = counting(change.tags)
    # RETURNING would save the look before it, and takes longer than that.
    connection.execute(
        _marked(_CHANGE, len(names)),
        (change.reserved, change.spent, *names, change.at, change.at),
    )


def begin(connection: Connection, rule: BudgetRule, *, span: Span) -> Budget:
    """Insert the row of a budget that is new in this period, with what the ledger holds for it."""
    end = _FOREVER if span.end is None else span.end
    scope = {"tag": rule.tag, "start": span.start, "end": end}
    spent = connection.execute(_SPENT_ON_TAG if rule.tag else _SPENT, scope).fetchone()[0]
    reserved = connection.execute(_RESERVED, scope).fetchone()[0]
    row = Budget(label(rule), span.start, rule.limit_nanos, spent, reserved)
    connection.execute(
        _INSERT, (row.name, rule.period, span.start, span.end, row.limit, spent, reserved)
    )
    return row


def note_limit(connection: Connection, budget: Budget, *, limit: int | None) -> Budget:
    """Store the limit a budget has now, for reports."""
    if budget.limit == limit:
        return budget
    connection.execute(_LIMIT, (limit, budget.name, budget.start))
    return budget._replace(limit=limit)


@lru_cache(maxsize=256)
def _labels(tags: tuple[str, ...]) -> tuple[str, ...]:
    return (*_PERIODS, *(f"{tag} {period}" for tag in tags for period in _PERIODS))


@lru_cache(maxsize=256)
def counting(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Name the budgets that an entry with these tags counts for."""
    names = _labels(tags)
    return names[len(_PERIODS) :] if is_apart(tags) else names


@lru_cache(maxsize=256)
def _marked(statement: str, count: int) -> str:
    return statement.format(marks=", ".join("?" * count))
