"""A real server process, spoken to in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
COMMAND: tuple[str, ...] = (sys.executable, "-W", "error", "-m", "mcp_router.server")


def environment(folder: Path, **more: str) -> Mapping[str, str]:
    """Build an environment in which the server finds no settings but these."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "ROUTING_DB": str(folder / "router.db"),
        **more,
    }


class Process:
    """A started server; `ask` sends a request and reads lines until its answer comes."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self._last = 0

    def send(self, line: bytes) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(line + b"\n")
        self.popen.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.popen.stdout is not None
        return json.loads(self.popen.stdout.readline())

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self._last += 1
        request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params or {}}
        self.send(json.dumps(request).encode())
        answer = self.read()
        assert answer["id"] == self._last
        return answer

    def initialize(self) -> dict[str, Any]:
        client = {"name": "test", "version": "0"}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        answer = self.ask("initialize", params)
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return answer

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]

    def end(self) -> tuple[int, bytes, bytes]:
        """Close stdin and return the exit code, what is left on stdout, and stderr."""
        out, err = self.popen.communicate(timeout=20)
        return self.popen.returncode, out, err


@contextmanager
def started(folder: Path, *, command: Sequence[str] = COMMAND, **more: str) -> Generator[Process]:
    """Start a server in a folder of its own, with these variables, and kill what is left of it."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as popen:
        try:
            yield Process(popen)
        finally:
            popen.kill()
