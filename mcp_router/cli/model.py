"""The command `model`: a line as typed behind `/model`, or a short status without one."""

from __future__ import annotations

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.group import PROGRAM, cli
from mcp_router.cli.line import arguments, with_verb
from mcp_router.cli.session import Session


@with_examples(
    "mcp-router model",
    """mcp-router model 'route "Fix the login bug" --json'""",
    "mcp-router model budget",
)
@with_global_options()
@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("line", nargs=-1, type=click.UNPROCESSED)
@json_option
@as_session
def model(session: Session, line: tuple[str, ...], as_json: bool) -> None:
    """Run a line as typed behind /model in an agent; alone, show a short status.

    The line is one argument, taken apart here and never by a shell, or the words of it. A line
    that begins with no verb is a task to route.
    """
    args = arguments(line[0]) if len(line) == 1 else with_verb(line)
    if not args:
        from mcp_router.cli.status import show_status

        show_status(session, as_json=as_json)
        return
    if as_json:
        args.insert(1, "--json")
    with cli.make_context(PROGRAM, args, obj=session) as inner:
        cli.invoke(inner)
