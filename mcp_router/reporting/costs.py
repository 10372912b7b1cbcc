"""What a period cost, by group, with the month ahead, what was saved, and what could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.reporting.downgrades import downgrades
from mcp_router.reporting.evidence import baseline_model, read_evidence
from mcp_router.reporting.outlook import read_forecast
from mcp_router.reporting.savings import savings
from mcp_router.reporting.values import DaySpent, Downgrades, Forecast, Savings
from mcp_router.reporting.windows import bounds, dates, filled, span_range, window
from mcp_router.storage.analysis import decision_log
from mcp_router.storage.periods import Bounds
from mcp_router.storage.reports import span_of
from mcp_router.types import StatRow, Value

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.store import By, Period

RECENT_DAYS = 30


class Question(NamedTuple):
    """What costs are asked for; the baseline is the latest decision's where none is named."""

    period: Period = "month"
    by: By = "model"
    baseline: str | None = None


class Costs(Value):
    """What a period cost.

    `recent` are the last 30 days and `downgrades` are found in them, whatever the period;
    `forecast` is of the running month.
    """

    period: str
    by: str
    total: StatRow
    rows: tuple[StatRow, ...]
    recent: tuple[DaySpent, ...]
    forecast: Forecast
    savings: Savings
    downgrades: Downgrades


MODELS_OF_MONTH = Question()


def read_costs(
    store: SqliteStore, *, catalog: Catalog, now: datetime, question: Question = MODELS_OF_MONTH
) -> Costs:
    """Read what a period cost, and analyse it.

    Raises:
        InvalidRequestError: no such period or group.
        UnknownModelError: the baseline is no model.
        StorageError: the store could not be read.
    """
    period = question.period
    recent = window(now=now, days=RECENT_DAYS, zone=store.timezone)
    # One transaction, so that all parts tell of the same moment.
    with store.database.reading():
        log = decision_log(store.database, limit=1)
        days = filled(store.stats(by="day", period=span_range(recent)), span=recent)
        evidence = read_evidence(store, bounds=_bounds(store, period=period, now=now))
        lately = read_evidence(store, bounds=bounds(recent))
        baseline = baseline_model(catalog, name=question.baseline, log=log)
        return Costs(
            period=period,
            by=question.by,
            total=store.totals(period=period, now=now),
            rows=store.stats(by=question.by, period=period, now=now),
            recent=tuple(
                DaySpent(day=day, cost_usd=row.cost_usd)
                for day, row in zip(dates(recent), days, strict=True)
            ),
            forecast=read_forecast(store, now=now),
            savings=savings(evidence.groups, tasks=evidence.tasks, baseline=baseline, now=now),
            downgrades=downgrades(lately.groups, days=RECENT_DAYS),
        )


def _bounds(store: SqliteStore, *, period: Period, now: datetime) -> Bounds:
    span = span_of(period, now=now, zone=store.timezone)
    return Bounds(span.start * 1000, span.end * 1000)
