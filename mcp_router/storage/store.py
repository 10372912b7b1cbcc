"""What the router asks of a store, so that another one can stand beside SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from mcp_router.routing.corrections import Correction
    from mcp_router.storage.breaker import BreakerKey
    from mcp_router.storage.circuit import Verdict
    from mcp_router.storage.lessons import Known
    from mcp_router.storage.trials import Trials
    from mcp_router.types import BudgetStatus, Decision, Grades, Outcome, Performance, StatRow

Period = Literal["day", "week", "month", "all"]
By = Literal["model", "provider", "task", "project", "category", "day"]


class Context(NamedTuple):
    """Where a decision was asked for; an empty project or session means none was named.

    `features` is the sketch of the request's words in bytes, b"" where none was drawn.
    """

    project: str = ""
    session: str = ""
    category: str = ""
    features: bytes = b""


class Fallback(NamedTuple):
    """One model given up for the next; `to_model` is "" when none was left."""

    decision_id: str
    created_at: datetime
    task_type: str
    from_model: str
    from_provider: str
    to_model: str
    to_provider: str
    failure: str
    reason: str = ""


class RateLimit(NamedTuple):
    """One call that had to wait: for the provider (its 429) or for a limit of our own."""

    created_at: datetime
    model: str
    provider: str
    source: Literal["provider", "local"]
    retry_after_ms: int | None = None
    decision_id: str = ""


class Range(NamedTuple):
    """A span of time for a report, widened to whole quarter hours; None leaves an end open."""

    since: datetime | None = None
    until: datetime | None = None


class Store(Protocol):
    """Keeps records and reports on them; every method may raise `StorageError`."""

    @property
    def learnt(self) -> Known:
        """What was learnt and has an effect now."""
        ...

    @property
    def trials(self) -> Trials:
        """The models that are tried, and the task types that were switched."""
        ...

    def record_decision(
        self, decision: Decision, *, prompt: str | None = None, context: Context = ...
    ) -> None:
        """Keep a decision; the same one again changes nothing."""
        ...

    def record_outcome(self, outcome: Outcome) -> None:
        """Keep what came of a decision."""
        ...

    def record_fallback(self, fallback: Fallback) -> None:
        """Keep that a model was given up for the next."""
        ...

    def record_rate_limit(self, event: RateLimit) -> None:
        """Keep that a call had to wait."""
        ...

    def decision(self, decision_id: str | None = None) -> Decision:
        """Return a decision as it was recorded, the latest without an id.

        Raises:
            UnknownDecisionError: it is not in the store.
        """
        ...

    def recent(self, *, limit: int = 20) -> tuple[Decision, ...]:
        """Return the latest decisions, latest first."""
        ...

    def performance(self, *, now: datetime) -> Mapping[str, Mapping[str, Performance]]:
        """Return what is known per model, then task type; "" is all task types."""
        ...

    def grades(self, *, now: datetime) -> Mapping[str, tuple[Grades, ...]]:
        """Return how good each model's answers were found, by kind of work and by who judged."""
        ...

    def corrections(self) -> tuple[Correction, ...]:
        """Return the latest corrections of task types, oldest first."""
        ...

    def keep_correction(self, correction: Correction, *, now: datetime) -> None:
        """Keep a correction; one of the same words takes the place of the former."""
        ...

    def drop_correction(self, *, words: frozenset[int] | None = None) -> Correction | None:
        """Undo the correction of these words, else the latest one; return it."""
        ...

    def budget_status(self, *, now: datetime) -> tuple[BudgetStatus, ...]:
        """Return each budget in its running period: limit, spent, reserved, left."""
        ...

    def blocked(self, *, now: datetime) -> Mapping[BreakerKey, Verdict]:
        """Return which breakers let no call pass now, and until when."""
        ...

    def stats(
        self,
        *,
        by: By = "model",
        period: Period | Range = "month",
        now: datetime | None = None,
        timezone: tzinfo | None = None,
    ) -> tuple[StatRow, ...]:
        """Summarise the running period, or a range, in groups."""
        ...

    def totals(
        self,
        *,
        period: Period | Range = "month",
        now: datetime | None = None,
        timezone: tzinfo | None = None,
    ) -> StatRow:
        """Summarise the running period, or a range, in one row."""
        ...

    def close(self) -> None:
        """Close the store; closing twice does nothing."""
        ...
