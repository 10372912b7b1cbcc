"""The command `doctor`: looks over the installation and says how to mend it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json, working
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.cli.page import Page
    from mcp_router.doctor.finding import Finding


@with_examples("mcp-router doctor", "mcp-router doctor --json")
@with_global_options()
@click.command()
@json_option
@click.pass_context
@as_session
def doctor(session: Session, context: click.Context, as_json: bool) -> None:
    """Check everything from Python to the hosts, and say how to mend it.

    It starts the server once; nothing is sent over the network, and keys are only looked for by
    name. Exits with 1 where something does not work.
    """
    from mcp_router.cli.installation import machine_of, own_launch, working_folder
    from mcp_router.doctor.examination import Patient, examine

    patient = Patient(
        python=sys.version_info[:3],
        machine=machine_of(session),
        project=working_folder(),
        launch=own_launch(),
        load=lambda: session.load(session.config, environ=session.environ),
        today=session.clock().date(),
    )
    with working("Looking"):
        findings = examine(patient)
    if as_json:
        show_json([finding._asdict() for finding in findings])
    else:
        show(_page(findings))
    if any(finding.status == "fail" for finding in findings):
        context.exit(1)


def _page(findings: tuple[Finding, ...]) -> Page:
    from mcp_router.cli.page import Column, Items, Line, Page, Table

    columns = (Column("Status"), Column("What"), Column("How it is", flexible=True))
    rows = tuple((f.status, f.subject, f.text) for f in findings)
    marked = frozenset(n for n, finding in enumerate(findings) if finding.status != "ok")
    table = Table(columns, rows, marked=marked)
    mends = tuple(f"{f.subject}: {f.mend}" for f in findings if f.mend)
    failed = sum(finding.status == "fail" for finding in findings)
    verdict = f"{failed} of {len(findings)} checks failed." if failed else "Everything works."
    steps = (Items("To mend", mends),) if mends else ()
    return Page((table, *steps, Line(verdict)))
