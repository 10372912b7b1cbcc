"""Writes a streamed answer to a terminal, piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.output import write
from mcp_router.cli.text import clean, shown

if TYPE_CHECKING:
    from mcp_router.cli.progress import Progress
    from mcp_router.types import RestartEvent, StreamEvent


class LiveAnswer:
    """Takes the events of one stream; only for a terminal, whose reader sees a restart."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._in_line = False
        self._void = False

    def take(self, event: StreamEvent) -> None:
        """Show one event.

        Raises:
            OutputError: stdout is closed or full.
        """
        match event.type:
            case "delta":
                self._progress.pause()
                self._write(event.text)
            case "restart":
                self._restart(event)
            case "attempt":
                # A restart has told of the failure already.
                self._progress.attempt(event._replace(after=None) if self._void else event)
                self._void = False
            case "done":
                self.end()
            case _:
                pass

    def end(self) -> None:
        """End the line that was begun, if one was."""
        if self._in_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        text = shown(text)
        write(text)
        self._in_line = not text.endswith("\n") if text else self._in_line

    def _restart(self, event: RestartEvent) -> None:
        self._progress.pause()
        self.end()
        self._void = True
        said = f"{event.model} broke off: {event.reason}."
        write(f"\n--- {clean(said)} Disregard the above; the answer begins again. ---\n\n")
