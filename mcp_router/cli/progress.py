"""Shows on a terminal which model is being waited for, and every fallback as it happens."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from mcp_router.cli.text import clean

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status

    from mcp_router.types import Attempt, AttemptEvent


class Spinner:
    """A spinner on stderr while the context lasts; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.status import Status

            self._status = Status("Deciding …", console=Console(stderr=True, highlight=False))
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the spinner away, so that something else can be written."""
        if self._status is not None:
            self._status.stop()


class Progress(Spinner):
    """A spinner that says which model is being waited for."""

    def attempt(self, event: AttemptEvent) -> None:
        """Name the model that is asked now, and say what became of the one before it."""
        if self._status is None:
            return
        from rich.text import Text

        if event.after is not None:
            self._status.console.print(Text(failure_line(event.after), style="yellow"))
        name = clean(f"{event.model} ({event.provider})")
        self._status.update(Text(f"Waiting for {name} …"))
        self._status.start()


def failure_line(tried: Attempt) -> str:
    """Say in one line which model failed and why."""
    return clean(f"{tried.model} ({tried.provider}) failed: {tried.reason or tried.outcome}.")
