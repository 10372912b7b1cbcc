"""The short answers of the tools: what a model needs to go on, no nulls, costs as decimals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, WithJsonSchema

from mcp_router.server.plain import labelled, plain
from mcp_router.types import BudgetStatus, Classification, Decision, StatRow

TOP_CANDIDATES = 3
TOP_COUNTERFACTUALS = 2
TOP_TYPES = 3
MAX_ROWS = 20

Json = dict[str, Any]
Rows = Annotated[list[Json], WithJsonSchema({"type": "array"})]


# The models below are the published output schemas: what a program may count on. The answers hold
# more, but every key listed here is paid for in every session that loads the tools.
class RouteAnswer(BaseModel):
    """What `route` answers at least."""

    decision_id: str
    model: str
    estimated: Json


class ClassifyAnswer(BaseModel):
    """What `classify` answers at least."""

    task_type: str
    complexity: str
    confidence: float


class BudgetAnswer(BaseModel):
    """What `budget` answers: one object for each budget."""

    budgets: Rows


class StatsAnswer(BaseModel):
    """What `stats` answers at least: one object for each group."""

    rows: Rows


_SHORT_DECISION: Json = {
    **dict.fromkeys(("decision_id", "model", "provider", "task_type", "complexity"), True),
    **dict.fromkeys(("strategy", "confidence", "reason", "fallbacks", "needs_key"), True),
    "estimated": {"cost_usd", "input_tokens", "output_tokens", "latency_ms"},
}
_SHORT_CANDIDATE = {"model", "score", "estimated_cost_usd"}


def route_answer(decision: Decision) -> CallToolResult:
    """Build the answer of `route`: the decision in short form and as a few lines of text."""
    body = decision.model_dump(mode="json", include=_SHORT_DECISION, exclude_none=True)
    body["confidence"] = round(decision.confidence, 3)
    body["candidates"] = [
        candidate.model_dump(mode="json", include=_SHORT_CANDIDATE, exclude_none=True)
        | {"score": round(candidate.score, 3)}
        for candidate in decision.candidates[:TOP_CANDIDATES]
    ]
    filters = Counter(rejection.filter for rejection in decision.rejected)
    body["rejected"] = {"total": len(decision.rejected), "filters": dict(filters)}
    body |= _unless_empty("counterfactuals", decision.counterfactuals[:TOP_COUNTERFACTUALS])
    body |= _unless_empty("warnings", decision.warnings)
    return _answer(_route_text(decision, cost=body["estimated"].get("cost_usd")), body=body)


def classify_answer(found: Classification) -> CallToolResult:
    """Build the answer of `classify`, with the likeliest task types."""
    body = found.model_dump(mode="json", exclude={"cues", "probabilities"})
    body["confidence"] = round(found.confidence, 3)
    likely = {name: round(p, 3) for name, p in found.probabilities[:TOP_TYPES]}
    body |= {"probabilities": likely} if likely else {}
    text = (
        f"{found.task_type}, {found.complexity}, {found.pattern} "
        f"(confidence {found.confidence:.0%}); about {found.input_tokens} tokens in, "
        f"{found.output_tokens} out."
    )
    return _answer(text, body=body)


def budget_answer(budgets: Sequence[BudgetStatus]) -> CallToolResult:
    """Build the answer of `budget`, one line for each budget."""
    rows = budget_rows(budgets)
    text = "\n".join(_budget_line(row) for row in rows)
    return _answer(text or "No budget is set.", body={"budgets": rows})


def budget_rows(budgets: Sequence[BudgetStatus]) -> list[Json]:
    """Build the JSON of each budget, without what is not set."""
    return [labelled(status.model_dump(mode="json", exclude_none=True)) for status in budgets]


def stats_answer(rows: Sequence[StatRow], *, period: str, by: str) -> CallToolResult:
    """Build the answer of `stats`, at most MAX_ROWS rows of it."""
    from mcp_router.reporting.text import NAMELESS

    sent = [labelled(row.model_dump(mode="json", exclude_none=True)) for row in rows[:MAX_ROWS]]
    body: Json = {"period": period, "by": by, "rows": sent}
    left_out = len(rows) - len(sent)
    lines = [
        f"{row['group'] or NAMELESS}: decisions {row['decisions']}, "
        f"calls {row['calls']} ({row['ok']} answered), ${row['cost_usd']}"
        for row in sent
    ]
    if left_out:
        body["left_out"] = left_out
        lines.append(f"… and {left_out} more.")
    return _answer("\n".join(lines) or "Nothing is recorded for this period.", body=body)


def _route_text(decision: Decision, *, cost: str | None) -> str:
    estimated = decision.estimated
    size = f"{estimated.input_tokens} tokens in, {estimated.output_tokens} out"
    price = f"${cost}" if cost else "cost unknown"
    lines = [
        f"{decision.model} ({decision.provider}): {decision.reason}",
        f"Estimated {price}, {estimated.latency_ms / 1000:.1f} s, {size}.",
    ]
    if decision.fallbacks:
        lines.append(f"If it fails: {', '.join(decision.fallbacks)}.")
    if decision.needs_key:
        lines.append(f"To run it here, set {decision.needs_key}.")
    return "\n".join([*lines, *decision.warnings])


def _budget_line(row: Json) -> str:
    spent = f"{row['name']}: ${row['spent_usd']} spent"
    if "limit_usd" not in row:
        return f"{spent}, no limit."
    return f"{spent} of ${row['limit_usd']}, ${row.get('left_usd', '0')} left."


def _unless_empty(key: str, values: Sequence[str]) -> dict[str, list[str]]:
    return {key: list(values)} if values else {}


def _answer(text: str, *, body: Json) -> CallToolResult:
    shown = TextContent(type="text", text=plain(text))
    return CallToolResult(content=[shown], structured_content=labelled(body))
