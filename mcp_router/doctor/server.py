"""Checks that the MCP server starts and answers the first message of a host in time."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mcp_router.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anyio.abc import Process

DEADLINE_SECONDS = 15.0
SLOW_SECONDS = 2.5
"""Claude Code gives up on a first answer after 2.6 to 3 s and asks once more in another way."""

_MOST_BYTES = 1_000_000
_HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "mcp-router doctor", "version": "1"},
    },
}


def check_server(
    words: Sequence[str], *, environ: Mapping[str, str], deadline: float = DEADLINE_SECONDS
) -> Finding:
    """Start the server by `words`, say hello as a host does, and wait `deadline` seconds."""
    import anyio

    shown = " ".join(words)
    mend = f"Run it by hand to see why: {shown}"
    started = time.monotonic()
    try:
        answer = anyio.run(partial(_first_answer, words, environ=environ, deadline=deadline))
    except OSError as error:
        return fail("Server", f"{shown} does not start ({error.strerror})", mend)
    taken = time.monotonic() - started
    if answer is None:
        return fail("Server", f"{shown} gave no MCP answer within {deadline:g} s", mend)
    text = f"answered after {taken:.1f} s as {answer}"
    if taken > SLOW_SECONDS:
        return warn("Server", text, "Hosts wait about 3 s; a busy machine is the usual reason.")
    return ok("Server", text)


async def _first_answer(
    words: Sequence[str], *, environ: Mapping[str, str], deadline: float
) -> str | None:
    """Return name and version of the server, or None where no answer came.

    Raises:
        OSError: the program cannot be started.
    """
    import anyio

    process = await anyio.open_process(list(words), env=environ, stderr=subprocess.DEVNULL)
    answer = None
    # Where the program has left, already closing its stdin complains.
    with suppress(ConnectionError):
        async with process:
            with anyio.move_on_after(deadline):
                answer = await _greeted(process)
            with suppress(ProcessLookupError):
                process.kill()
    return answer


async def _greeted(process: Process) -> str | None:
    import anyio
    from anyio.streams.buffered import BufferedByteReceiveStream

    if process.stdin is None or process.stdout is None:
        return None
    try:
        await process.stdin.send(json.dumps(_HELLO).encode() + b"\n")
        answers = BufferedByteReceiveStream(process.stdout)
        return _named(await answers.receive_until(b"\n", max_bytes=_MOST_BYTES))
    except (anyio.BrokenResourceError, anyio.IncompleteRead, anyio.DelimiterNotFound):
        return None


def _named(line: bytes) -> str | None:
    try:
        info = json.loads(line)["result"]["serverInfo"]
        return f"{info['name']} {info['version']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
