"""The rows an execution leaves behind: outcomes, fallbacks and waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.money import to_usd
from mcp_router.storage.store import Fallback, RateLimit
from mcp_router.types import Attempt, Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.execution.costs import Bill
    from mcp_router.execution.policy import Failure, Kind
    from mcp_router.execution.routes import Route
    from mcp_router.types import Decision, Request, Usage


class Timing(NamedTuple):
    """Milliseconds from the start of an attempt to its end and to its first token."""

    latency_ms: int
    first_token_ms: int | None = None


class GivenUp(NamedTuple):
    """A route that was left for the next one."""

    route: Route
    kind: Kind
    reason: str


def attempt(
    route: Route, *, kind: Kind, reason: str = "", timing: Timing, bill: Bill | None = None
) -> Attempt:
    """Describe a try, or a route that was passed over."""
    return Attempt(
        model=route.model.name,
        provider=route.provider,
        outcome=kind,
        reason=reason,
        latency_ms=timing.latency_ms,
        first_token_ms=timing.first_token_ms,
        usage=None if bill is None else bill.usage,
        cost_usd=None if bill is None or bill.nanos is None else to_usd(bill.nanos),
    )


def outcome(
    tried: Attempt, *, request: Request, decision: Decision, estimated: int | None, at: datetime
) -> Outcome:
    """Write an attempt as the outcome of its decision; `estimated` are its input tokens."""
    return Outcome(
        decision_id=decision.decision_id,
        created_at=at,
        model=tried.model,
        provider=tried.provider,
        task_type=decision.task_type,
        complexity=decision.complexity,
        ok=tried.outcome == "ok",
        failure="" if tried.outcome == "ok" else tried.outcome,
        latency_ms=tried.latency_ms,
        first_token_ms=tried.first_token_ms,
        estimated_tokens=estimated,
        usage=tried.usage,
        cost_usd=tried.cost_usd,
        # Named even where empty: None would make the store look them up in the decision.
        category=request.category or "",
        project=request.tags.get("project", ""),
        session=request.tags.get("session", ""),
    )


def fallback(left: GivenUp, *, to: Route | None, decision: Decision, at: datetime) -> Fallback:
    """Write that a route was left for another, or for none."""
    return Fallback(
        decision_id=decision.decision_id,
        created_at=at,
        task_type=decision.task_type,
        from_model=left.route.model.name,
        from_provider=left.route.provider,
        to_model="" if to is None else to.model.name,
        to_provider="" if to is None else to.provider,
        failure=left.kind,
        reason=left.reason,
    )


def provider_limit(
    route: Route, failure: Failure, *, decision: Decision, at: datetime
) -> RateLimit:
    """Write that a provider asked to slow down."""
    wait = failure.cooldown
    return RateLimit(
        created_at=at,
        model=route.model.name,
        provider=route.provider,
        source="provider",
        retry_after_ms=None if wait is None else round(wait * 1000),
        decision_id=decision.decision_id,
    )


def own_limit(route: Route, *, wait: float, decision: Decision, at: datetime) -> RateLimit:
    """Write that a call had to wait for a limit of our own."""
    return RateLimit(
        created_at=at,
        model=route.model.name,
        provider=route.provider,
        source="local",
        retry_after_ms=round(wait * 1000),
        decision_id=decision.decision_id,
    )


def tokens_of(usage: Usage) -> int:
    """Add up all buckets of a usage."""
    return (
        usage.input_tokens
        + usage.cache_read_tokens
        + usage.cache_write_tokens
        + usage.reasoning_tokens
        + usage.output_tokens
    )
