"""The command `install`: adds the server to an agent host, and takes it out again."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, with_examples, with_global_options
from mcp_router.cli.output import say, write
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean

if TYPE_CHECKING:
    from mcp_router.hosts.change import Change
    from mcp_router.hosts.host import Machine
    from mcp_router.hosts.launch import Launch
    from mcp_router.hosts.steps import Step, Target

# Written out, so that --help need not import the hosts; a test compares.
HOST_NAMES = ("claude-code", "claude-desktop", "codex", "cursor", "vscode", "gemini")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")


class _ServerName(click.ParamType[str]):
    """A name that every host takes; Gemini CLI takes no underscore."""

    name = "NAME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _NAME.fullmatch(value):
            self.fail("a name has up to 40 letters, digits and hyphens.", param, ctx)
        return value


@with_examples(
    "mcp-router install claude-code",
    "mcp-router install vscode --project --dry-run",
    "mcp-router install codex --uninstall",
)
@with_global_options()
@click.command()
@click.argument("host", type=click.Choice(HOST_NAMES), metavar="HOST")
@click.option("--project", is_flag=True, help="For this folder only instead of everywhere.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--uninstall", is_flag=True, help="Take the server out again.")
@click.option(
    "--as-model", is_flag=True, help="Claude Code: also replace its own /model command by ours."
)
@click.option(
    "--name", type=_ServerName(), default="mcp-router", help="The name of the server there."
)
@as_session
def install(
    session: Session,
    host: str,
    project: bool,
    dry_run: bool,
    uninstall: bool,
    as_model: bool,
    name: str,
) -> None:
    """Add the server to the settings of an agent host.

    HOST is claude-code, claude-desktop, codex, cursor, vscode or gemini. Other servers, comments
    and layout of its file stay as they are, and the file as it was is kept beside it as
    *.mcp-router.bak. Run it again after an update; --uninstall takes everything back, and with
    --as-model only the command.
    """
    from mcp_router.hosts.host import HOSTS
    from mcp_router.hosts.steps import Target

    if as_model and not HOSTS[host].slash_commands:
        raise click.UsageError("Only Claude Code has a /model that --as-model could replace.")
    folder = working_folder() if project else None
    target = Target(HOSTS[host], machine_of(session), project=folder, name=name)
    steps = _steps(target, uninstall=uninstall, as_model=as_model)
    # All are worked out before one is made, so that a refusal leaves nothing half done.
    changes = [step.tried() for step in steps]
    if dry_run:
        _show_diffs(changes)
        return
    changes = [step.done() for step in steps]
    _tell(changes, target=target)
    if not uninstall:
        _advise(target, as_model=as_model)


def machine_of(session: Session) -> Machine:
    """Return where the hosts of this user look for their files."""
    from mcp_router.hosts.host import Machine

    try:
        return Machine(Path.home(), session.environ, sys.platform)
    except RuntimeError as error:
        raise click.UsageError("There is no home folder; set the variable HOME.") from error


def working_folder() -> Path:
    """Return the folder of the project."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise click.UsageError("The folder you are in does not exist any more.") from error


def own_launch() -> Launch:
    """Return the command by which a host starts this installation."""
    from mcp_router.hosts.launch import Runtime, launch_of

    return launch_of(Runtime(sys.argv[0], sys.executable, sys.prefix))


def _steps(target: Target, *, uninstall: bool, as_model: bool) -> tuple[Step, ...]:
    from mcp_router.hosts.steps import installation, removal

    if uninstall:
        return removal(target, as_model=as_model)
    return installation(target, launch=own_launch(), as_model=as_model)


def _show_diffs(changes: list[Change]) -> None:
    from mcp_router.hosts.diff import diff_of

    lines = [line for change in changes for line in diff_of(change)]
    write("".join(f"{clean(line)}\n" for line in lines) or "Nothing would change.\n")


def _tell(changes: list[Change], *, target: Target) -> None:
    from mcp_router.hosts.change import backup_of

    for change in changes:
        before, after = change.before.file, change.after.file
        if not change.changed:
            done = "Nothing to change in" if after is not None else "There is no"
        elif after is None:
            done = "Deleted"
        else:
            done = "Wrote" if before is None else "Changed"
        kept = change.after.backup is not None and change.changed
        backup = f" (as it was: {backup_of(change.path).name})" if kept else ""
        write(clean(f"{target.host.title}: {done} {change.path}{backup}") + "\n")


def _advise(target: Target, *, as_model: bool) -> None:
    from mcp_router.hosts.slash_model import HIDES

    if as_model:
        say("warning", HIDES)
    if target.project is not None and target.host.trust:
        say("hint", target.host.trust)
    say("hint", target.host.restart)
