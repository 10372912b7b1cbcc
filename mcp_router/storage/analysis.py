"""What reports need beyond the summaries: outcomes by kind of task, failures, latest decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.storage.details import decision_fields
from mcp_router.storage.periods import from_ms
from mcp_router.storage.queries import query

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.storage.database import Database
    from mcp_router.storage.periods import Bounds


class OutcomeGroup(NamedTuple):
    """What came of one model on one kind of task; money in nano-dollars.

    Attributes:
        task_type: with `complexity`, the kind of task.
        complexity: how hard it was.
        model: the model that ran it.
        calls: attempts to run it.
        ok: attempts that gave an answer.
        dropped: attempts that gave none as the caller gave them up, or asked wrongly.
        priced: attempts whose cost is known.
        cost: what all attempts cost.
        cost_squares: the sum of the squares of those costs.
        failed_cost: what the attempts without an answer cost.
        judging_cost: what judging its answers, and experiments with it, cost.
        judged: judgements of its answers.
        successes: their sum, each from 0 to 1.
    """

    task_type: str
    complexity: str
    model: str
    calls: int
    ok: int
    dropped: int
    priced: int
    cost: int
    cost_squares: float
    failed_cost: int
    judging_cost: int
    judged: int
    successes: float


class Answered(NamedTuple):
    """How many tasks of one kind were run, and the summed tokens of `answers` of them."""

    task_type: str
    complexity: str
    tasks: int
    answers: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    output_tokens: int


class FailureCount(NamedTuple):
    """How often calls to a model gave no answer for one reason."""

    model: str
    failure: str
    times: int


class LoggedDecision(NamedTuple):
    """One decision and what came of it; None is unknown, or that nothing was run."""

    decision_id: str
    created_at: datetime
    model: str
    provider: str
    task_type: str
    complexity: str
    strategy: str
    confidence: float
    estimated_nanos: int | None
    project: str
    category: str
    attempts: int
    answered: bool | None
    cost_nanos: int | None
    answered_by: str | None
    latency_ms: int | None
    reason: str
    reasons: tuple[str, ...]
    fallbacks: tuple[str, ...]
    baseline: str | None


def outcome_groups(database: Database, *, bounds: Bounds) -> tuple[OutcomeGroup, ...]:
    """Sum up the outcomes of a span of time by task type, complexity and model.

    Raises:
        StorageError: they could not be read.
    """
    with database.reading() as connection:
        rows = connection.execute(query("outcome_groups"), _within(bounds)).fetchall()
    return tuple(OutcomeGroup(*row) for row in rows)


def answered(database: Database, *, bounds: Bounds) -> tuple[Answered, ...]:
    """Count the tasks that were run in a span of time, and the tokens of their answers.

    Raises:
        StorageError: they could not be read.
    """
    with database.reading() as connection:
        rows = connection.execute(query("answered"), _within(bounds)).fetchall()
    return tuple(Answered(*row) for row in rows)


def failures(database: Database, *, bounds: Bounds) -> tuple[FailureCount, ...]:
    """Count the calls without an answer by model and failure class, most frequent first.

    Raises:
        StorageError: they could not be read.
    """
    with database.reading() as connection:
        rows = connection.execute(query("failures"), _within(bounds)).fetchall()
    return tuple(FailureCount(*row) for row in rows)


def decision_log(database: Database, *, limit: int) -> tuple[LoggedDecision, ...]:
    """Return the latest decisions with what came of each, latest first.

    Raises:
        StorageError: they could not be read.
    """
    with database.reading() as connection:
        rows = connection.execute(query("decision_log"), {"limit": max(0, limit)}).fetchall()
    return tuple(_logged(row, place=database.place) for row in rows)


def revision(database: Database) -> str:
    """Name the present state of the records; another name means that reports may differ.

    Raises:
        StorageError: it could not be read.
    """
    with database.reading() as connection:
        return "-".join(map(str, connection.execute(query("revision")).fetchone()))


def _within(bounds: Bounds) -> dict[str, int]:
    return {"from_ms": bounds.start, "to_ms": bounds.end}


def _logged(row: tuple[Any, ...], *, place: str) -> LoggedDecision:
    decision_id, created_ms, *known, details = row
    decision = decision_fields(details, place=place)
    baseline: dict[str, str] = decision.get("baseline") or {}
    reasons = decision["reason"], tuple(decision["reasons"]), tuple(decision["fallbacks"])
    values = (decision_id, from_ms(created_ms), *known, *reasons, baseline.get("model"))
    logged = LoggedDecision._make(values)
    return logged._replace(answered=None if logged.answered is None else bool(logged.answered))
