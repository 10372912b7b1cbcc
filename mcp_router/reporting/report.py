"""Puts the analyses together into one report."""

from __future__ import annotations

from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from mcp_router.errors import InvalidRequestError
from mcp_router.money import to_usd
from mcp_router.reporting.downgrades import downgrades
from mcp_router.reporting.evidence import baseline_model, read_evidence
from mcp_router.reporting.outlook import read_forecast
from mcp_router.reporting.records import model_records
from mcp_router.reporting.savings import savings
from mcp_router.reporting.values import DayModel, Failure, LogEntry, Report
from mcp_router.reporting.windows import (
    Window,
    bounds,
    dates,
    day_left,
    filled,
    span_range,
    window,
)
from mcp_router.storage.analysis import decision_log, revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.storage.analysis import LoggedDecision
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import StatRow

MOST_DAYS = 366
MOST_DECISIONS = 5_000


class Scope(NamedTuple):
    """How much a report covers.

    Attributes:
        days: so many days, today included, 1 to 366.
        decisions: at most so many of the latest decisions are listed, 0 to 5000.
        baseline: the model that savings are measured against; None is the one that the latest
            decision was compared with.
    """

    days: int = 30
    decisions: int = 200
    baseline: str | None = None


EVERYDAY = Scope()


def read_report(
    store: SqliteStore, *, catalog: Catalog, now: datetime, scope: Scope = EVERYDAY
) -> Report:
    """Read and analyse the last days, and the running month against its budget.

    Raises:
        InvalidRequestError: a number of days or decisions is out of range.
        UnknownModelError: the baseline is no model.
        StorageError: the store could not be read.
    """
    _check("days", scope.days, least=1, most=MOST_DAYS)
    _check("decisions", scope.decisions, least=0, most=MOST_DECISIONS)
    span = window(now=now, days=scope.days, zone=store.timezone)
    # One transaction, so that all parts tell of the same moment.
    with store.database.reading():
        log = decision_log(store.database, limit=scope.decisions)
        evidence = read_evidence(store, bounds=bounds(span))
        baseline = baseline_model(catalog, name=scope.baseline, log=log)
        by_model = store.stats(by="model", period=span_range(span))
        priors = {model.name: model.quality.value for model in catalog.models}
        return Report(
            revision=revision(store.database),
            created_at=now,
            timezone=str(span.zone),
            since=span.first,
            until=span.last,
            by_model=by_model,
            **_summaries(store, span=span),
            budgets=store.budget_status(now=now),
            forecast=read_forecast(store, now=now),
            savings=savings(evidence.groups, tasks=evidence.tasks, baseline=baseline, now=now),
            downgrades=downgrades(evidence.groups, days=_elapsed(span, now=now)),
            records=model_records(by_model, groups=evidence.groups, priors=priors),
            failures=tuple(Failure(**one._asdict()) for one in evidence.failures),
            decisions=tuple(map(_entry, log)),
        )


class _Summaries(TypedDict):
    totals: StatRow
    advice_only: bool
    days: tuple[StatRow, ...]
    by_task: tuple[StatRow, ...]
    by_project: tuple[StatRow, ...]
    by_category: tuple[StatRow, ...]
    day_models: tuple[DayModel, ...]


def _summaries(store: SqliteStore, *, span: Window) -> _Summaries:
    period = span_range(span)
    totals = store.totals(period=period)
    active = store.stats(by="day", period=period)
    advice_only = totals.calls == 0
    models = [_day_models(store, day=row.group, advice_only=advice_only) for row in active]
    return {
        "totals": totals,
        "advice_only": advice_only,
        "days": filled(active, span=span),
        "by_task": store.stats(by="task", period=period),
        "by_project": store.stats(by="project", period=period),
        "by_category": store.stats(by="category", period=period),
        "day_models": tuple(chain.from_iterable(models)),
    }


def _day_models(store: SqliteStore, *, day: str, advice_only: bool) -> Iterator[DayModel]:
    at = date.fromisoformat(day)
    for row in store.stats(by="model", period=span_range(Window(at, at, store.timezone))):
        cost = row.estimated_cost_usd if advice_only else row.cost_usd
        if cost:
            yield DayModel(day=at, model=row.group, cost_usd=cost)


def _elapsed(span: Window, *, now: datetime) -> float:
    return max(1.0, len(dates(span)) - day_left(now=now, zone=span.zone))


def _entry(one: LoggedDecision) -> LogEntry:
    known = one._asdict()
    estimated, cost = known.pop("estimated_nanos"), known.pop("cost_nanos")
    del known["baseline"], known["category"]
    return LogEntry(
        estimated_usd=None if estimated is None else to_usd(estimated),
        cost_usd=None if cost is None else to_usd(cost),
        **known,
    )


def _check(field: str, value: int, *, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidRequestError(field=field, problem=f"it must be from {least} to {most}")
