"""A closed-loop load on several replicas, as clients behind a plain balancer give it.

Requests go to the replicas in turn. One that refuses connections gets none for a quarter of a
second; what was sent once is not sent again, so that a replica which dies fails what it was doing.
After a failure a client waits for a tenth of a second.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

DOWN_S = 0.25
PAUSE_S = 0.1
LIMIT_S = 20.0
ANSWER_TOKENS = 200
_NUMBERS = itertools.count()


class Sample(NamedTuple):
    """One request: when it began, seconds it took, its status (0 without one), and its decision."""

    begun: float
    took: float
    status: int
    decision: str

    @property
    def ended(self) -> float:
        """When the answer was there, or it was clear that none comes."""
        return self.begun + self.took


class Load:
    """Clients that ask until they are told to stop; `samples` holds what came of it so far."""

    def __init__(self, ports: Sequence[int], *, secret: str) -> None:
        self.secret = secret
        self.samples: list[Sample] = []
        self._ports = ports
        self._turn = itertools.count()
        self._down = dict.fromkeys(ports, 0.0)
        self._stopped = False

    async def run(self, clients: int) -> None:
        """Ask from so many clients at a time, until stopped."""
        await asyncio.gather(*(self._client() for _ in range(clients)))

    def stop(self) -> None:
        """Let every client end with the answer that it waits for."""
        self._stopped = True

    async def _client(self) -> None:
        links: dict[int, _Link] = {}
        while not self._stopped:
            begun = time.perf_counter()
            status, decision = await self._ask(links)
            self.samples.append(Sample(begun, time.perf_counter() - begun, status, decision))
            if status != 200:
                await asyncio.sleep(PAUSE_S)
        for link in links.values():
            link.writer.close()

    async def _ask(self, links: dict[int, _Link]) -> tuple[int, str]:
        port = await self._connected(links)
        if port is None:
            return 0, ""
        try:
            async with asyncio.timeout(LIMIT_S):
                return await links[port].ask(self.secret)
        except (OSError, EOFError, TimeoutError):
            links.pop(port).writer.close()
            return 0, ""

    async def _connected(self, links: dict[int, _Link]) -> int | None:
        """Choose the next replica that takes connections."""
        first = next(self._turn)
        for step in range(len(self._ports)):
            port = self._ports[(first + step) % len(self._ports)]
            if self._down[port] > time.perf_counter():
                continue
            if port in links and not links[port].reader.at_eof():
                return port
            try:
                links[port] = _Link(*await asyncio.open_connection("127.0.0.1", port))
            except OSError:
                self._down[port] = time.perf_counter() + DOWN_S
            else:
                return port
        return None


class _Link(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, secret: str) -> tuple[int, str]:
        """Send a request and read all of its answer; return its status and its decision."""
        said = f"Summarise the minutes of meeting {next(_NUMBERS)} in a few friendly sentences."
        body = json.dumps(
            {
                "model": "auto",
                "max_tokens": ANSWER_TOKENS,
                "messages": [{"role": "user", "content": said}],
            }
        ).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Bearer {secret}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in lines if line)
        await self.reader.readexactly(int(told["content-length"]))
        return int(first.split()[1]), told.get("x-router-decision-id", "")
