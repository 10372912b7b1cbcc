"""The page of costs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from mcp_router.cli.page import Bar, Column, Fields, Items, Line, Notes, Page, Table
from mcp_router.cli.text import rounded_tokens, share, spoken
from mcp_router.reporting.text import NAMELESS, counted, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.page import Block, Cell
    from mcp_router.reporting.costs import Costs
    from mcp_router.reporting.values import (
        DaySpent,
        Downgrade,
        Forecast,
        SavedPart,
        Savings,
        ThinEvidence,
    )
    from mcp_router.types import StatRow

_SPANS = {"day": "today", "week": "this week", "month": "this month", "all": "in all"}
_HEIGHTS = "▁▂▃▄▅▆▇█"
_MOST_LINES = 5


def cost_page(costs: Costs, *, plotted: bool) -> Page:
    """Build the page: what was spent by group, the month ahead, savings, cheaper models.

    With `plotted` the last 30 days are drawn as a line of signs.
    """
    when = _SPANS[costs.period]
    if not costs.total.calls:
        return Page(_advice_only(costs, when=when))
    total = f"Spent {usd(costs.total.cost_usd)} {when} on {counted(costs.total.calls, 'call')}."
    blocks: list[Block] = [
        Line(total, "title"),
        _table(costs.rows, by=costs.by, total=costs.total.cost_usd),
        Fields(tuple(_fields(costs, plotted=plotted))),
        Items("Cheaper models that would do:", tuple(map(_downgrade, _best(costs)))),
        Items("Too little evidence yet:", _thin(costs)),
    ]
    return Page(tuple(blocks))


def sparkline(values: Sequence[Decimal]) -> str:
    """Draw values as signs of eight heights; nothing is a blank.

    >>> sparkline([Decimal(0), Decimal(1), Decimal(8)])
    ' ▁█'
    """
    most = max(values, default=Decimal(0))
    top = len(_HEIGHTS) - 1
    return "".join(" " if not one else _HEIGHTS[round(top * one / most)] for one in values)


def forecast_line(one: Forecast) -> str:
    """Say what the month is expected to cost, in one line."""
    if one.reason:
        return f"none: {one.reason}"
    line = f"{usd(one.expected_usd)} ({usd(one.low_usd)} to {usd(one.high_usd)}, 8 months of 10)"
    if one.limit_usd is None or one.over_limit is None:
        return line
    when = f", likely on {one.limit_reached_on:%m-%d}" if one.limit_reached_on else ""
    return f"{line}; {one.over_limit:.0%} chance to pass the limit{when}"


def _advice_only(costs: Costs, *, when: str) -> tuple[Block, ...]:
    if not costs.total.decisions:
        hint = Notes("hint", ('Record a first decision: mcp-router route "…"',))
        return (Line(f"Nothing is recorded {when}."), hint)
    saved = costs.total.baseline_usd - costs.total.estimated_cost_usd
    expected = usd(costs.total.estimated_cost_usd)
    decided = counted(costs.total.decisions, "decision")
    return (
        Line(f"Nothing was spent {when}: no call was run through the router."),
        Line(f"Its {decided} would cost {expected}, {usd(saved)} less than the baseline."),
    )


def _table(rows: Sequence[StatRow], *, by: str, total: Decimal) -> Table:
    columns = (
        Column(by.capitalize(), flexible=True),
        *(Column(title, right=True) for title in ("Calls", "Tokens", "Spent", "")),
        Column("Share"),
    )
    return Table(columns, tuple(_row(row, by=by, total=total) for row in rows if row.calls))


def _row(row: StatRow, *, by: str, total: Decimal) -> tuple[Cell, ...]:
    name = spoken(row.group) if by == "task" else row.group
    return (
        name or NAMELESS,
        f"{row.calls:,}",
        rounded_tokens(row.input_tokens + row.output_tokens),
        usd(row.cost_usd),
        share(row.cost_usd, of=total),
        Bar(float(row.cost_usd / total) if total else 0.0),
    )


def _fields(costs: Costs, *, plotted: bool) -> list[tuple[str, str]]:
    one = costs.forecast
    limit = "no limit" if one.limit_usd is None else f"of {usd(one.limit_usd)}"
    fields = [("This month", f"{usd(one.spent_usd)} ({limit})"), ("At its end", forecast_line(one))]
    if plotted:
        fields.insert(0, ("30 days", _days(costs.recent)))
    return [*fields, *_saved(costs.savings)]


def _days(days: Sequence[DaySpent]) -> str:
    most = max((one.cost_usd for one in days), default=Decimal(0))
    return f"{sparkline([one.cost_usd for one in days])}  at most {usd(most)} a day"


def _saved(one: Savings) -> list[tuple[str, str]]:
    if one.reason:
        return [("Saved, net", f"not known: {one.reason}")]
    part = share(one.saved_usd, of=one.baseline_usd)
    amount = f"{usd(one.saved_usd)} ({part})" if part else usd(one.saved_usd)
    whole = f"{amount} against always {one.baseline}"
    overhead = f"{usd(one.overhead_usd)} for failed attempts and judges"
    if one.return_on_overhead is not None:
        overhead += f"; each dollar of it brought ${one.return_on_overhead:,.2f}"
    return [
        ("Saved, net", whole),
        *_part("  measured", one.observed, basis="where it ran too"),
        *_part("  estimated", one.estimated, basis="at its price, for the tokens used"),
        ("Overhead", overhead),
    ]


def _part(name: str, one: SavedPart | None, *, basis: str) -> list[tuple[str, str]]:
    if one is None:
        return []
    reach = "" if one.low_usd is None else f" ({usd(one.low_usd)} to {usd(one.high_usd)}, 90%)"
    return [(name, f"{usd(one.saved_usd)}{reach} on {counted(one.tasks, 'task')} {basis}")]


def _best(costs: Costs) -> tuple[Downgrade, ...]:
    return costs.downgrades.suggestions[:_MOST_LINES]


def _downgrade(one: Downgrade) -> str:
    kind = f"{spoken(one.task_type)} ({one.complexity})"
    return (
        f"{kind}: {one.cheaper} for {one.model} saves {usd(one.saving_usd)} a month; "
        f"risk of worse answers {one.risk:.0%}"
    )


def _thin(costs: Costs) -> tuple[str, ...]:
    return tuple(map(_wanted, costs.downgrades.thin[: 0 if _best(costs) else 2]))


def _wanted(one: ThinEvidence) -> str:
    kind = f"{spoken(one.task_type)} ({one.complexity})"
    return (
        f"{kind}: {one.cheaper} for {one.model} may save {usd(one.possible_saving_usd)} a month; "
        f"{one.needed} more judged answers would tell"
    )
