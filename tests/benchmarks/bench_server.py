"""Measures the stdio server beside an empty one on the same SDK, in the same run.

    python tests/benchmarks/bench_server.py

CPU time is the figure to trust on a shared machine; the least of several starts is compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).parents[2]
STARTS = 9
CALLS = 400
MAX_RATIO = 1.25
MAX_RSS_MB = 85
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 10.0

# httpcore2 loads trio wherever it finds it, 4 MB. Only tests need it: no user has it for this.
WITHOUT_TRIO = "import sys; sys.modules['trio'] = None\n"
OURS = WITHOUT_TRIO + "import runpy; runpy.run_module('mcp_router.server', run_name='__main__')"
EMPTY = (
    WITHOUT_TRIO
    + """
from mcp.server import MCPServer
server = MCPServer("empty")
@server.tool(structured_output=False)
def echo(prompt: str) -> str:
    return "ok"
server.run()
"""
)


class Start(NamedTuple):
    """CPU and wall time to the first answer in ms, and memory after it in MB."""

    cpu_ms: float
    wall_ms: float
    rss_mb: float


class Calls(NamedTuple):
    """Round trips in ms, CPU time of the server per call in ms, and memory after them in MB."""

    p50_ms: float
    p99_ms: float
    cpu_ms: float
    rss_mb: float


class Server:
    """A server process spoken to in lines of JSON."""

    def __init__(self, command: Sequence[str], *, folder: str, settings: object = None) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(CHECKOUT),
            "HOME": folder,
            "XDG_CONFIG_HOME": folder,
            "ROUTING_DB": f"{folder}/router.db",
            # So that each call is decided anew.
            "ROUTING_ENABLE_CACHE": "false",
        }
        if settings is not None:
            env["ROUTING_CONFIG"] = f"{folder}/settings.json"
            Path(env["ROUTING_CONFIG"]).write_text(json.dumps(settings), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def hello(self) -> None:
        client = {"name": "bench", "version": "0"}
        version = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        self.ask("initialize", version)

    def cpu_ms(self) -> float:
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_MS

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def end(self) -> None:
        self._process.communicate(timeout=20)


def start(command: Sequence[str]) -> Start:
    """Start a server, wait for its first answer, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        server = Server(command, folder=folder)
        server.hello()
        wall = (time.perf_counter() - began) * 1000
        result = Start(server.cpu_ms(), wall, server.rss_mb())
        server.end()
    return result


def calls(
    command: Sequence[str],
    *,
    tool: str,
    arguments: Callable[[int], object],
    settings: object = None,
) -> Calls:
    """Call a tool many times and measure; the first calls, which open things, are left out."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(command, folder=folder, settings=settings)
        server.hello()
        for number in range(20):
            server.ask("tools/call", {"name": tool, "arguments": arguments(-number)})
        spent = server.cpu_ms()
        times: list[float] = []
        for number in range(CALLS):
            began = time.perf_counter()
            answer = server.ask("tools/call", {"name": tool, "arguments": arguments(number)})
            times.append((time.perf_counter() - began) * 1000)
            assert not answer["result"].get("isError"), answer
        cpu = (server.cpu_ms() - spent) / CALLS
        result = Calls(statistics.median(times), sorted(times)[-CALLS // 100], cpu, server.rss_mb())
        server.end()
    return result


def execution(command: Sequence[str]) -> Calls:
    """Measure answers of a provider on this machine that answers at once."""
    # Run as a script, so its own folder is on the path but the checkout may not be.
    sys.path.insert(0, str(CHECKOUT))
    from mcp_router.testing.server import FaultServer

    with FaultServer.run_in_thread() as provider:
        provider.script("quick", [], then="healthy")
        return calls(
            command,
            tool="execute_with_fallback",
            arguments=lambda n: {"prompt": f"Fix bug {n}"},
            settings=provider.settings(),
        )


def main() -> int:
    """Print the figures; 1 if one is out of bounds."""
    if not Path("/proc/self/stat").exists():
        print("bench_server: needs /proc, skipped")
        return 0
    ours, empty = ("-c", OURS), ("-c", EMPTY)
    # In turns, so that other load on the machine meets both.
    pairs = [(start(ours), start(empty)) for _ in range(STARTS)]
    least = [Start(*map(min, zip(*side, strict=True))) for side in zip(*pairs, strict=True)]
    ratio = least[0].cpu_ms / least[1].cpu_ms
    print(f"{'to the first answer':28}{'CPU ms':>9}{'wall ms':>9}{'RSS MB':>9}")
    for name, one in zip(("mcp-router", "empty MCPServer"), least, strict=True):
        print(f"{name:28}{one.cpu_ms:9.0f}{one.wall_ms:9.0f}{one.rss_mb:9.1f}")
    print(f"CPU {ratio:.2f} times the empty server (bound {MAX_RATIO})\n")

    print(f"{f'{CALLS} calls':28}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'RSS MB':>9}")
    rows = {
        "route": calls(ours, tool="route", arguments=lambda n: {"prompt": f"Fix bug {n}"}),
        "classify": calls(ours, tool="classify", arguments=lambda n: {"prompt": f"Fix bug {n}"}),
        "budget": calls(ours, tool="budget", arguments=lambda _n: {}),
        "execute_with_fallback": execution(ours),
        "empty MCPServer, echo": calls(empty, tool="echo", arguments=lambda n: {"prompt": str(n)}),
    }
    for name, row in rows.items():
        print(f"{name:28}" + "".join(f"{value:9.2f}" for value in row))
    memory = max(row.rss_mb for name, row in rows.items() if not name.startswith("empty"))
    print(f"RSS {memory:.1f} MB at most (bound {MAX_RSS_MB})")
    return int(ratio > MAX_RATIO or memory > MAX_RSS_MB)


if __name__ == "__main__":
    sys.exit(main())
