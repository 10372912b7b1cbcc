"""Stands between the host and the SDK's stdio transport, so that every ending is a clean one.

The transport reads the real stdin on a thread that nothing can interrupt: after a signal the
process would hang until the host closes stdin, or die without closing the database. It also
drops a message with a lone surrogate, and the host would wait for that answer for ever. Here a
thread of ours copies stdin into a pipe: it mends such lines, and ends the pipe on a signal.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

CHUNK = 1 << 16

# An escaped backslash is matched only so that what follows it is not taken for an escape.
_ESCAPE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    rb"|\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def mend(line: bytes) -> bytes:
    r"""Replace the escapes of lone surrogates in a line of JSON by that of U+FFFD.

    >>> mend(rb'"\ud83d\ude00 \ud83d"')
    b'"\\ud83d\\ude00 \\ufffd"'
    """
    if b"\\ud" not in line and b"\\uD" not in line:
        return line
    return _ESCAPE.sub(_mended, line)


def _mended(match: re.Match[bytes]) -> bytes:
    kept = match[0] == rb"\\" or match[1]
    return match[0] if kept else rb"\ufffd"


def guard_stdin(*, on_signal: Callable[[], None]) -> Callable[[], None]:
    """Feed fd 0 from a mended copy of stdin that ends on SIGTERM or SIGINT; a second one kills.

    It holds for the rest of the process. Call it on the main thread, before the transport starts.
    Does nothing on Windows, where pipes cannot be waited for and hosts do not send signals.

    Args:
        on_signal: called within the signal handler, on the main thread between any two steps.

    Returns:
        A function that ends the copy at once.
    """
    if sys.platform == "win32":
        return lambda: None
    source = os.dup(0)
    copy, target = os.pipe()
    wakened, wake = os.pipe()
    os.dup2(copy, 0)
    os.close(copy)

    def end() -> None:
        os.write(wake, b"\n")

    def end_on_signal(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        on_signal()
        end()

    signal.signal(signal.SIGTERM, end_on_signal)
    signal.signal(signal.SIGINT, end_on_signal)
    # A daemon, because it may wait for a reader that is gone.
    threading.Thread(target=_pump, args=(source, target, wakened), daemon=True).start()
    return end


def _pump(source: int, target: int, wakened: int) -> None:
    with os.fdopen(target, "wb") as copy:
        for line in _lines(source, wakened=wakened):
            copy.write(mend(line))
            copy.flush()


def _lines(source: int, *, wakened: int) -> Iterator[bytes]:
    """Yield whole lines, several at a time when they come together, until EOF or a wake-up."""
    pending: list[bytes] = []
    while wakened not in select.select([source, wakened], [], [])[0]:
        chunk = os.read(source, CHUNK)
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline or not chunk:
            yield b"".join([*pending, whole, newline])
            pending.clear()
        if not chunk:
            return
        pending.append(rest)
