"""Several processes that begin together: each says "ready" and waits for a line on its input."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import mcp_router

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRON = {**os.environ, "PYTHONPATH": str(Path(mcp_router.__file__).parents[1])}


@contextmanager
def crew(*arguments: str, size: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start Python so many times, wait until all are ready, and let them begin together."""
    with ExitStack() as stack:
        members = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=ENVIRON,
                    text=True,
                )
            )
            for _ in range(size)
        ]
        for member in members:
            stack.callback(member.kill)
        for member in members:
            assert member.stdout is not None
            assert member.stdout.readline() == "ready\n"
        for member in members:
            assert member.stdin is not None
            member.stdin.write("go\n")
            member.stdin.flush()
        yield members
