"""Serves the application until a signal comes, then lets what runs end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from mcp_router.door.connection import DoorConfig, DoorConnection, Patience
from mcp_router.door.guard import MAX_HEADER_BYTES
from mcp_router.door.hosts import is_local
from mcp_router.errors import InvalidRequestError

if TYPE_CHECKING:
    from mcp_router.config.http import HttpSettings
    from mcp_router.door.app import Door

_CONNECTIONS_PER_REQUEST = 4
_BACKLOG = 512
_GRACE_SECONDS = 5

Say = Callable[[str, str], None]
"""Tells the person who started the server: a kind, such as "warning", and a sentence."""


class DoorServer(uvicorn.Server):
    """Uvicorn's server, which a signal ends with exit code 0 once its requests are answered."""

    def __init__(self, config: uvicorn.Config, *, door: Door, drain_s: float) -> None:
        super().__init__(config)
        self._door = door
        self._drain_s = drain_s
        self._signals = 0

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Drain at the first signal, end all at the second; uvicorn would raise it again."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        if sys.platform == "win32":
            with super().capture_signals():
                yield
            return
        for number in numbers:
            loop.add_signal_handler(number, self._leave)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _leave(self) -> None:
        self._signals += 1
        if self._signals == 1:
            self.should_exit = True
            self._door.drain()
            asyncio.get_running_loop().call_later(self._drain_s, self._door.stop)
        elif self._signals == 2:
            self._door.stop()
        else:
            self.force_exit = True


def serve(door: Door, settings: HttpSettings, *, say: Say) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code.

    Raises:
        InvalidRequestError: nothing can listen at this host and port.
    """
    listening = _listen(settings)
    host, port = listening.getsockname()[:2]
    asyncio.run(door.book.begin(), debug=False)
    _tell(door, settings, address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}", say=say)
    server = DoorServer(_config(door, settings), door=door, drain_s=settings.drain_ms / 1000)
    _collect_rarely()
    # What it warns of, the door tells itself, with the address; or it is an advice to install.
    logging.getLogger("uvicorn.error").setLevel("ERROR")
    with listening:
        asyncio.run(server.serve(sockets=[listening]))
    return 0


def _collect_rarely() -> None:
    """Look for cyclic garbage once in many requests, and never among what was imported.

    Requests leave little of it, while Python's own pace takes a sixth of their time, and a full
    round holds all of them up.
    """
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _config(door: Door, settings: HttpSettings) -> uvicorn.Config:
    config = DoorConfig(
        door.application,
        http=DoorConnection,
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=max(1, settings.keep_alive_ms // 1000),
        timeout_graceful_shutdown=settings.drain_ms // 1000 + _GRACE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )
    config.patience = Patience(
        settings.header_ms / 1000,
        settings.write_ms / 1000,
        settings.max_requests * _CONNECTIONS_PER_REQUEST,
    )
    return config


def _listen(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on, which holds answers back by 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        problem = f"nothing can listen at {settings.host}:{settings.port} ({error.strerror})"
        hint = "Choose another with --port, or stop what listens there."
        raise InvalidRequestError(field="port", problem=problem, hint=hint) from error
    return listening


def _tell(door: Door, settings: HttpSettings, *, address: str, say: Say) -> None:
    say("serving", f"http://{address}  (/mcp, /v1; Ctrl-C ends it)")
    if not is_local(settings.host):
        say(
            "warning",
            f"Everybody who can reach {address} can knock. Put TLS in front of it: bearer tokens "
            "travel in the clear.",
        )
    if door.book.is_empty:
        say(
            "hint",
            "No token exists, so nobody is let in. Create one: "
            "mcp-router token create NAME --scope execute",
        )
