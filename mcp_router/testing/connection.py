"""One client connection: reads requests, plays plans, and ends as the plan says."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Protocol, cast

from mcp_router.testing.http import (
    CONTINUE,
    Head,
    HttpProblem,
    HttpRequest,
    read_head,
)
from mcp_router.testing.plans import Plan, Step

_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER switched on with no time to linger: closing sends RST instead of FIN."""


class Host(Protocol):
    """What a connection needs of its server."""

    def opened(self, connection: Connection) -> None:
        """Note a new connection."""

    def closed(self, connection: Connection, *, answering: int | None) -> None:
        """Note a lost connection and the number of the request it left unanswered."""

    def answered(self) -> None:
        """Note that an answer, healthy or not, has gone out."""

    def answer(self, request: HttpRequest) -> tuple[int, Plan]:
        """Return the number of the request and what to do."""
        ...

    def refuse(self, problem: HttpProblem) -> Plan:
        """Return what to do with bytes that are no request."""
        ...


class Connection(asyncio.Protocol):
    """A server-side connection; requests on it are answered one after the other.

    It owns no task: a plan advances by socket events and one timer at a time.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._loop = loop
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._steps: Iterator[Step] | None = None
        self._end = "keep"
        self._number: int | None = None
        self._paused = False
        self._continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and tell the host."""
        self._transport = cast("asyncio.Transport", transport)
        self._host.opened(self)

    def data_received(self, data: bytes) -> None:
        """Collect bytes and serve what is complete."""
        self._buffer += data
        self._serve()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop at once; the client that hangs up abandons its answer."""
        del exc
        if self._timer is not None:
            self._timer.cancel()
        self._steps = self._transport = self._timer = None
        self._host.closed(self, answering=self._number)

    def pause_writing(self) -> None:
        """Hold the plan while the client reads slower than it is sent to."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the plan."""
        self._paused = False
        if self._steps is not None and self._timer is None:
            self._advance()
            self._serve()

    def abort(self) -> None:
        """Drop the connection without flushing."""
        if self._transport is not None:
            self._transport.abort()

    def _serve(self) -> None:
        while self._steps is None and self._transport is not None and self._buffer:
            head = read_head(self._buffer)
            if head is None:
                return
            if isinstance(head, HttpProblem):
                self._buffer.clear()
                self._start(self._host.refuse(head), number=None)
                return
            if len(self._buffer) < head.size + head.length:
                self._ask_for_body(head)
                return
            self._start_request(head)

    def _ask_for_body(self, head: Head) -> None:
        waiting = head.headers.get("expect", "").lower() == "100-continue"
        if waiting and not self._continued and self._transport is not None:
            self._transport.write(CONTINUE)
            self._continued = True

    def _start_request(self, head: Head) -> None:
        end = head.size + head.length
        body = bytes(self._buffer[head.size : end])
        del self._buffer[:end]
        self._continued = False
        number, plan = self._host.answer(HttpRequest(head.method, head.target, head.headers, body))
        if plan.end == "keep" and head.headers.get("connection", "").lower() == "close":
            plan = plan._replace(end="close")
        self._start(plan, number=number)

    def _start(self, plan: Plan, *, number: int | None) -> None:
        self._steps, self._end, self._number = iter(plan.steps), plan.end, number
        self._advance()

    def _advance(self) -> None:
        """Send what is due; come back by timer, or when the socket takes more."""
        while self._steps is not None and self._transport is not None and not self._paused:
            step = next(self._steps, None)
            if step is None:
                self._finish()
                return
            if step.delay > 0:
                self._timer = self._loop.call_later(step.delay, self._late, step.data)
                return
            self._transport.write(step.data)

    def _late(self, data: bytes) -> None:
        self._timer = None
        if self._transport is not None:
            self._transport.write(data)
        self._advance()
        self._serve()

    def _finish(self) -> None:
        if self._end == "hang":
            # Steps stay in place, so that the silent connection counts as busy.
            self._steps = iter(())
            return
        number, self._number, self._steps = self._number, None, None
        if number is not None:
            self._host.answered()
        if self._transport is None or self._end == "keep":
            return
        # What a client pipelined behind a broken answer is lost with the connection.
        self._buffer.clear()
        if self._end == "close":
            self._transport.close()
            return
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
