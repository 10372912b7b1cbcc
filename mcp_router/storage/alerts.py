"""What a budget looks like to people: its status, and the alerts delivered once each.

Whoever is to deliver an alert claims it first, and says afterwards that it is delivered or gives it
back. A claim that nobody ends, as its process was killed, lapses: the next one to look gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.money import format_usd, to_usd
from mcp_router.types import BudgetStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mcp_router.storage.budgets import Budget, BudgetRule
    from mcp_router.storage.database import Connection, Database

_WARN_DAY = 75.0
_WARN_OTHERWISE = 80.0
_SPENT_UP = 100.0
CLAIM_MS = 60_000
"""How long a claim keeps others from an alert; far longer than a delivery may take."""

# A claim is a moment of delivery below 0: minus the moment it was made. One from a clock that is a
# little ahead holds as well.
_TAKEN = """
SELECT percent FROM budget_alerts WHERE name = ? AND period_start_ms = ? AND limit_nanos = ?
  AND (delivered_ms >= 0 OR abs(delivered_ms + ?) < ?)
"""
_CLAIM = """
INSERT INTO budget_alerts (name, period_start_ms, limit_nanos, percent, delivered_ms)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name, period_start_ms, percent, limit_nanos)
  DO UPDATE SET delivered_ms = excluded.delivered_ms
"""
_DELIVERED = """
UPDATE budget_alerts SET delivered_ms = -delivered_ms
WHERE name = ? AND period_start_ms = ? AND limit_nanos = ? AND percent = ? AND delivered_ms = ?
"""
_GIVE_BACK = """
DELETE FROM budget_alerts
WHERE name = ? AND period_start_ms = ? AND limit_nanos = ? AND percent = ? AND delivered_ms = ?
"""


class Claim(NamedTuple):
    """An alert that is mine to deliver: the budget as it stands, and the rows that say so."""

    status: BudgetStatus
    rows: tuple[tuple[object, ...], ...]


def describe(rule: BudgetRule, budget: Budget, *, resets_at: datetime | None) -> BudgetStatus:
    """Put a budget into dollars; `alert` is a sentence once a threshold is passed."""
    limit = budget.limit
    left = None if limit is None else to_usd(max(0, limit - budget.spent - budget.reserved))
    return BudgetStatus(
        name=rule.name,
        period=rule.period,
        limit_usd=None if limit is None else to_usd(limit),
        spent_usd=to_usd(budget.spent),
        reserved_usd=to_usd(budget.reserved),
        left_usd=left,
        used_percent=100 * budget.spent / limit if limit else None,
        resets_at=resets_at,
        alert=_sentence(rule, budget) if passed(rule, budget) else None,
    )


def passed(rule: BudgetRule, budget: Budget) -> tuple[float, ...]:
    """Name the thresholds, in percent, that spending has reached; reserved money does not count."""
    if not budget.limit:
        return ()
    warn = rule.warn_percent
    if warn is None:
        warn = _WARN_DAY if rule.period == "day" else _WARN_OTHERWISE
    thresholds = {warn, _SPENT_UP}
    return tuple(sorted(p for p in thresholds if 100 * budget.spent >= p * budget.limit))


def undelivered(
    connection: Connection, rule: BudgetRule, *, budget: Budget, at: int
) -> tuple[float, ...]:
    """Name the thresholds that are passed and that nobody delivered, or is delivering, by now."""
    reached = passed(rule, budget)
    if not reached:
        return ()
    key = (budget.name, budget.start, budget.limit)
    taken = {row[0] for row in connection.execute(_TAKEN, (*key, at, CLAIM_MS))}
    return tuple(percent for percent in reached if percent not in taken)


def claim(
    connection: Connection, rule: BudgetRule, *, budget: Budget, at: int
) -> tuple[tuple[object, ...], ...]:
    """Claim all thresholds that are left to deliver; return the rows of them, none if none is."""
    key = (budget.name, budget.start, budget.limit)
    new = undelivered(connection, rule, budget=budget, at=at)
    rows = tuple((*key, percent, -at) for percent in new)
    connection.executemany(_CLAIM, rows)
    return rows


def end_claims(
    database: Database, *, delivered: Iterable[Claim] = (), left: Iterable[Claim] = ()
) -> None:
    """Note alerts as delivered for good, and give back those that are left.

    Of a claim that lapsed, and that another process has by now, nothing is changed.

    Raises:
        StorageError: the database failed.
    """
    with database.transaction() as connection:
        connection.executemany(_DELIVERED, [row for one in delivered for row in one.rows])
        connection.executemany(_GIVE_BACK, [row for one in left for row in one.rows])


def _sentence(rule: BudgetRule, budget: Budget) -> str:
    limit = budget.limit or 0
    percent = 100 * budget.spent // limit
    amounts = f"${format_usd(budget.spent)} of ${format_usd(limit)}"
    return f"The {rule.name} budget is {percent} % spent ({amounts})."
