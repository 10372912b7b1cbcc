"""What a budget looks like to people: its status, and the alerts delivered once each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import format_usd, to_usd
from mcp_router.types import BudgetStatus

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.storage.budgets import Budget, BudgetRule
    from mcp_router.storage.database import Connection

_WARN_DAY = 75.0
_WARN_OTHERWISE = 80.0
_SPENT_UP = 100.0
_DELIVERED = """
SELECT percent FROM budget_alerts WHERE name = ? AND period_start_ms = ? AND limit_nanos = ?
"""
_DELIVER = """
INSERT INTO budget_alerts (name, period_start_ms, limit_nanos, percent, delivered_ms)
VALUES (?, ?, ?, ?, ?)
"""


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


def undelivered(connection: Connection, rule: BudgetRule, *, budget: Budget) -> tuple[float, ...]:
    """Name the thresholds that are passed and were not delivered in this period."""
    reached = passed(rule, budget)
    if not reached:
        return ()
    key = (budget.name, budget.start, budget.limit)
    delivered = {row[0] for row in connection.execute(_DELIVERED, key)}
    return tuple(percent for percent in reached if percent not in delivered)


def claim(connection: Connection, rule: BudgetRule, *, budget: Budget, now: int) -> bool:
    """Mark all passed thresholds as delivered; False if there was none left to deliver."""
    new = undelivered(connection, rule, budget=budget)
    key = (budget.name, budget.start, budget.limit)
    connection.executemany(_DELIVER, [(*key, percent, now) for percent in new])
    return bool(new)


def _sentence(rule: BudgetRule, budget: Budget) -> str:
    limit = budget.limit or 0
    percent = 100 * budget.spent // limit
    amounts = f"${format_usd(budget.spent)} of ${format_usd(limit)}"
    return f"The {rule.name} budget is {percent} % spent ({amounts})."
