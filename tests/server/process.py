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


# What a client of the 2026-07-28 revision says with every request instead of shaking hands.
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Process:
    """A started server; `ask` sends a request and reads its answer.

    `modern` speaks the 2026-07-28 revision. What is not an answer is kept in `heard`.
    """

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self.modern = False
        self.heard: list[dict[str, Any]] = []
        self._last = 0

    def send(self, line: bytes) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(line + b"\n")
        self.popen.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.popen.stdout is not None
        return json.loads(self.popen.stdout.readline())

    def begin(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request with its id as the token for progress, and return the id."""
        self._last += 1
        given = dict(params or {})
        if self.modern or method == "tools/call":
            envelope = ENVELOPE if self.modern else {}
            given["_meta"] = {**envelope, "progressToken": self._last}
        request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": given}
        self.send(json.dumps(request).encode())
        return self._last

    def answer_to(self, number: int) -> dict[str, Any]:
        """Read until the answer to a request has come."""
        while (message := self.read()).get("id") != number:
            self.heard.append(message)
        return message

    def progress(self, number: int) -> dict[str, Any]:
        """Read until progress of a request has come."""
        while True:
            message = self.read()
            if message.get("params", {}).get("progressToken") == number:
                return message["params"]
            self.heard.append(message)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self.answer_to(self.begin(method, params))

    def initialize(self) -> dict[str, Any]:
        if self.modern:
            return self.ask("server/discover")
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
