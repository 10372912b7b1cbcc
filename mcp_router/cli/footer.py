"""The line under an answer: which model gave it, after how many attempts, at what cost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from mcp_router.catalog.pricing import cost_of
from mcp_router.cli.text import duration, usd
from mcp_router.errors import UnknownModelError
from mcp_router.money import to_usd

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.types import Completion, Decision


def footer(done: Completion, *, decision: Decision, catalog: Catalog, now: datetime) -> str:
    """Write the line: model, attempts, cost of all attempts, time, and what was saved."""
    if done.cached:
        return f"{done.model} ({done.provider}), a kept answer, $0, {duration(done.latency_ms)}."
    count = len(done.attempts)
    parts = [
        f"{done.model} ({done.provider})",
        f"{count} attempt{'s' if count > 1 else ''}",
        _cost(done),
        duration(done.latency_ms),
        _saved(done, decision=decision, catalog=catalog, now=now),
    ]
    return f"{', '.join(filter(None, parts))}."


def total_cost(done: Completion) -> Decimal | None:
    """Add up what all attempts cost; None where the answer's own price is unknown."""
    if done.cost_usd is None:
        return None
    return sum((tried.cost_usd or Decimal() for tried in done.attempts), Decimal())


def _cost(done: Completion) -> str:
    total = total_cost(done)
    if total is None or done.cost_usd is None:
        return "cost unknown"
    failed = total - done.cost_usd
    return usd(total) + (f" ({usd(failed)} of it for failed attempts)" if failed else "")


def _saved(done: Completion, *, decision: Decision, catalog: Catalog, now: datetime) -> str:
    """Compare with the same tokens at the prices of the decision's baseline model."""
    total = total_cost(done)
    if decision.baseline is None or total is None or decision.baseline.model == done.model:
        return ""
    try:
        baseline = catalog.resolve(decision.baseline.model)
    except UnknownModelError:
        return ""
    price = cost_of(baseline, done.usage, now=now)
    if price is None:
        return ""
    saved = to_usd(sum(price)) - total
    if saved < 0:
        return f"{usd(-saved)} more than {baseline.name}"
    return f"saved {usd(saved)} against {baseline.name}"
