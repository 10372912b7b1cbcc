"""How each model did: how reliable, how good where it was judged, how dear and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.money import to_usd
from mcp_router.reporting.chances import Trials, rate
from mcp_router.reporting.values import ModelRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_router.storage.analysis import OutcomeGroup
    from mcp_router.types import StatRow


class _Sum(NamedTuple):
    """One model over all kinds of tasks; the cost is of its priced calls, in nano-dollars."""

    dropped: int = 0
    priced: int = 0
    cost: int = 0
    judged: int = 0
    successes: float = 0.0


def model_records(
    rows: Sequence[StatRow],
    *,
    groups: Iterable[OutcomeGroup],
    priors: Mapping[str, float],
) -> tuple[ModelRecord, ...]:
    """Describe the models that were called, dearest first.

    Args:
        rows: one summary for each model.
        groups: what came of the models by kind of task, over the same time.
        priors: the quality that the catalogue expects of each model, 0 to 1.
    """
    sums: dict[str, _Sum] = {}
    for group in groups:
        known = sums.get(group.model, _Sum())
        sums[group.model] = _Sum(
            known.dropped + group.dropped,
            known.priced + group.priced,
            known.cost + group.cost,
            known.judged + group.judged,
            known.successes + group.successes,
        )
    return tuple(
        _record(row, known=sums.get(row.group, _Sum()), prior=priors.get(row.group))
        for row in rows
        if row.calls
    )


def _record(row: StatRow, *, known: _Sum, prior: float | None) -> ModelRecord:
    return ModelRecord(
        model=row.group,
        calls=row.calls,
        success=rate(Trials(row.ok, row.calls - known.dropped)),
        fallbacks=row.fallbacks,
        fallback_rate=row.fallbacks / row.calls,
        quality=rate(Trials(known.successes, known.judged)),
        prior_quality=prior,
        cost_per_call_usd=to_usd(round(known.cost / known.priced)) if known.priced else None,
        cost_usd=row.cost_usd,
        latency_p50_ms=row.latency_p50_ms,
        latency_p95_ms=row.latency_p95_ms,
    )
