"""Reads the history that the forecast of the running month is made from."""

from __future__ import annotations

from datetime import date
from itertools import dropwhile
from typing import TYPE_CHECKING

from mcp_router.money import to_nanos
from mcp_router.reporting.forecast import MOST_DAYS, Spending, forecast
from mcp_router.reporting.values import DaySpent
from mcp_router.reporting.windows import day_left, filled, span_range, window
from mcp_router.storage.store import Range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mcp_router.reporting.values import Forecast
    from mcp_router.reporting.windows import Window
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import BudgetStatus, StatRow


def read_forecast(store: SqliteStore, *, now: datetime) -> Forecast:
    """Forecast what the running month will have cost at its end.

    Raises:
        StorageError: the store could not be read.
    """
    span = window(now=now, days=MOST_DAYS + 1, zone=store.timezone)
    rows = filled(store.stats(by="day", period=span_range(span)), span=span)
    month = [
        DaySpent(day=date.fromisoformat(row.group), cost_usd=row.cost_usd)
        for row in rows[-span.last.day :]
    ]
    spending = Spending(
        today=span.last,
        past=_history(rows[:-1], store=store, span=span),
        month=sum(to_nanos(one.cost_usd) for one in month),
        day_left=day_left(now=now, zone=span.zone),
        limit=_limit(store.budget_status(now=now)),
    )
    return forecast(spending).model_copy(update={"spent_days": tuple(month)})


def _history(rows: Sequence[StatRow], *, store: SqliteStore, span: Window) -> tuple[int, ...]:
    earlier = store.totals(period=Range(None, span_range(span).since))
    if not (earlier.decisions or earlier.calls):
        # Days before the first record are not days on which nothing was spent.
        rows = list(dropwhile(lambda row: not (row.decisions or row.calls), rows))
    return tuple(to_nanos(row.cost_usd) for row in rows)


def _limit(budgets: Sequence[BudgetStatus]) -> int | None:
    limits = [one.limit_usd for one in budgets if one.name == "month"]
    return to_nanos(limits[0]) if limits and limits[0] is not None else None
