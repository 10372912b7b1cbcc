"""What all commands share: the global options, which may stand before or after the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mcp_router.cli.session import Session
from mcp_router.cli.values import PATH

if TYPE_CHECKING:
    from mcp_router.storage.store import By, Period

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

_C = TypeVar("_C", bound=click.Command)

as_session = click.make_pass_decorator(Session, ensure=True)
"""Passes the `Session` of the run to a command as its first argument."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")

# Written out, so that --help need not import pydantic; the types say what is allowed.
PERIODS: tuple[Period, ...] = ("day", "week", "month", "all")
GROUPS: tuple[By, ...] = ("model", "task", "day", "project", "category", "provider")

period_option = click.option(
    "--period",
    type=click.Choice(PERIODS),
    default="month",
    show_default=True,
    help="The running day, week or month, or all there is.",
)
by_option = click.option(
    "--by", type=click.Choice(GROUPS), default="model", show_default=True, help="How to group."
)


def with_global_options(*, hidden: bool = True) -> Callable[[_C], _C]:
    """Add `--config`, `--db` and `--debug` to a command, unless it has its own."""

    def add(command: _C) -> _C:
        own = {written for param in command.params for written in param.opts}
        command.params += [one for one in _global_options(hidden) if not own & {*one.opts}]
        return command

    return add


def with_examples(*lines: str) -> Callable[[_C], _C]:
    """End the help of a command with examples."""

    def add(command: _C) -> _C:
        # \b keeps click from filling the lines of a paragraph.
        command.epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
        return command

    return add


def _global_options(hidden: bool) -> list[click.Option]:
    return [
        click.Option(
            ["--config"],
            type=PATH,
            expose_value=False,
            callback=_remember,
            hidden=hidden,
            help="The one settings file to read.",
        ),
        click.Option(
            ["--db"],
            type=PATH,
            expose_value=False,
            callback=_remember,
            hidden=hidden,
            help="The database file to use.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            hidden=hidden,
            help="Log every step, and show tracebacks.",
        ),
    ]


def _remember(context: click.Context, param: click.Parameter, value: Path | bool | None) -> None:
    # Given before or after the command; a default must not undo what was given.
    if value and param.name:
        setattr(context.ensure_object(Session), param.name, value)
