"""Pages of reports: statistics and budgets."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from mcp_router.cli.page import Bar, Column, Line, Notes, Page, Table
from mcp_router.cli.text import rough_duration, rounded_tokens, share, spoken, usd
from mcp_router.reporting.text import NAMELESS, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_router.cli.page import Cell
    from mcp_router.types import BudgetStatus, StatRow

_SHARE = "Share"
_DECISIONS = ("Decisions", "Estimated", "Saved", _SHARE)
_CALLS = ("Calls", "OK", "Fallbacks", "Tokens", "Spent", "Median", "95%")
_SPANS = {"day": "today", "week": "this week", "month": "this month", "all": "in all"}


def stats_page(rows: Sequence[StatRow], *, period: str, by: str) -> Page:
    """Build the report: decisions by group with their share, and calls where there were any."""
    if not rows:
        hint = Notes("hint", ('Record a first decision: mcp-router route "…"',))
        return Page((Line(f"Nothing is recorded {_SPANS[period]}."), hint))
    total = _total(rows)
    # A recommendation makes no call, and a fallback's model was not the one decided on.
    decided = [row for row in rows if row.decisions]
    called = [row for row in rows if row.calls]
    blocks = (
        _table(_DECISIONS, decided, by=by, cells=partial(_of_decisions, total=total.decisions)),
        _table(_CALLS, called, by=by, cells=_of_calls),
    )
    saved = total.baseline_usd - total.estimated_cost_usd
    part = share(saved, of=total.baseline_usd)
    made = counted(total.decisions, "decision")
    line = f"{made} {_SPANS[period]}, expected to save {usd(saved)}"
    closing = Line(f"{line} ({part})." if part else f"{line}.")
    return Page((*blocks, closing, Line(_rates(total))))


_SET_LIMITS = "Set limits: mcp-router budget set --daily 5 --monthly 50 --per-request 0.5"


def budget_page(budgets: Sequence[BudgetStatus]) -> Page:
    """Build the table of budgets, and say how limits are set where there are none."""
    columns = (
        Column("Budget", flexible=True),
        *(Column(title, right=True) for title in ("Limit", "Spent", "Reserved", "Left")),
        Column("Used"),
        Column("", right=True),
        Column("Resets", flexible=True),
    )
    limited = any(one.limit_usd is not None for one in budgets)
    alerts = tuple(one.alert for one in budgets if one.alert)
    blocks = (
        Table(columns, tuple(map(_budget, budgets))),
        Line("" if limited else "No limit is set: nothing is held back."),
        Notes("warning", alerts),
        Notes("hint", () if limited else (_SET_LIMITS,)),
    )
    return Page(blocks)


def _table(
    titles: Sequence[str],
    rows: Sequence[StatRow],
    *,
    by: str,
    cells: Callable[[StatRow], tuple[Cell, ...]],
) -> Table:
    columns = (
        Column(by.capitalize(), flexible=True),
        *(Column(title, right=title != _SHARE) for title in titles),
    )
    return Table(columns, tuple((_group(row, by=by), *cells(row)) for row in rows))


def _of_decisions(row: StatRow, *, total: int) -> tuple[Cell, ...]:
    saved = row.baseline_usd - row.estimated_cost_usd
    bar = Bar(row.decisions / max(1, total))
    return f"{row.decisions:,}", usd(row.estimated_cost_usd), usd(saved), bar


def _of_calls(row: StatRow) -> tuple[str, ...]:
    return (
        f"{row.calls:,}",
        share(Decimal(row.ok), of=Decimal(row.calls)),
        f"{row.fallbacks:,}",
        rounded_tokens(row.input_tokens + row.output_tokens),
        usd(row.cost_usd),
        "" if row.latency_p50_ms is None else rough_duration(row.latency_p50_ms),
        "" if row.latency_p95_ms is None else rough_duration(row.latency_p95_ms),
    )


def _rates(total: StatRow) -> str:
    if not total.calls:
        return ""
    calls = Decimal(total.calls)
    failed = share(calls - total.ok, of=calls)
    fell_back = share(Decimal(total.fallbacks), of=calls)
    line = f"Of {total.calls:,} calls {failed} gave no answer"
    return f"{line} and {fell_back} fell back to another model."


def _group(row: StatRow, *, by: str) -> str:
    if not row.group:
        return NAMELESS
    return spoken(row.group) if by == "task" else row.group


def _total(rows: Sequence[StatRow]) -> StatRow:
    first, *others = rows
    for row in others:
        first = first.model_copy(
            update={
                "decisions": first.decisions + row.decisions,
                "calls": first.calls + row.calls,
                "ok": first.ok + row.ok,
                "fallbacks": first.fallbacks + row.fallbacks,
                "estimated_cost_usd": first.estimated_cost_usd + row.estimated_cost_usd,
                "baseline_usd": first.baseline_usd + row.baseline_usd,
            }
        )
    return first


def _budget(one: BudgetStatus) -> tuple[Cell, ...]:
    used = one.used_percent
    return (
        one.name,
        "none" if one.limit_usd is None else usd(one.limit_usd),
        usd(one.spent_usd),
        usd(one.reserved_usd),
        "" if one.left_usd is None else usd(one.left_usd),
        "" if used is None else Bar(used / 100),
        "" if used is None else f"{used:.0f}%",
        "" if one.resets_at is None else f"{one.resets_at:%m-%d %H:%M}",
    )
