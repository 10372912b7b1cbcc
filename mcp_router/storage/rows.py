"""Values as rows of the records tables, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import to_nanos
from mcp_router.storage.performance import weight
from mcp_router.storage.periods import to_ms

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.storage.store import Context, Fallback, RateLimit
    from mcp_router.types import Decision, Outcome, Usage

Row = tuple[object, ...]

# Bounds that keep thousands of absurd rows from overflowing a 64-bit sum, which SQLite refuses.
_MOST_NANOS = 10**15
_MOST_UNITS = 10**12

_NO_USAGE = (None,) * 5


def decision_row(
    decision: Decision, *, details: bytes, prompt: str | None, context: Context
) -> Row:
    """Lay a decision out for record_decision.sql; `details` is the whole of it as JSON."""
    estimated, baseline = decision.estimated, decision.baseline
    return (
        clean(decision.decision_id),
        _time(decision.created_at),
        clean(decision.model),
        clean(decision.provider),
        clean(decision.task_type),
        decision.complexity.value,
        decision.pattern.value,
        decision.strategy.value,
        decision.confidence,
        _nanos(estimated.cost_usd),
        _nanos(baseline.cost_usd if baseline else None),
        _units(estimated.input_tokens),
        _units(estimated.output_tokens),
        _units(estimated.latency_ms),
        clean(decision.prompt_hash),
        details,
        clean(context.project),
        clean(context.session),
        clean(context.category or decision.request.category or ""),
        None if prompt is None else clean(prompt),
        context.features or None,
    )


def outcome_row(outcome: Outcome) -> Row:
    """Lay an outcome out for record_outcome.sql."""
    return (
        clean(outcome.decision_id),
        _time(outcome.created_at),
        clean(outcome.model),
        clean(outcome.provider),
        clean(outcome.task_type),
        outcome.complexity.value,
        clean(outcome.source),
        int(outcome.ok),
        clean(outcome.failure),
        outcome.score,
        clean(outcome.note),
        _units(outcome.latency_ms),
        _units(outcome.first_token_ms),
        _units(outcome.estimated_tokens),
        *(_usage(outcome.usage) if outcome.usage else _NO_USAGE),
        _nanos(outcome.cost_usd),
        weight(outcome.created_at),
        *(None if name is None else clean(name) for name in _context(outcome)),
    )


def fallback_row(fallback: Fallback) -> Row:
    """Lay a fallback out for record_fallback.sql."""
    decision_id, created_at, *names = fallback
    return (clean(decision_id), _time(created_at), *(clean(str(name)) for name in names))


def rate_limit_row(event: RateLimit) -> Row:
    """Lay a wait out for record_rate_limit.sql."""
    return (
        clean(event.decision_id),
        _time(event.created_at),
        clean(event.model),
        clean(event.provider),
        event.source,
        _units(event.retry_after_ms),
    )


def clean(text: str) -> str:
    """Replace what UTF-8 cannot carry: half of a surrogate pair, which JSON can."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _usage(usage: Usage) -> Row:
    return (
        _units(usage.input_tokens),
        _units(usage.cache_read_tokens),
        _units(usage.cache_write_tokens),
        _units(usage.reasoning_tokens),
        _units(usage.output_tokens),
    )


def _context(outcome: Outcome) -> tuple[str | None, ...]:
    return outcome.project, outcome.session, outcome.category


def _time(moment: datetime) -> int:
    # Blocks are found by integer division, which rounds towards 0: nothing lies before 1970.
    return max(0, to_ms(moment))


def _nanos(usd: Decimal | None) -> int | None:
    return None if usd is None else min(to_nanos(usd), _MOST_NANOS)


def _units(count: int | None) -> int | None:
    return None if count is None else max(0, min(count, _MOST_UNITS))
