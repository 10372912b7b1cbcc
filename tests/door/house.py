"""A real server process before providers that answer or fail as a test says."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from mcp_router.storage.database import Database
from mcp_router.storage.tokens import AccessToken, Scope, add_token, digest_of, new_secret
from mcp_router.testing.behaviours import Behaviour
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer
from mcp_router.types import ToolCall
from tests.server.process import environment

SECONDS = 10.0
COMMAND = (sys.executable, "-W", "error", "-m", "mcp_router")
CALL = ToolCall(id="call_1", name="weather", arguments={"city": "Bern"})
HELLO: Any = [{"role": "user", "content": "Say hello."}]


def until(holds: Callable[[], bool]) -> None:
    """Look until something holds that another process or thread is about to do."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end


@dataclass
class Served:
    """A started server: its address, its process, and what it logged so far."""

    url: str
    popen: subprocess.Popen[str]
    log: list[str] = field(default_factory=list[str])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, secret: str = "", **headers: str) -> httpx2.Client:
        """Return a client that sends a token."""
        given = {"authorization": f"Bearer {secret}"} if secret else {}
        return httpx2.Client(base_url=self.url, headers={**given, **headers}, timeout=SECONDS)

    def raw(self, *pieces: bytes) -> bytes:
        """Send bytes as they are and read until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as link:
            for piece in pieces:
                link.sendall(piece)
            return read_all(link)

    def logged(self) -> str:
        return "".join(self.log)


class House:
    """Models are scripted with `serve`; the settings then name them, and no others have a key."""

    def __init__(self, faults: FaultServer, folder: Path) -> None:
        self.faults = faults
        self.folder = folder
        self.database = folder / "router.db"
        self.more: dict[str, Any] = {}
        self.http: dict[str, Any] = {}

    def serve(self, model: str, *behaviours: Behaviour, wire: WireName = "openai") -> None:
        """Script a model; without behaviours it is healthy. A running server takes it up."""
        then = "repeat last" if behaviours else "healthy"
        self.faults.script(model, list(behaviours), then=then, wire=wire)
        self.write()

    def write(self) -> str:
        """Write the settings file and return its path."""
        given = self.faults.settings(latency={"first_token_ms": 50, "tokens_per_second": 1000})
        path = self.folder / "settings.json"
        body = {**given, "db": str(self.database), "http": self.http, **self.more}
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(body), encoding="utf-8")
        fresh.replace(path)
        return str(path)

    def token(self, name: str = "alice", scope: Scope = "execute", **fields: Any) -> str:
        """Make a token and return its secret."""
        secret = new_secret()
        made = AccessToken(name, digest_of(secret), scope, **fields)
        with Database.open(self.database) as database:
            assert add_token(database, made._replace(created_ms=int(time.time() * 1000)))
        return secret

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the command line."""
        return subprocess.run(
            [*COMMAND, *words],
            cwd=self.folder,
            env=environment(self.folder, ROUTING_CONFIG=self.write(), **variables),
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def started(self, *words: str, ready: bool = True, **variables: str) -> Generator[Served]:
        """Start a server on any free port, where it is to be `ready`; kill what is left of it."""
        with subprocess.Popen(
            [*COMMAND, "serve", "--http", "--port", "0", *words],
            cwd=self.folder,
            env=environment(self.folder, ROUTING_CONFIG=self.write(), **variables),
            stderr=subprocess.PIPE,
            text=True,
        ) as popen:
            assert popen.stderr is not None
            lines = [popen.stderr.readline()]
            while not ready and lines[-1] and "serving: " not in lines[-1]:
                lines.append(popen.stderr.readline())
            # In JSON it is the message of its line.
            found = re.search(r"(?:^|\")serving: (\S+)", lines[-1])
            assert found, lines.pop() + popen.stderr.read()
            lines.pop()
            served = Served(found[1], popen, lines)
            reader = threading.Thread(target=_keep, args=(popen.stderr, served.log))
            reader.start()
            try:
                with served.client() as client:
                    until(lambda: not ready or client.get("/readyz").status_code == 200)
                yield served
            finally:
                popen.kill()
                popen.wait()
                reader.join()

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def held(self) -> list[Any]:
        """List what is still held: money that is reserved, and open entries of the ledger."""
        return [
            *self.rows("SELECT name FROM budget_tracking WHERE reserved_nanos <> 0"),
            *self.rows("SELECT entry_id FROM ledger_entries WHERE state = 'open'"),
        ]


def read_all(link: socket.socket) -> bytes:
    """Read until the other side hangs up."""
    chunks: list[bytes] = []
    while True:
        try:
            chunk = link.recv(65_536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _keep(stream: Any, log: list[str]) -> None:
    log.extend(stream)
