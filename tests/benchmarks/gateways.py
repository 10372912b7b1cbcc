"""Gateways as processes of their own, each before the same upstream, and what they use of Linux."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.load import Aim

STARTING_S = 120.0
MODELS = ("bench-a", "bench-b", "bench-c")
KEY = "sk-bench"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROUTER = (sys.executable, "-m", "mcp_router")


class Gateway(NamedTuple):
    """A running gateway: its process, and where its requests go."""

    pid: int
    aim: Aim


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def upstream() -> Generator[Gateway]:
    """Start what all of them pass requests on to."""
    command = (sys.executable, str(Path(__file__).with_name("upstream.py")))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Gateway(process.pid, Aim(int(process.stdout.readline()), MODELS[0]))
        finally:
            process.terminate()


@contextmanager
def ours(base: str, folder: Path) -> Generator[Gateway]:
    """Start the door of this project: with a token, its ledger on, and budgets that hold."""
    model = {
        "provider": "upstream",
        "context": 128_000,
        "quality": 0.7,
        "price": {"input": 1.0, "output": 2.0},
        "capabilities": {"coding": 7, "reasoning": 7},
    }
    settings = {
        "db": str(folder / "router.db"),
        "providers": {"upstream": {"wire": "openai", "base_url": base}},
        "models": {name: {**model, "id": name} for name in MODELS},
        "budget": {"daily": 1_000_000, "monthly": 1_000_000},
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    variables = {"ROUTING_CONFIG": str(folder / "settings.json")}
    making = (*_ROUTER, "token", "create", "bench", "--json")
    made = subprocess.run(
        making, cwd=folder, env=_environment(folder, **variables), check=True, capture_output=True
    )
    secret = json.loads(made.stdout)["token"]
    port = free_port()
    command = (*_ROUTER, "serve", "--http", "--port", str(port))
    aim = Aim(port, "auto", {"authorization": f"Bearer {secret}"})
    with _running(command, folder, port, **variables) as pid:
        yield Gateway(pid, aim)


@contextmanager
def litellm(base: str, folder: Path) -> Generator[Gateway]:
    """Start LiteLLM's proxy: one worker, no database, no log, with its master key."""
    parameters = {"model": f"openai/{MODELS[0]}", "api_base": base, "api_key": KEY}
    config = {
        "model_list": [{"model_name": MODELS[0], "litellm_params": parameters}],
        "litellm_settings": {"telemetry": False, "set_verbose": False, "num_retries": 0},
        "general_settings": {"master_key": KEY},
    }
    # JSON is YAML as well.
    (folder / "litellm.yaml").write_text(json.dumps(config), encoding="utf-8")
    port = free_port()
    command = (
        *(*litellm_command(), "--config", str(folder / "litellm.yaml")),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    )
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    aim = Aim(port, MODELS[0], {"authorization": f"Bearer {KEY}"})
    with _running(command, folder, port, LITELLM_MODE="PRODUCTION", **quiet) as pid:
        yield Gateway(pid, aim)


@contextmanager
def portkey(base: str, folder: Path) -> Generator[Gateway]:
    """Start Portkey's gateway on node, without its page of logs."""
    port = free_port()
    command = (*portkey_command(), f"--port={port}", "--headless")
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": base,
    }
    with _running(command, folder, port, NODE_ENV="production") as pid:
        yield Gateway(pid, Aim(port, MODELS[0], headers))


def litellm_command() -> Sequence[str]:
    """Say how LiteLLM's proxy is started; nothing if it is not installed."""
    named = shlex.split(os.environ.get("LITELLM", "litellm"))
    return named if shutil.which(named[0]) else ()


def portkey_command() -> Sequence[str]:
    """Say how Portkey's gateway is started; nothing if it is not installed."""
    named = os.environ.get("PORTKEY", "node_modules/@portkey-ai/gateway/build/start-server.js")
    return (
        ("node", str(Path(named).resolve()))
        if shutil.which("node") and Path(named).is_file()
        else ()
    )


def cpu_ms(pid: int) -> float:
    """Return the CPU time of a process and those below it so far, in milliseconds."""
    fields = [_stat(one) for one in _family(pid)]
    return sum(int(one[11]) + int(one[12]) for one in fields) * 1000 / _TICKS


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and those below it, in MB."""
    return sum(int(_stat(one)[21]) for one in _family(pid)) * _PAGE / 1e6


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _stat(pid: int) -> Sequence[str]:
    """Read /proc/PID/stat from its third field on; the second, a name, may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _environment(folder: Path, **more: str) -> Mapping[str, str]:
    """Build an environment without the person's settings and keys."""
    found = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return {**found, "PYTHONPATH": str(Path(__file__).parents[2]), **more}


@contextmanager
def _running(command: Sequence[str], folder: Path, port: int, **variables: str) -> Generator[int]:
    """Run a server until the block ends; its output goes to a file, shown if it does not start."""
    log = folder / f"{port}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder, **variables),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _await(process, port, log)
            yield process.pid
        finally:
            process.terminate()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + STARTING_S
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"it did not start: {log.read_text()[-2000:]}")
