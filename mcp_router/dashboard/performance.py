"""The sections on models: latency, reliability, quality against cost, savings, advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.dashboard import model_charts
from mcp_router.dashboard.blocks import TALL, card, chart, table
from mcp_router.dashboard.html import Html, element
from mcp_router.reporting.text import UNKNOWN, counted, duration, interval, percent, spoken, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.reporting.values import ModelRecord, Report, SavedPart, Savings

_EVIDENCE = "An answer counts as good only where feedback, a judge or a check said so."


def latency_section(records: Sequence[ModelRecord]) -> Html:
    """Build the chart of latencies and its table."""
    rows = [
        (one.model, duration(one.latency_p50_ms), duration(one.latency_p95_ms)) for one in records
    ]
    models = model_charts.shown(records)
    return card(
        "Latency",
        chart("Latency by model", lambda size: model_charts.latencies(models, size=size)),
        table(("Model", "Median", "95th percentile"), rows, folded="Figures by model"),
        lead="From the median (dot) to the 95th percentile of good answers; log scale.",
    )


def reliability_section(report: Report) -> Html:
    """Build the chart of success rates, and tables of rates and failures."""
    rows = [
        (
            one.model,
            f"{one.calls:,}",
            interval(one.success) if one.success.of else UNKNOWN,
            f"{one.fallbacks:,} ({percent(one.fallback_rate)})",
        )
        for one in report.records
    ]
    failed = [(one.model, spoken(one.failure), f"{one.times:,}") for one in report.failures[:12]]
    models = model_charts.shown(report.records)
    return card(
        "Reliability",
        chart("Calls answered", lambda size: model_charts.reliability(models, size=size)),
        table(("Model", "Calls", "Answered", "Fallbacks"), rows, folded="Figures by model"),
        table(("Model", "Failure", "Times"), failed, folded="Why calls gave no answer", texts=2)
        if failed
        else None,
        lead="Share of calls that gave an answer, but for those that the caller gave up or asked "
        "wrongly; the bar is the 90 % interval.",
    )


def quality_section(records: Sequence[ModelRecord]) -> Html:
    """Build the chart that sets quality against cost, and its table."""
    rows = [
        (
            one.model,
            interval(one.quality),
            f"{one.quality.of:,}",
            "" if one.prior_quality is None else percent(one.prior_quality, digits=0),
            usd(one.cost_per_call_usd),
        )
        for one in records
    ]
    columns = ("Model", "Judged good", "Judgements", "Expected", "Cost a call")
    models = model_charts.shown(records)
    return card(
        "Quality against cost",
        chart(
            "Quality against cost",
            lambda size: model_charts.quality_and_cost(models, size=size),
            sizes=TALL,
        ),
        table(columns, rows, folded="Figures by model"),
        lead=f"{_EVIDENCE} Hollow points show what is expected: fewer than 10 judgements.",
    )


def savings_section(one: Savings) -> Html:
    """Build the account of what routing saved, net."""
    if one.reason:
        return card("Net savings", element("p", f"Not known: {one.reason}."))
    parts = [
        _part("where the baseline ran too", one.observed),
        _part("at its price, for the tokens used", one.estimated),
    ]
    whole = (
        "All",
        f"{one.tasks:,}",
        usd(one.spent_usd),
        usd(one.baseline_usd),
        usd(one.saved_usd),
        "",
    )
    back = (
        "Routing itself cost nothing."
        if one.return_on_overhead is None
        else f"Failed attempts and judges cost {usd(one.overhead_usd)}, and that is counted: "
        f"each dollar of it brought {usd_back(one.return_on_overhead)}."
    )
    return card(
        "Net savings",
        table(
            ("Tasks", "Count", "Spent", "Baseline", "Saved", "90 % range"),
            [*(part for part in parts if part), whole],
        ),
        element("p", back),
        lead=f"Against always using {one.baseline}, taken never to fail.",
        wide=True,
    )


def advice_section(report: Report) -> Html:
    """Build the list of cheaper models that would do, and of those that need more judgements."""
    found = report.downgrades
    rows = [
        (
            f"{spoken(one.task_type)}, {one.complexity}",
            element("span", one.model, " → ", element("b", one.cheaper)),
            f"{one.calls_per_month:,}",
            usd(one.saving_usd),
            percent(one.risk),
            interval(one.quality),
            interval(one.cheaper_quality),
        )
        for one in found.suggestions
    ]
    columns = ("Task", "Change", "Calls a month", "Saves a month", "Risk", "Quality now", "Then")
    thin = [
        (
            f"{spoken(one.task_type)}, {one.complexity}",
            element("span", one.model, " → ", one.cheaper),
            usd(one.possible_saving_usd),
            f"{one.judged} and {one.cheaper_judged}",
            counted(one.needed, "more"),
        )
        for one in found.thin
    ]
    thin_columns = ("Task", "Change", "May save a month", "Judged", "Needed")
    return card(
        "Cheaper models that would do",
        table(columns, rows, texts=2) if rows else element("p", _no_advice(report)),
        table(thin_columns, thin, folded="Too little evidence to say", texts=2) if thin else None,
        lead="Risk is the chance that it succeeds clearly (2 points of 100) less often on the same "
        "kind of task; its failures are counted as done again at the present model.",
        wide=True,
    )


def usd_back(ratio: float) -> str:
    """Write what a dollar brought."""
    return f"-${-ratio:,.2f}" if ratio < 0 else f"${ratio:,.2f}"


def _no_advice(report: Report) -> str:
    if report.downgrades.thin:
        return "None yet: too few answers were judged to tell."
    return "None: no cheaper model that ran the same kind of task does as well."


def _part(name: str, one: SavedPart | None) -> tuple[str, ...]:
    if one is None:
        return ()
    ranged = one.low_usd is not None and one.high_usd is not None
    reach = f"{usd(one.low_usd)} to {usd(one.high_usd)}" if ranged else "an estimate"
    figures = (one.spent_usd, one.baseline_usd, one.saved_usd)
    return (name, f"{one.tasks:,}", *map(usd, figures), reach)
