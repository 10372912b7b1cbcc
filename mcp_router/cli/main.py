"""The door of the command line: runs one line and turns whatever goes wrong into an exit code."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mcp_router.cli.group import PROGRAM, cli
from mcp_router.cli.output import OutputError, say
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130

_COMPLETE = "_MCP_ROUTER_COMPLETE"
_REPORT = "Please report it with the command you ran and what --debug adds."


def main() -> int:
    """Run the command line of this process and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the encoding of a terminal or pipe lacks is written as an escape.
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, PROGRAM, _COMPLETE, os.environ[_COMPLETE])
    return run(sys.argv[1:])


def run(args: Sequence[str], *, session: Session | None = None) -> int:
    """Run one command and return its exit code; usable for a line of any other face.

    Args:
        args: the words after the program's name, such as `["route", "Fix the bug", "--json"]`.
        session: environment and clock to run with; those of this process by default.

    Returns:
        0 done, 1 it could not be done (one sentence on stderr), 2 bad usage, 130 interrupted.
    """
    session = session or Session()
    try:
        with cli.make_context(PROGRAM, list(args), obj=session) as context:
            cli.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("error", "Interrupted.")
        return INTERRUPTED
    except click.ClickException as error:
        return _bad_usage(error)
    except BrokenPipeError:
        _discard_output()
        return DONE
    except OutputError as error:
        _discard_output()
        say("error", str(error))
        return FAILED
    except Exception as error:  # noqa: BLE001 - the one door of the command line
        return _failed(error, debug=session.debug)
    return DONE


def _bad_usage(error: click.ClickException) -> int:
    # click sets choices on lines of their own.
    say("error", " ".join(error.format_message().split()))
    if isinstance(error, click.NoSuchOption) and _takes_a_task(error.ctx):
        say("hint", "Put -- before a task that begins with a dash.")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        say("hint", f"See: {error.ctx.command_path} --help")
    return BAD_USAGE


def _takes_a_task(context: click.Context | None) -> bool:
    return context is not None and any(one.name == "prompt" for one in context.command.params)


def _failed(error: Exception, *, debug: bool) -> int:
    from mcp_router.errors import RouterError

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, RouterError):
        say("error", error.message)
        if error.hint:
            say("hint", error.hint)
    else:
        say("error", f"This is a defect in mcp-router: {type(error).__name__}.")
        say("hint", _REPORT)
    return FAILED


def _discard_output() -> None:
    # What is still buffered would fail once more when the interpreter flushes it at exit.
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
