"""A connection that gives slow clients up: ones that dribble headers, and ones that do not read."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from mcp_router.door.outlet import Outlet

if TYPE_CHECKING:
    from uvicorn.server import ServerState

_log = logging.getLogger("mcp_router.door")


class Patience(NamedTuple):
    """Seconds that a client may take for its headers, and for not reading; most connections."""

    header_s: float
    write_s: float
    connections: int


_USUAL = Patience(header_s=10.0, write_s=30.0, connections=1_024)


class DoorConfig(Config):
    """Uvicorn's settings, and how patient connections are."""

    patience: Patience = _USUAL


class DoorConnection(H11Protocol):
    """Uvicorn's protocol with two more deadlines; h11 itself refuses what is no clean HTTP."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = config.patience if isinstance(config, DoorConfig) else _USUAL
        self._headers_due: asyncio.TimerHandle | None = None
        self._reading_due: asyncio.TimerHandle | None = None
        self._outlet: Outlet | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        _send_at_once(transport)
        self._outlet = Outlet(cast("asyncio.Transport", transport), loop=self.loop)
        super().connection_made(self._outlet)
        if len(self.connections) > self._patience.connections:
            self._give_up("too many connections")
            return
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Read on; the headers of each request have to be whole in time."""
        if self._is_idle() and self._headers_due is None:
            self._await_headers()
        super().data_received(data)
        if not self._is_idle():
            self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no clean HTTP; whatever was begun on this connection is over."""
        _log.warning("400 from %s: its request is no clean HTTP", self._who())
        if not self._is_idle():
            # It would go on to answer, or to wait for the rest of its body.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Go on to the next request, whose beginning may have come along with this one."""
        if self._outlet is not None:
            self._outlet.flush()
        super().on_response_complete()
        begun, _ = self.conn.trailing_data
        if begun and self._is_idle() and self._headers_due is None:
            self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._stop_waiting()
        self._stop_writing_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._reading_due = self.loop.call_later(
            self._patience.write_s, self._give_up, "it does not read its answer"
        )

    def resume_writing(self) -> None:
        """Write on."""
        self._stop_writing_timer()
        super().resume_writing()

    def _is_idle(self) -> bool:
        # Before the first request there is none, whatever uvicorn declares.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _await_headers(self) -> None:
        self._headers_due = self.loop.call_later(
            self._patience.header_s, self._give_up, "its request did not come in time"
        )

    def _give_up(self, why: str) -> None:
        if not self.transport.is_closing():
            _log.warning("Dropped %s: %s", self._who(), why)
            self.transport.abort()

    def _who(self) -> str:
        return self.client[0] if self.client else "?"

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _stop_writing_timer(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None


def _send_at_once(transport: asyncio.BaseTransport) -> None:
    """Keep the system from holding back the body of an answer until its head was received.

    asyncio does so itself only for sockets that were made with the number of their protocol.
    """
    link: socket.socket | None = transport.get_extra_info("socket")
    if link is not None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
