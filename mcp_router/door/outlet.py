"""A transport that sends together what is written in one turn of the event loop."""

from __future__ import annotations

import asyncio
from typing import Any

_MOST = 65_536
"""Bytes that are sent without waiting for more."""


class Outlet(asyncio.Transport):
    """Stands before a socket's transport, which is told of no more than one write at a time.

    The head of an answer then travels with its body, and pieces of a stream that came together
    leave together. Nothing waits longer than until the loop's next turn.
    """

    def __init__(self, inner: asyncio.Transport, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._inner = inner
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Take data to be sent."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(bytes(data))
        self._size += len(data)
        if self._size >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Send what was taken."""
        if self._waiting:
            joined = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            self._inner.write(joined)

    def close(self) -> None:
        """Send what was taken, then hang up."""
        self.flush()
        self._inner.close()

    def abort(self) -> None:
        """Hang up at once."""
        self._waiting.clear()
        self._size = 0
        self._inner.abort()

    def is_closing(self) -> bool:
        """Say whether it hangs up or has hung up."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Tell what is known of the socket."""
        return self._inner.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._inner.resume_reading()
