"""What the prompt `model` needs of the command line; handed in by whoever starts the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

Outcome = Literal["done", "failed", "bad", "unfinished", "changes", "spends", "terminal"]
"""What became of a line: done or failed; `bad` for one that nobody can read, `unfinished` for a
verb without its task; the others were not run, as they change settings or records, cost money, or
belong in a terminal."""


class Answer(NamedTuple):
    """The answer to a line.

    Attributes:
        outcome: what became of it.
        text: what it printed, without terminal escapes; what is wrong with it; or, where it was
            not run, the line to type in a terminal.
    """

    outcome: Outcome
    text: str


class Lines(Protocol):
    """Answers lines of the grammar that all faces share, and completes them."""

    def answer(self, line: str, *, agreed: bool = False) -> Answer:
        """Run a line if it only reads, or if the person `agreed` to what it changes."""
        ...

    def complete(self, typed: str) -> Sequence[str]:
        """Name the lines that what was typed so far may become."""
        ...
