"""The PostgreSQL server that the tests may use, and schemas on it that are gone afterwards."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = os.environ.get("MCP_ROUTER_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")
"""Its address; the user may create schemas there."""


@cache
def answers() -> bool:
    """Say whether the server is there."""
    try:
        psycopg.connect(SERVER, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


needs_server = pytest.mark.skipif(
    not answers(), reason="no PostgreSQL at MCP_ROUTER_TEST_POSTGRES, or on 127.0.0.1:5432"
)
only_files = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
"""For what only a file can do."""

ENGINES = (pytest.param("sqlite"), pytest.param("postgres", marks=needs_server))


@contextmanager
def fresh_schema() -> Iterator[str]:
    """Create a schema, and give the address of a database that is in it alone."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    try:
        yield f"{SERVER}?options=-csearch_path%3D{name}"
    finally:
        with psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


class Gate:
    """A way to the server that can be shut: connections are cut, and new ones refused."""

    def __init__(self) -> None:
        parts = conninfo_to_dict(SERVER)
        self._to = (str(parts.get("host") or "127.0.0.1"), int(parts.get("port") or 5432))
        user = f"{parts['user']}@" if parts.get("user") else ""
        self._user, self._name = user, parts.get("dbname") or ""
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.stalled = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def address(self, schema: str) -> str:
        place = f"{self._user}127.0.0.1:{self.port}/{self._name}"
        return f"postgresql://{place}?options=-csearch_path%3D{schema}"

    def shut(self) -> None:
        if self._listener.fileno() < 0:
            return
        # Waking the thread that accepts; a closed listener alone would stay open while it waits.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._pairs.clear()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept()

    def _accept(self) -> None:
        listener = self._listener

        def loop() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    far = socket.create_connection(self._to)
                    self._pairs.append((near, far))
                    for one, other in ((near, far), (far, near)):
                        threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()

    def hand_over(self) -> None:
        """Wait for what must be before a message is passed on."""

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if self.stalled.is_set():
                    return
                self.hand_over()
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


class Porter(Gate):
    """Passes each message on only once an event loop has had a turn since it came.

    Whoever asks the server from that loop, and so stops it, gets no answer for some seconds.

    Attributes:
        held_up: where the loop stood meanwhile, if it waited for the server.
    """

    def __init__(self) -> None:
        self.held_up: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        super().__init__()

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Look at the running event loop for as long as the context lasts."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        try:
            yield
        finally:
            self._loop = None

    def hand_over(self) -> None:
        """Wait for a turn of the loop."""
        loop, turn = self._loop, threading.Event()
        if loop is None:
            return
        loop.call_soon_threadsafe(turn.set)
        if not turn.wait(3):
            frames = traceback.extract_stack(sys._current_frames()[self._thread])
            ours = [one for one in frames if "mcp_router" in one.filename]
            # On a busy machine it may only be late.
            if any("postgres" in one.filename for one in ours):
                self.held_up.append(" < ".join(f"{one.name}:{one.lineno}" for one in ours[::-1]))
