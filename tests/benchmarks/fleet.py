"""A fleet on one machine: PostgreSQL, a provider that can be spoilt, and replicas of the router.

Each replica has a folder, a clock and a process of its own, as on a machine of its own. Where the
programs of PostgreSQL are installed, the server is a private one that may be crashed; else it is a
database made for the run on the server that MCP_ROUTER_TEST_POSTGRES names.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mcp_router.storage.database import Database
from mcp_router.storage.tokens import AccessToken, add_token, digest_of, new_secret

HERE = Path(__file__).parent
STARTING_S = 60.0
MODELS = ("fleet-a", "fleet-b", "fleet-c")
SHARED = os.environ.get("MCP_ROUTER_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")
TIMEOUT_MS = 4_000
# PostgreSQL refuses to run as root.
_SERVER_USER: Mapping[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": ()}


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Server:
    """A private PostgreSQL server, with the settings it is installed with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._bin = _server_programs()
        self._port = free_port()
        self.address = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._as: Mapping[str, Any] = _SERVER_USER if os.geteuid() == 0 else {}
        self._folder.mkdir()
        if self._as:
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8")
        self.start()

    @property
    def pid(self) -> int:
        """The process that all of its others belong to."""
        return int((self._folder / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        """Start it; returns once it takes connections."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "start", "--wait", f"--log={self._folder}/log", f"--options={options}")

    def stop(self) -> None:
        """Stop it as a power cut would: nothing is written down, no session is told."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), f"--pgdata={self._folder}", *words]
        subprocess.run(
            command,
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )


@contextmanager
def database(folder: Path) -> Generator[tuple[str, Server | None]]:
    """Provide a database for the run: its address, and the server if it is a private one."""
    if (_server_programs() / "initdb").exists() and (_server_programs() / "pg_ctl").exists():
        server = Server(folder)
        try:
            yield server.address, server
        finally:
            server.stop()
        return
    name = f"fleet_{secrets.token_hex(6)}"
    with psycopg.connect(SHARED, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            parts = {**conninfo_to_dict(SHARED), "dbname": name}
            yield _as_address(make_conninfo("", **parts)), None
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


class Upstream:
    """The provider; `spoil` says which share of its answers fail from now on."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "fleet_upstream.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._read()

    def spoil(self, share: float) -> None:
        """Change the share; returns once it holds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{share}\n")
        self._process.stdin.flush()
        self._read()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class Replica:
    """One `mcp-router serve --http`, which can be killed, started again, and given another time."""

    def __init__(self, folder: Path, *, settings: Path, clock: Path | None) -> None:
        self.port = free_port()
        self.folder = folder
        self._settings = settings
        self._library = clock
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        (folder / "clock").write_bytes(bytes(8))

    @property
    def pid(self) -> int:
        """The process; 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def outbox(self) -> Path:
        """The file of what it still has to write to the database."""
        return self.folder / "data" / "mcp-router" / "outbox.db"

    def start(self) -> None:
        """Start the process; `ready` says when it answers."""
        command = [sys.executable, "-m", "mcp_router", "serve", "--http", "--port", str(self.port)]
        preload = {"LD_PRELOAD": str(self._library)} if self._library else {}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "PYTHONPATH": str(HERE.parents[1]),
            "ROUTING_CONFIG": str(self._settings),
            "CLOCK_FILE": str(self.folder / "clock"),
            **preload,
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    def ready(self) -> None:
        """Wait until it takes connections.

        Raises:
            RuntimeError: it does not start.
        """
        end = time.monotonic() + STARTING_S
        while time.monotonic() < end and self._process and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"it did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it at once, with nothing said."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it answer what it has taken, and end."""
        self._end(signal.SIGTERM)

    def step_clock(self, seconds: int) -> None:
        """Set its clock so many seconds ahead of that of the machine, or behind."""
        with (self.folder / "clock").open("r+b") as file, mmap.mmap(file.fileno(), 8) as shown:
            shown[:8] = seconds.to_bytes(8, sys.byteorder, signed=True)

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)


def write_settings(path: Path, *, address: str, upstream: str, on_lost: str) -> None:
    """Write the settings of all replicas; running ones take them up with the next call."""
    model = {
        "provider": "upstream",
        "context": 128_000,
        "quality": 0.7,
        "price": {"input": 1.0, "output": 2.0},
        "capabilities": {"coding": 7, "reasoning": 7},
        "latency": {"first_token_ms": 50, "tokens_per_second": 1000},
    }
    settings = {
        "db": address,
        "providers": {"upstream": {"wire": "openai", "base_url": upstream}},
        "models": {name: {**model, "id": name} for name in MODELS},
        "budget": {"daily": 1_000_000, "monthly": 1_000_000, "on_lost_database": on_lost},
        "fallback": {"timeout_ms": TIMEOUT_MS},
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(settings), encoding="utf-8")
    fresh.replace(path)


def make_tokens(address: str, names: Sequence[str], *, daily_nanos: int | None) -> dict[str, str]:
    """Create tokens that may execute, each with a budget for the day; return their secrets."""
    made = {name: new_secret() for name in names}
    with Database.open(address) as opened:
        for name, secret in made.items():
            token = AccessToken(name, digest_of(secret), "execute", daily_nanos=daily_nanos)
            add_token(opened, token._replace(created_ms=time.time_ns() // 1_000_000))
    return made


def clock_library(folder: Path) -> Path | None:
    """Compile what gives a process a clock of its own; None where that cannot be done."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        return None
    path = folder / "stepped_clock.so"
    source = HERE / "stepped_clock.c"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(path), str(source), "-ldl"]
    done = subprocess.run(command, check=False, capture_output=True)
    return None if done.returncode else path


def _server_programs() -> Path:
    """Return the folder of initdb and pg_ctl; Debian keeps them out of PATH."""
    for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        return place
    found = shutil.which("pg_ctl")
    return Path(found).parent if found else Path("/nowhere")


def _as_address(conninfo: str) -> str:
    parts = conninfo_to_dict(conninfo)
    user = f"{parts['user']}@" if parts.get("user") else ""
    return f"postgresql://{user}{parts['host']}:{parts.get('port', 5432)}/{parts['dbname']}"
