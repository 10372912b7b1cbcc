"""The command line as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-W", "error", "-m", "mcp_router")


def environment(**more: str) -> dict[str, str]:
    """The environment of the test, in which the package is found from any folder."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), **more}


def start(*args: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command line to its end and return its exit code and both streams."""
    return subprocess.run(
        [*COMMAND, *args],
        input=stdin,
        capture_output=True,
        env=environment(**more),
        timeout=60,
        check=False,
    )


def open_process(*args: str | bytes) -> subprocess.Popen[bytes]:
    """Start a command line with all its streams piped."""
    return subprocess.Popen(
        [*COMMAND, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
