"""A closed-loop load over HTTP: so many connections, each asking again once it was answered."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Mapping
from typing import NamedTuple

SENTENCE = "Summarise the minutes of the meeting in a few friendly sentences. "
PROMPT = SENTENCE * 8
_LINES = 1 << 20
_NUMBERS = itertools.count()


class Aim(NamedTuple):
    """Where requests go and what they say; `fresh` prompts differ from one to the next."""

    port: int
    model: str
    headers: Mapping[str, str] = {}
    fresh: bool = True
    path: str = "/v1/chat/completions"


class Shape(NamedTuple):
    """How requests come: so many at a time, their answers whole or as streams."""

    stream: bool
    connections: int


class Speed(NamedTuple):
    """What came of a load, in requests and milliseconds."""

    answered: int
    per_second: float
    p50: float
    p99: float


async def drive(aim: Aim, shape: Shape, *, seconds: float) -> Speed:
    """Load a server for so long; the answers under way at the end are waited for.

    Raises:
        RuntimeError: an answer was not what it should be.
    """
    begun = time.perf_counter()
    width, until = range(shape.connections), begun + seconds
    each = await asyncio.gather(
        *(_connection(aim, stream=shape.stream, until=until) for _ in width),
        return_exceptions=True,
    )
    took = time.perf_counter() - begun
    # Only now, as what is still under way would disturb what is measured next.
    for one in each:
        if isinstance(one, BaseException):
            raise one
    found = sorted(time for one in each if isinstance(one, list) for time in one)
    last = len(found) - 1
    return Speed(
        len(found),
        len(found) / took,
        found[last // 2] * 1000,
        found[round(last * 0.99)] * 1000,
    )


async def _connection(aim: Aim, *, stream: bool, until: float) -> list[float]:
    """Ask over one connection, and return how many seconds each answer took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", aim.port, limit=_LINES)
    head, took = _head(aim), list[float]()
    try:
        while (begun := time.perf_counter()) < until or not took:
            body = _body(aim, stream=stream)
            writer.write(head % len(body) + body)
            await _answer(reader, stream=stream)
            took.append(time.perf_counter() - begun)
    finally:
        writer.close()
    return took


async def _answer(reader: asyncio.StreamReader, *, stream: bool) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise RuntimeError(f"no answer: {(head + await reader.read(400)).decode()}")
    if b"transfer-encoding: chunked" in head:
        # No chunk of these answers holds an empty line with a carriage return.
        content = await reader.readuntil(b"\r\n0\r\n\r\n")
    else:
        size = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        content = await reader.readexactly(int(size))
    if (b"[DONE]" if stream else b'"usage"') not in content:
        raise RuntimeError(f"half an answer: {content[-400:].decode()}")


def _head(aim: Aim) -> bytes:
    lines = {
        "host": f"127.0.0.1:{aim.port}",
        "content-type": "application/json",
        **aim.headers,
        "content-length": "%d",
    }
    told = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {aim.path} HTTP/1.1\r\n{told}\r\n".encode()


def _body(aim: Aim, *, stream: bool) -> bytes:
    prompt = f"{PROMPT} Meeting {next(_NUMBERS)}." if aim.fresh else PROMPT
    body = {"model": aim.model, "messages": [{"role": "user", "content": prompt}]}
    return json.dumps({**body, "stream": stream}).encode()
