"""A user's program as a scorer: started without a shell, bounded in time and in what it prints."""

from __future__ import annotations

import math
import os
import re
import signal
import sys
from contextlib import suppress
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, NamedTuple

import anyio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import Process

MOST_OUTPUT = 1_000_000
"""Bytes a program may print; one that prints more is ended."""
_TAIL = 4_096
_NUMBER = re.compile(rb"[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?")


class Program(NamedTuple):
    """What is started, where, with which variables, and for how many seconds at the most."""

    argv: tuple[str, ...]
    folder: str | None
    environ: Mapping[str, str]
    seconds: float


class Ending(NamedTuple):
    """How a program ended: a mark from 0 to 1, or None where the program itself is at fault.

    `says` is a clause on what speaks against the answer, or on what went wrong; `late` is true
    for one that was ended because its time was up.
    """

    score: float | None
    says: str = ""
    late: bool = False


class _Heard:
    """What a program printed: how much, and the end of it."""

    def __init__(self) -> None:
        self.size = 0
        self.tail = b""
        self.flooded = False


async def run_program(program: Program, *, text: str) -> Ending:
    """Let a program mark a text that it reads from its standard input.

    It says so by its exit code, 0 for a good answer and any other for a bad one, or, ending with
    0, by a number from 0 to 1 alone on the last line it prints. One that does not end in time
    gives 0, as the answer may be why. Whatever it started is ended with it.
    """
    try:
        process = await anyio.open_process(
            program.argv,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=program.folder,
            env=dict(program.environ),
            start_new_session=sys.platform != "win32",
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return Ending(None, f"could not be started ({reason})")
    heard = _Heard()
    with anyio.move_on_after(program.seconds) as time:
        try:
            await _converse(process, text.encode("utf-8", "replace"), heard)
        finally:
            _end(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()
    if heard.flooded:
        return Ending(None, f"printed more than {MOST_OUTPUT // 1_000_000} MB")
    if time.cancelled_caught:
        return Ending(0.0, f"it did not end within {program.seconds:g} s", late=True)
    return _ending(process.returncode or 0, heard.tail)


async def _converse(process: Process, text: bytes, heard: _Heard) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_tell, process, text)
        group.start_soon(_listen, process, heard)
        await process.wait()
        # Children that live on would keep the pipe open.
        _end(process)


async def _tell(process: Process, text: bytes) -> None:
    stream = process.stdin
    if stream is None:
        return
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        await stream.send(text)
    with suppress(anyio.BrokenResourceError, OSError):
        await stream.aclose()


async def _listen(process: Process, heard: _Heard) -> None:
    if process.stdout is None:
        return
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for piece in process.stdout:
            heard.size += len(piece)
            heard.tail = (heard.tail + piece)[-_TAIL:]
            if heard.size > MOST_OUTPUT:
                heard.flooded = True
                _end(process)
                return


def _end(process: Process) -> None:
    """End a program and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _ending(code: int, tail: bytes) -> Ending:
    if code:
        return Ending(0.0, f"it ended with exit code {code}")
    last = tail.rstrip().rpartition(b"\n")[2].strip()
    if not _NUMBER.fullmatch(last):
        return Ending(1.0)
    score = float(last)
    if not math.isfinite(score) or not 0 <= score <= 1:
        return Ending(None, "gave a number that is not from 0 to 1")
    return Ending(score)
