"""The section that lists decisions with their reasons, to be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mcp_router.dashboard.blocks import card
from mcp_router.dashboard.html import Html, element
from mcp_router.reporting.text import counted, duration, spoken, usd

if TYPE_CHECKING:
    from mcp_router.reporting.values import LogEntry, Report

_COLUMNS = ("When", "Task", "Model", "Cost", "Outcome", "Why")


def decisions_section(report: Report) -> Html:
    """Build the table of the latest decisions; without scripts it is whole, but has no search."""
    zone = ZoneInfo(report.timezone)
    count = counted(len(report.decisions), "decision")
    search = element(
        "label",
        "Search ",
        element(
            "input", type="search", id="search", placeholder="model, task, reason, project, id"
        ),
        element("span", count, id="found", role="status"),
        class_="search needs-script",
    )
    table = element(
        "table",
        element("thead", element("tr", [element("th", one, scope="col") for one in _COLUMNS])),
        element("tbody", [_row(one, zone=zone) for one in report.decisions]),
        id="decisions",
    )
    body = (
        table if report.decisions else element("p", "No decision is recorded yet.", class_="empty")
    )
    return card("Latest decisions", search if report.decisions else None, body, wide=True)


def _row(one: LogEntry, *, zone: ZoneInfo) -> Html:
    at = one.created_at.astimezone(zone)
    task = f"{spoken(one.task_type)}, {one.complexity}"
    where = f" · {one.project}" if one.project else ""
    return element(
        "tr",
        element("td", element("time", f"{at:%d %b %H:%M}", datetime=at.isoformat()), class_="when"),
        element("td", task, element("small", where) if where else None),
        element("td", *_models(one)),
        element("td", *_cost(one), class_="num"),
        element("td", *_outcome(one)),
        element("td", _why(one), class_="why"),
    )


def _models(one: LogEntry) -> tuple[Html, ...]:
    if one.answered_by in (None, one.model):
        return (element("b", one.model), element("small", f" {one.provider}"))
    return element("b", one.answered_by or ""), element("small", " for ", element("s", one.model))


def _cost(one: LogEntry) -> tuple[Html | str, ...]:
    if one.cost_usd is not None:
        return (usd(one.cost_usd),)
    return usd(one.estimated_usd), element("small", " expected")


def _outcome(one: LogEntry) -> tuple[Html, ...]:
    if one.answered is None:
        word = "given up" if one.attempts else "advice"
        return (element("span", word, class_="tag"), _tries(one))
    if not one.answered:
        return (element("span", "failed", class_="tag bad"), _tries(one))
    word, tone = ("answered", "good") if one.attempts == 1 else ("fallback", "warn")
    took = element("small", f" {duration(one.latency_ms)}")
    return (element("span", word, class_=f"tag {tone}"), took, _tries(one))


def _tries(one: LogEntry) -> Html:
    return element("small", f" {one.attempts} attempts" if one.attempts > 1 else "")


def _why(one: LogEntry) -> Html:
    more = [*one.reasons, f"Strategy {spoken(one.strategy)}, confidence {one.confidence:.2f}."]
    if one.fallbacks:
        more.append(f"Fallbacks: {', '.join(one.fallbacks)}.")
    return element(
        "details",
        element("summary", one.reason),
        element("ul", [element("li", line) for line in more]),
        element("code", one.decision_id),
    )
