"""Where output goes: data to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcp_router.cli.page import Notes
from mcp_router.cli.text import clean, shown

if TYPE_CHECKING:
    from collections.abc import Generator

    from mcp_router.cli.page import Page


class OutputError(Exception):
    """Standard output takes nothing: it is closed, or its disk is full."""


def show(page: Page) -> None:
    """Show a page: with colours and frames on a terminal, as plain text anywhere else.

    Raises:
        OutputError: stdout is closed or full.
    """
    if is_terminal():
        from mcp_router.cli.terminal import print_page

        print_page(page, file=sys.stdout)
        return
    import shutil

    from mcp_router.cli.plain import plain_text

    write(plain_text(page, cells=shutil.get_terminal_size().columns))
    for block in page.blocks:
        if isinstance(block, Notes):
            for line in block.lines:
                say(block.kind, line)


def show_aside(page: Page) -> None:
    """Show a page on stderr, beside the data; nothing where there is no stderr."""
    if sys.stderr is None:
        return
    if sys.stderr.isatty():
        from mcp_router.cli.terminal import print_page

        print_page(page, file=sys.stderr)
        return
    import shutil

    from mcp_router.cli.plain import plain_text

    sys.stderr.write(plain_text(page, cells=shutil.get_terminal_size().columns))
    sys.stderr.flush()


def show_json(value: object) -> None:
    """Write one JSON document; in ASCII, so that any encoding and terminal can take it.

    Raises:
        OutputError: stdout is closed or full.
    """
    import json

    write(json.dumps(value, indent=2) + "\n")


def write(text: str) -> None:
    """Write data to stdout at once.

    Raises:
        BrokenPipeError: whoever read it has gone.
        OutputError: stdout is closed or full.
    """
    if sys.stdout is None:
        raise OutputError("Standard output is closed.")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is closed"
        raise OutputError(f"Standard output cannot be written: {reason}.") from error


def write_answer(text: str) -> None:
    """Write an answer to stdout: as it is, or without what would steer a terminal.

    Raises:
        BrokenPipeError: whoever read it has gone.
        OutputError: stdout is closed or full.
    """
    if is_terminal():
        text = shown(text)
    write(text if text.endswith("\n") else text + "\n")


def is_terminal() -> bool:
    """Say whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def say(kind: str, text: str) -> None:
    """Write one line such as "warning: …" to stderr, if there is one."""
    remark(f"{kind}: {text}")


def remark(text: str) -> None:
    """Write one line to stderr, if there is one."""
    if sys.stderr is not None:
        sys.stderr.write(f"{clean(text)}\n")
        sys.stderr.flush()


@contextmanager
def working(on: str) -> Generator[None]:
    """Show on a terminal that something takes its time."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{on} …"):
        yield
