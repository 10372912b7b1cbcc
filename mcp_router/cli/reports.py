"""The command `stats`."""

from __future__ import annotations

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
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.storage.store import By, Period


@with_examples(
    "mcp-router stats",
    "mcp-router stats --period all --by task --json",
)
@with_global_options()
@click.command()
@period_option
@by_option
@json_option
@as_session
def stats(session: Session, period: Period, by: By, as_json: bool) -> None:
    """Summarise decisions, calls, cost and savings.

    Saved is what the decisions were expected to save against always using the baseline model.
    A call is one attempt at a model, also one that failed or that you cancelled: advice and
    kept answers make none, each further attempt makes one more. A call that did not say what it
    used, as one cancelled before its first word, counts with a cost of nothing.
    """
    with session.router() as router:
        rows = router.stats(period=period, by=by)
    if as_json:
        found = [row.model_dump(mode="json") for row in rows]
        show_json({"period": period, "by": by, "rows": found})
        return
    from mcp_router.cli.report_pages import stats_page

    show(stats_page(rows, period=period, by=by))
