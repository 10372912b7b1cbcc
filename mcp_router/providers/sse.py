"""A parser for server-sent events, from network chunks to whole events.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
It leaves out `id` and `retry`, which serve reconnecting, and a stream of tokens is never resumed.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_EVENT_BYTES = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its data lines joined by newlines, and its name."""

    data: str
    name: str = "message"


class EventTooLarge(ValueError):
    """An event, or a single line, is larger than the parser accepts."""


class SSEParser:
    """Turns chunks of bytes, cut anywhere, into events.

    Lines are split as bytes and decoded whole, so a chunk may end within a character.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._partial: list[bytes] = []
        self._partial_size = 0
        self._data: list[bytes] = []
        self._data_size = 0
        self._name = b""
        self._at_start = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes of the stream and give back the events they complete.

        Raises:
            EventTooLarge: an unfinished event has passed the limit.
        """
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_plain_newlines(chunk)
        # Nearly every chunk is one line of data and its end.
        if chunk.endswith(b"\n\n") and chunk.startswith(b"data: ") and self._is_alone(chunk):
            self._at_start = False
            return [Event(chunk[6:-2].decode("utf-8", "replace"))]
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        if self._partial:
            chunk = b"".join(self._partial) + chunk
            self._partial, self._partial_size = [], 0
        lines = chunk.split(b"\n")
        self._keep(lines.pop())
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        events: list[Event] = []
        for line in lines:
            if line:
                self._take(line)
            elif self._data or self._name:
                self._dispatch(events)
        return events

    def close(self) -> list[Event]:
        """Take the end of the stream, and give back an event that lacks only its final newlines.

        The specification drops it. Some servers close right after their end marker, and what is
        cut short is not whole JSON, so nothing that matters can slip through.
        """
        return self.feed(b"\n\n")

    def _is_alone(self, chunk: bytes) -> bool:
        return (
            chunk.find(b"\n") == len(chunk) - 2
            and len(chunk) <= self._limit
            and not (self._partial or self._data or self._name)
        )

    def _with_plain_newlines(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _keep(self, partial: bytes) -> None:
        if partial:
            self._partial.append(partial)
            self._partial_size += len(partial)
            self._check_size()

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._data_size += len(value) + 1
            if self._data_size > self._limit:
                self._check_size()
        elif name == b"event":
            self._name = value.removeprefix(b" ")

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            name = self._name.decode("utf-8", "replace") if self._name else "message"
            events.append(Event(data.decode("utf-8", "replace"), name))
            self._data, self._data_size = [], 0
        self._name = b""

    def _check_size(self) -> None:
        if self._partial_size + self._data_size > self._limit:
            raise EventTooLarge(f"an event passes {self._limit} bytes")
