"""The command line on a terminal of its own, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import termios
from collections.abc import Mapping
from typing import NamedTuple

from tests.cli.process import COMMAND, environment

# Colours and weight; what moves the cursor or clears is taken off only where it is asked for.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?!\n)")


class Seen(NamedTuple):
    """What a run left: its exit code, and every byte the terminal got."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        """What was written, without colours and movements of the cursor."""
        return MOVES.sub("", COLOUR.sub("", self.raw)).replace("\r\n", "\n")


def on_terminal(
    *args: str, typed: bytes = b"", columns: int = 80, environ: Mapping[str, str] | None = None
) -> Seen:
    """Run a command line on a pseudo-terminal on which `typed` is waiting to be read."""
    import pty

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    os.write(ours, typed)
    given = {**environment(TERM="xterm-256color"), **(environ or {})}
    given.pop("COLUMNS", None)
    given.pop("NO_COLOR", None)
    with subprocess.Popen(
        [*COMMAND, *args], stdin=theirs, stdout=theirs, stderr=theirs, env=given
    ) as popen:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return Seen(popen.returncode, written.decode(errors="replace"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        # The other side was closed.
        return b""
