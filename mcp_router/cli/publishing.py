"""The commands `report` and `dashboard`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import say, show_json, working, write
from mcp_router.cli.records import open_records
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import FILE

if TYPE_CHECKING:
    from mcp_router.reporting.values import Report
    from mcp_router.storage.sqlite import SqliteStore

DEFAULT_PORT = 8788
_days = click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=30,
    show_default=True,
    help="Days to show, today included.",
)
_baseline = click.option(
    "--baseline", metavar="MODEL", help="What savings are measured against; else as decided last."
)
_browse = click.option("--open", "browse", is_flag=True, help="Show it in the browser.")


@with_examples(
    "mcp-router report --html report.html --open",
    "mcp-router report --json --days 7",
)
@with_global_options()
@click.command()
@click.option("--html", type=FILE, help="The file to write.")
@_browse
@_days
@_baseline
@json_option
@as_session
def report(
    session: Session,
    html: Path | None,
    browse: bool,
    days: int,
    baseline: str | None,
    as_json: bool,
) -> None:
    """Write a report as one HTML page that needs no network.

    It holds models, costs and the reasons of decisions, but no prompts.
    """
    if html is None and not as_json:
        raise click.UsageError("Name the file to write, with --html FILE, or add --json.")
    with open_records(session) as store, working("Reading"):
        read = _read(session, store, days=days, baseline=baseline)
    if html is not None:
        from mcp_router.cli.writing import replacing
        from mcp_router.dashboard.page import page

        with working("Drawing"), replacing(html, force=True) as partial:
            partial.write_text(page(read), encoding="utf-8")
        if browse:
            click.launch(html.absolute().as_uri())
        if not as_json:
            write(f"{clean(str(html))}\n")
    if as_json:
        show_json(read.model_dump(mode="json"))


@with_examples("mcp-router dashboard --open")
@with_global_options()
@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Where to listen on 127.0.0.1; 0 for any free port.",
)
@_browse
@_days
@_baseline
@as_session
def dashboard(session: Session, port: int, browse: bool, days: int, baseline: str | None) -> None:
    """Serve the report to your browser, and keep it up to date.

    Only this machine is answered, and only under the address that is printed. Stop it with Ctrl-C.
    """
    from mcp_router.dashboard.live import Dashboard, Source
    from mcp_router.storage.analysis import revision

    with open_records(session) as store:
        source = Source(
            lambda: revision(store.database),
            lambda: _read(session, store, days=days, baseline=baseline),
        )
        with Dashboard(source, port=port) as served:
            write(f"{served.url}\n")
            say("hint", "Stop it with Ctrl-C.")
            if browse:
                click.launch(served.url)
            with suppress(KeyboardInterrupt):
                served.serve()


def _read(session: Session, store: SqliteStore, *, days: int, baseline: str | None) -> Report:
    from mcp_router.reporting.report import Scope, read_report

    scope = Scope(days=days, baseline=baseline or session.settings.baseline)
    return read_report(store, catalog=session.catalog, now=session.clock(), scope=scope)
