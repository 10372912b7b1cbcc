"""The whole page: sections in order, its style and script inline, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from mcp_router.dashboard import log, overview, performance
from mcp_router.dashboard.blocks import card
from mcp_router.dashboard.html import Html, element, joined
from mcp_router.reporting.text import day
from mcp_router.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.errors import RouterError
    from mcp_router.reporting.values import Report


def page(report: Report, *, live: bool = False, app: str | None = None) -> str:
    """Build the page.

    A `live` one asks `state.json` beside it for news; one that a host of MCP Apps shows asks the
    host, for the resource whose address `app` is.

    Raises:
        ChartsMissingError: the extra `report` is not installed.
    """
    state = "state.json" if live else None
    root = {"state": state, "app": app, "revision": report.revision}
    return document(content(report), live=live, data=root)


def notice(problem: RouterError, *, app: str | None = None) -> str:
    """Build the page that says why there is no report, and what to do."""
    said = element(
        "header",
        element("h1", "Model router"),
        element("p", element("b", problem.message)),
        element("p", problem.hint) if problem.hint else None,
    )
    return document(said, data={"app": app})


def document(
    main: Html,
    *,
    live: bool = False,
    data: Mapping[str, str | None] = {},
    title: str = "Model router report",
) -> str:
    """Build a page around its content, with the style and script inline."""
    style, script = Html(_asset("page.css")), Html(_asset("page.js"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(live=live)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", style),
    )
    body = element("body", element("main", main, id="report"), element("script", script))
    named = {f"data_{name}": value for name, value in data.items()}
    root = element("html", head, body, lang="en", data_version=__version__, **named)
    return f"<!doctype html>\n{root}\n"


def content(report: Report) -> Html:
    """Build what changes with the report, without style and script.

    Raises:
        ChartsMissingError: the extra `report` is not installed.
    """
    sections = [
        overview.spending_section(report),
        *(() if report.advice_only else _of_money(report)),
        overview.cost_section("Cost by model", report.by_model, report=report),
        overview.cost_section("Cost by task", report.by_task, report=report),
        *_of_calls(report),
        log.decisions_section(report),
    ]
    return joined(
        _header(report),
        overview.tiles(report),
        element("div", sections, class_="cards"),
        element("footer", f"mcp-router {__version__}. Made on this machine; nothing was sent."),
    )


def policy(*, live: bool) -> str:
    """Return the content security policy: this style and script, and a live page's own news."""
    allowed = {
        "default-src": "'none'",
        "style-src": _digest("page.css"),
        "script-src": _digest("page.js"),
        "connect-src": "'self'" if live else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {source}" for name, source in allowed.items())


def _header(report: Report) -> Html:
    span = f"{day(report.since)} to {day(report.until)} {report.until.year}"
    made = f"{report.created_at:%Y-%m-%d %H:%M} UTC, days of {report.timezone}"
    return element(
        "header",
        element("h1", "Model router"),
        element("p", element("b", span), element("span", f" made {made}", class_="made")),
        element("p", "", id="connection", role="status", hidden=True),
    )


def _of_money(report: Report) -> tuple[Html, ...]:
    return overview.budget_section(report), performance.quality_section(report.records)


def _of_calls(report: Report) -> tuple[Html, ...]:
    if report.advice_only:
        hint = "Latency, reliability, quality and savings appear once requests are run as well."
        return (card("Nothing was run yet", element("p", hint), wide=True),)
    return (
        performance.latency_section(report.records),
        performance.reliability_section(report),
        performance.savings_section(report.savings),
        performance.advice_section(report),
    )


@cache
def _asset(name: str) -> str:
    return (files("mcp_router.dashboard") / name).read_text(encoding="utf-8")


def _digest(name: str) -> str:
    digest = hashlib.sha256(_asset(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
