"""The question before something that cannot be undone."""

from __future__ import annotations

import sys

import click


def agreed(question: str) -> bool:
    """Ask the person at the terminal.

    Raises:
        click.UsageError: nobody is at the terminal.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to confirm; add --yes.")
    return click.confirm(question, err=True)
