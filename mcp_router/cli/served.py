"""Answers lines for a host of agents: what only reads is run here, the rest is the person's."""

from __future__ import annotations

import io
import shlex
import sys
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import click

from mcp_router.cli.group import PROGRAM, cli
from mcp_router.cli.line import TASK_VERBS, VERBS, UnknownVerbError, arguments
from mcp_router.cli.main import BAD_USAGE, DONE, run
from mcp_router.errors import RouterError
from mcp_router.server.lines import Answer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from mcp_router.cli.session import Session

READING = (
    "route",
    "classify",
    "explain",
    "models",
    "compare",
    "fallback",
    "stats",
    "cost",
    "budget",
    "cache",
    "suggest",
    "config",
)
MAX_CHARS = 24_000
"""About 6,000 tokens: whoever wants more of a report has it made into a file."""

MAX_COMPLETIONS = 100

_CHANGING = {
    *(("budget", "set"), ("budget", "unset"), ("cache", "clear")),
    *(("reset", "cache"), ("reset", "stats")),
}
# Asks providers, which costs a little, shows what is inside this process, or teaches the router.
_TERMINAL_ONLY = (
    *("--check", "--debug", "--help", "--version", "-h", "-V"),
    *("--correct", "--undo"),
)
_STREAMS = threading.Lock()


class ServedLines:
    """Runs lines within the server's process, one at a time, with its settings."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stamp: object = None

    def answer(self, line: str, *, agreed: bool = False) -> Answer:
        """Run a line that only reads, or that changes something the person `agreed` to."""
        try:
            args = arguments(line)
        except UnknownVerbError as error:
            # One word may be all that the host passed on of a task.
            return Answer("bad" if error.meant else "unfinished", error.format_message())
        if not args or args == ["--json"]:
            return self._run(["model", *args])
        typed = shlex.join([PROGRAM, *args])
        if _names_files(args) or set(_TERMINAL_ONLY) & {*_options(args)}:
            return Answer("terminal", typed)
        if args[0] in TASK_VERBS and "--" not in args:
            return Answer("unfinished", typed)
        if args[0] == "run":
            return Answer("spends", typed)
        if _changes(args):
            if not agreed:
                return Answer("changes", typed)
            return self._run([*args, "--yes"] if args[:2] == ["reset", "stats"] else args)
        return self._run(args) if _reads(args) else Answer("terminal", typed)

    def complete(self, typed: str) -> Sequence[str]:
        """Name the lines that what was typed so far may become: verbs, options, values, models."""
        head, last = _parted(typed)
        try:
            found = list(_candidates(self._fresh(), head.split(), last)) if head.split() else VERBS
        except RouterError:
            # Nobody waits for the reason here; the line itself will tell it.
            return []
        fit = dict.fromkeys(head + one for one in found if one.startswith(last))
        return list(fit)[:MAX_COMPLETIONS]

    def _fresh(self) -> Session:
        """Return the session, which reads changed settings again."""
        stamp = self._session.stamp()
        if stamp != self._stamp:
            self._session, self._stamp = self._session.anew(), stamp
        return self._session

    def _run(self, args: Sequence[str]) -> Answer:
        with _captured() as (out, err):
            code = run(args, session=self._session.anew())
        told = err.getvalue().strip()
        if code == BAD_USAGE:
            return Answer("bad", told)
        if code != DONE:
            return Answer("failed", told)
        warnings = [one for one in told.splitlines() if one.startswith("warning: ")]
        text = "\n".join([out.getvalue().rstrip(), *warnings])
        if len(text) > MAX_CHARS:
            if "--json" in _options(args):
                # A part of a JSON document is none.
                return Answer("terminal", shlex.join([PROGRAM, *args]))
            text = f"{text[:MAX_CHARS]}\n… [cut; the whole: {shlex.join([PROGRAM, *args])}]"
        return Answer("done", text)


@contextmanager
def _captured() -> Generator[tuple[io.StringIO, io.StringIO]]:
    """Take what is written meanwhile, and give nothing to read: stdin and stdout are the host's."""
    out, err = io.StringIO(), io.StringIO()
    with _STREAMS:
        stdin, sys.stdin = sys.stdin, None
        try:
            with redirect_stdout(out), redirect_stderr(err):
                yield out, err
        finally:
            sys.stdin = stdin


def _options(args: Sequence[str]) -> Iterator[str]:
    """Name the options of a line, up to the `--` behind which its task stands."""
    for one in args:
        if one == "--":
            return
        if one.startswith("-"):
            yield one.partition("=")[0]


def _changes(args: Sequence[str]) -> bool:
    return tuple(args[:2]) in _CHANGING or (
        args[0] in ("budget", "config")
        and any(one.startswith(("--set", "--unset")) for one in _options(args))
    )


def _reads(args: Sequence[str]) -> bool:
    """Say whether a line only reads: a verb of READING, none of the commands below one."""
    command = _command(args[0])
    below = set(command.commands) if isinstance(command, click.Group) else set[str]()
    return args[0] in READING and not below & {*args[1:]}


def _names_files(args: Sequence[str]) -> bool:
    """Say whether a line names a file, which only the person may."""
    files = {
        name for param in _params(args) if isinstance(param.type, click.Path) for name in param.opts
    }
    return bool(files & {*_options(args)})


def _command(verb: str) -> click.Command | None:
    return cli.get_command(click.Context(cli), verb)


def _params(args: Sequence[str]) -> Iterator[click.Parameter]:
    yield from cli.params
    command = _command(args[0])
    for word in (*args[1:2], ""):
        if command is not None:
            yield from command.params
        inner = command.commands.get(word) if isinstance(command, click.Group) else None
        if inner is None:
            return
        command = inner


def _parted(typed: str) -> tuple[str, str]:
    """Part what was typed into what is finished, its last blank included, and the last word."""
    last = typed.split()[-1] if typed[-1:].strip() else ""
    return typed[: len(typed) - len(last)], last


def _candidates(session: Session, words: Sequence[str], last: str) -> Iterator[str]:
    options = [
        one
        for one in _params(words)
        if isinstance(one, click.Option) and not one.hidden and one not in cli.params
    ]
    option = next((one for one in options if words[-1] in one.opts and not one.is_flag), None)
    if last.startswith("-"):
        yield from (name for one in options for name in one.opts if name.startswith("--"))
    elif option is not None and isinstance(option.type, click.Choice):
        yield from option.type.choices
    elif (option and option.name == "chain") or words[0] == "fallback":
        yield from session.catalog.chains
        yield from _models(session)
    elif (option and "models" in (option.name or "")) or words[0] in ("models", "compare"):
        yield from _models(session)
    elif len(words) == 1 and isinstance(command := _command(words[0]), click.Group):
        yield from command.commands


def _models(session: Session) -> Iterator[str]:
    catalog = session.catalog
    yield from sorted({*catalog.aliases, *(model.name for model in catalog.models)})
