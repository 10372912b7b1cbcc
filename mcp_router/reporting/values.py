"""The values reports are made of: frozen, exact in money, the same in JSON and on every page."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import PlainSerializer

from mcp_router.money import Usd, to_usd
from mcp_router.types import BudgetStatus, Score, StatRow, Value


def plain_usd(amount: Decimal) -> str:
    """Write an amount as a plain decimal, without exponent or trailing zeros.

    >>> plain_usd(Decimal("-1.50")), plain_usd(Decimal("1E-9"))
    ('-1.5', '0.000000001')
    """
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


SignedUsd = Annotated[Decimal, PlainSerializer(plain_usd, return_type=str, when_used="json")]
"""An amount of US dollars that may be negative, such as savings."""

NOTHING = StatRow(
    group="", decisions=0, cost_usd=to_usd(0), estimated_cost_usd=to_usd(0), baseline_usd=to_usd(0)
)


class ForecastDay(Value):
    """What will have been spent in the month by the end of a day, with an 80 % range."""

    day: date
    expected_usd: Usd
    low_usd: Usd
    high_usd: Usd


class DaySpent(Value):
    """What was spent on a day."""

    day: date
    cost_usd: Usd


class Forecast(Value):
    """What the running month will have cost at its end.

    `reason` says why there is no forecast, else it is ""; the amounts are None then. The range
    holds in 8 months of 10. `over_limit` is the chance that the monthly limit is passed, and
    `limit_reached_on` the day on which it is expected to be; None means not this month.
    `spent_days` are the days up to today, `days` those from today on.
    """

    reason: str = ""
    month: date
    spent_usd: Usd
    limit_usd: Usd | None = None
    expected_usd: Usd | None = None
    low_usd: Usd | None = None
    high_usd: Usd | None = None
    over_limit: Score | None = None
    limit_reached_on: date | None = None
    history_days: int = 0
    weekday_pattern: bool = False
    spent_days: tuple[DaySpent, ...] = ()
    days: tuple[ForecastDay, ...] = ()


class SavedPart(Value):
    """Savings on tasks whose baseline cost is known in the same way; 90 % range or None."""

    tasks: int
    spent_usd: Usd
    baseline_usd: Usd
    saved_usd: SignedUsd
    low_usd: SignedUsd | None = None
    high_usd: SignedUsd | None = None


class Savings(Value):
    """What routing saved, net, against always using one named model.

    `spent_usd` holds everything: answers, failed attempts, judges and experiments; the last three
    are `overhead_usd`. `observed` are tasks of kinds on which the baseline was run itself,
    `estimated` those where its price was put on the tokens that were used. `return_on_overhead`
    is what was saved per dollar of overhead, None without overhead. With `reason` nothing is known.
    """

    reason: str = ""
    baseline: str = ""
    tasks: int = 0
    spent_usd: Usd = Decimal(0)
    baseline_usd: Usd = Decimal(0)
    saved_usd: SignedUsd = Decimal(0)
    overhead_usd: Usd = Decimal(0)
    return_on_overhead: float | None = None
    observed: SavedPart | None = None
    estimated: SavedPart | None = None


class Rate(Value):
    """A share of `of` trials, None of none, with its 90 % interval."""

    value: Score | None = None
    low: Score | None = None
    high: Score | None = None
    of: int = 0


class Downgrade(Value):
    """A cheaper model for one kind of task.

    `risk` is the chance that it succeeds clearly (2 points of 100) less often. `saving_usd` is
    per 30 days, less what its additional failures would cost at the present model.
    """

    task_type: str
    complexity: str
    model: str
    cheaper: str
    calls_per_month: int
    saving_usd: Usd
    risk: Score
    quality: Rate
    cheaper_quality: Rate


class ThinEvidence(Value):
    """A cheaper model that may do as well: `needed` more judgements would tell."""

    task_type: str
    complexity: str
    model: str
    cheaper: str
    possible_saving_usd: Usd
    judged: int
    cheaper_judged: int
    needed: int


class Downgrades(Value):
    """Where a cheaper model would do, and where too little is recorded to say."""

    suggestions: tuple[Downgrade, ...] = ()
    thin: tuple[ThinEvidence, ...] = ()


class ModelRecord(Value):
    """How one model did: reliability, judged quality, cost per answer, latency.

    What the caller gave up or asked wrongly is among its calls, and not in `success`.
    """

    model: str
    calls: int
    success: Rate
    fallbacks: int
    fallback_rate: float | None
    quality: Rate
    prior_quality: Score | None
    cost_per_call_usd: Usd | None
    cost_usd: Usd
    latency_p50_ms: int | None
    latency_p95_ms: int | None


class Failure(Value):
    """How often calls to a model gave no answer for one reason."""

    model: str
    failure: str
    times: int


class DayModel(Value):
    """What one model cost on one day."""

    day: date
    model: str
    cost_usd: Usd


class LogEntry(Value):
    """One decision and what came of it.

    `answered` is None where nothing was run, or all `attempts` were given up.
    """

    decision_id: str
    created_at: datetime
    model: str
    provider: str
    task_type: str
    complexity: str
    strategy: str
    project: str
    confidence: float
    estimated_usd: Usd | None
    cost_usd: Usd | None
    answered: bool | None
    answered_by: str | None
    attempts: int
    latency_ms: int | None
    reason: str
    reasons: tuple[str, ...]
    fallbacks: tuple[str, ...]


class Report(Value):
    """Everything the page shows: the days from `since` to `until`, and the running month.

    Amounts are what was spent, or with `advice_only` (nothing was run through the router) what
    the chosen models were expected to cost.
    """

    revision: str
    created_at: datetime
    timezone: str
    since: date
    until: date
    advice_only: bool
    totals: StatRow
    days: tuple[StatRow, ...]
    by_model: tuple[StatRow, ...]
    by_task: tuple[StatRow, ...]
    by_project: tuple[StatRow, ...]
    by_category: tuple[StatRow, ...]
    day_models: tuple[DayModel, ...]
    budgets: tuple[BudgetStatus, ...]
    forecast: Forecast
    savings: Savings
    downgrades: Downgrades
    records: tuple[ModelRecord, ...]
    failures: tuple[Failure, ...]
    decisions: tuple[LogEntry, ...]
