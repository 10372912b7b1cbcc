"""The command `cost`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import (
    as_session,
    by_option,
    json_option,
    period_option,
    with_examples,
    with_global_options,
)
from mcp_router.cli.output import show, show_json
from mcp_router.cli.records import open_records
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.storage.store import By, Period


@with_examples(
    "mcp-router cost",
    "mcp-router cost --period week --by task",
    "mcp-router cost --baseline opus --json",
)
@with_global_options()
@click.command()
@period_option
@by_option
@click.option(
    "--baseline", metavar="MODEL", help="What savings are measured against; else as decided last."
)
@json_option
@as_session
def cost(session: Session, period: Period, by: By, baseline: str | None, as_json: bool) -> None:
    """Show what was spent, what the month will cost, and what was saved.

    Savings are net: failed attempts, judges and experiments are paid for as well.
    """
    from mcp_router.reporting.costs import Question, read_costs

    question = Question(period, by, baseline or session.settings.baseline)
    with open_records(session) as store:
        costs = read_costs(store, catalog=session.catalog, now=session.clock(), question=question)
    if as_json:
        show_json(costs.model_dump(mode="json"))
        return
    from mcp_router.cli.spending_pages import cost_page

    show(cost_page(costs, plotted=_can_plot()))


def _can_plot() -> bool:
    # Signs of eight heights; whoever reads a pipe gets the figures by day with --by day.
    out = sys.stdout
    return out is not None and out.isatty() and out.encoding.lower().startswith("utf")
