"""The first figures of the page, and its sections on spending and the budget."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from mcp_router.dashboard import charts, model_charts
from mcp_router.dashboard.blocks import FULL, Tile, card, chart, table, tile
from mcp_router.dashboard.html import Html, element
from mcp_router.reporting.text import counted, day, duration, percent, spoken, tokens, usd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from mcp_router.reporting.values import Forecast, Report
    from mcp_router.types import BudgetStatus, StatRow

_LIKELY = 0.5


def tiles(report: Report) -> Html:
    """Build the row of figures that answers most questions."""
    spent = report.totals.estimated_cost_usd if report.advice_only else report.totals.cost_usd
    done = (
        counted(report.totals.decisions, "decision")
        if report.advice_only
        else f"{counted(report.totals.calls, 'call')}, {_tokens(report.totals)} tokens"
    )
    all_tiles = [
        Tile("Expected cost" if report.advice_only else "Spent", usd(spent), done),
        *([] if report.advice_only else [_month(report)]),
        _saved(report),
        *([] if report.advice_only else _calls(report)),
    ]
    return element("dl", [tile(one) for one in all_tiles], class_="tiles")


def spending_section(report: Report) -> Html:
    """Build the chart of spending by day and model."""
    rows = [
        (day_name(row), f"{row.decisions:,}", f"{row.calls:,}", usd(_amount(report, row)))
        for row in report.days
        if row.decisions or row.calls
    ]
    lead = "Nothing was run through the router: these are the expected costs of its advice."
    return card(
        "Spending over time",
        _or_nothing(
            bool(report.day_models),
            lambda: chart(
                "Spending by day and model",
                lambda size: charts.spending(report, size=size),
                sizes=FULL,
            ),
        ),
        _key(charts.spending_key(report)),
        table(("Day", "Decisions", "Calls", "Cost"), rows, folded="Figures by day"),
        lead=lead if report.advice_only else "",
        wide=True,
    )


def budget_section(report: Report) -> Html:
    """Build the burn-down of the monthly budget with its forecast, and the table of budgets."""
    one = report.forecast
    title = "Budget left this month" if one.limit_usd is not None else "Spent this month"
    columns = ("Budget", "Limit", "Spent", "Reserved", "Left", "Used")
    return card(
        title,
        element("p", forecast_sentence(one)),
        chart(title, lambda size: charts.budget_left(one, size=size)),
        table(columns, [_budget(status) for status in report.budgets]),
        lead="The dashed line is the forecast, the band holds 8 months of 10.",
    )


def cost_section(title: str, rows: Sequence[StatRow], *, report: Report) -> Html:
    """Build bars of what each group cost, with a table of all of them."""
    bars = model_charts.cost_bars(rows, advice_only=report.advice_only)
    columns = (title.removeprefix("Cost by ").capitalize(), "Decisions", "Calls", "Tokens", "Cost")
    figures = [
        (
            spoken(row.group),
            f"{row.decisions:,}",
            f"{row.calls:,}",
            _tokens(row),
            usd(_amount(report, row)),
        )
        for row in rows
    ]
    return card(
        title,
        _or_nothing(
            bool(bars), lambda: chart(title, lambda size: model_charts.bars(bars, size=size))
        ),
        table(columns, figures, folded=f"All {len(rows)}" if len(rows) > 1 else "Figures"),
    )


def forecast_sentence(one: Forecast) -> str:
    """Say what the month is expected to cost, and what that means for the budget."""
    if one.reason:
        return f"{usd(one.spent_usd)} spent so far. No forecast: {one.reason}."
    basis = f"{one.history_days} days of history"
    pattern = " and its weekdays" if one.weekday_pattern else ""
    said = (
        f"{one.month:%B} is expected to end at {usd(one.expected_usd)} "
        f"({usd(one.low_usd)} to {usd(one.high_usd)}), from {basis}{pattern}."
    )
    if one.limit_usd is None or one.over_limit is None:
        return said
    if one.spent_usd >= one.limit_usd:
        return f"{said} The limit of {usd(one.limit_usd)} is reached."
    when = f", likely on {day(one.limit_reached_on)}" if one.limit_reached_on else ""
    chance = percent(one.over_limit, digits=0)
    return f"{said} The chance to pass the limit of {usd(one.limit_usd)} is {chance}{when}."


def day_name(row: StatRow) -> str:
    """Write the day of a row."""
    return day(date.fromisoformat(row.group))


def _month(report: Report) -> Tile:
    one = report.forecast
    if one.limit_usd is None:
        note = (
            "no forecast yet" if one.expected_usd is None else f"{usd(one.expected_usd)} expected"
        )
        return Tile("This month", usd(one.spent_usd), f"{note}, no limit set")
    used = float(one.spent_usd / one.limit_usd) if one.limit_usd else 1.0
    over = one.over_limit or 0.0
    tone = "bad" if used >= 1 else "warn" if over >= _LIKELY else ""
    expected = "" if one.expected_usd is None else f", {usd(one.expected_usd)} expected"
    note = f"of {usd(one.limit_usd)}{expected}"
    return Tile("This month", usd(one.spent_usd), note, tone, used)


def _saved(report: Report) -> Tile:
    if report.advice_only:
        saved = report.totals.baseline_usd - report.totals.estimated_cost_usd
        return Tile("Expected to save", usd(saved), "against the baseline of each decision")
    one = report.savings
    if one.reason:
        return Tile("Saved, net", "not known", one.reason)
    share = float(one.saved_usd / one.baseline_usd) if one.baseline_usd else 0.0
    note = f"{percent(share, digits=0)} less than always {one.baseline}"
    if one.saved_usd < 0:
        note = f"more than always {one.baseline}"
    return Tile("Saved, net", usd(one.saved_usd), note, "good" if one.saved_usd > 0 else "bad")


def _calls(report: Report) -> list[Tile]:
    row = report.totals
    shown = percent(row.ok / row.calls)
    unanswered = counted(row.calls - row.ok, "call")
    note = f"{unanswered} without an answer, {counted(row.fallbacks, 'fallback')}"
    return [
        Tile("Answered", shown, note),
        Tile(
            "Median answer",
            duration(row.latency_p50_ms),
            f"95 % within {duration(row.latency_p95_ms)}",
        ),
    ]


def _budget(one: BudgetStatus) -> tuple[str, ...]:
    return (
        one.name,
        "none" if one.limit_usd is None else usd(one.limit_usd),
        usd(one.spent_usd),
        usd(one.reserved_usd),
        "" if one.left_usd is None else usd(one.left_usd),
        "" if one.used_percent is None else f"{one.used_percent:.0f} %",
    )


def _key(names: Sequence[str]) -> Html:
    swatches = [
        element("li", element("span", class_=f"swatch c{place}", aria_hidden="true"), name)
        for place, name in enumerate(names, start=1)
    ]
    return element("ul", swatches, class_="key")


def _amount(report: Report, row: StatRow) -> Decimal:
    return row.estimated_cost_usd if report.advice_only else row.cost_usd


def _tokens(row: StatRow) -> str:
    return tokens(row.input_tokens + row.output_tokens)


def _or_nothing(there: bool, make: Callable[[], Html]) -> Html:
    return make() if there else element("p", "Nothing recorded yet.", class_="empty")
