"""A web address on loopback that keeps what it is sent."""

from __future__ import annotations

import re
from contextlib import suppress
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Listener:
    """`requests` holds head and body of each; without an answer it stays silent."""

    def __init__(self, *, answer: bytes | None = OK) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.url = ""
        self._answer = answer
        self._group: TaskGroup

    async def __aenter__(self) -> Self:
        server = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self._server = server
        port = server.extra(SocketAttribute.local_port)
        self.url = f"http://127.0.0.1:{port}/hook"
        self._group = await anyio.create_task_group().__aenter__()
        self._group.start_soon(server.serve, self._serve)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)
        await self._server.aclose()

    async def _serve(self, stream: SocketStream) -> None:
        # Whoever asks may leave at any moment.
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await self._converse(stream)

    async def _converse(self, stream: SocketStream) -> None:
        async with stream:
            data = b""
            while b"\r\n\r\n" not in data:
                data += await stream.receive()
            head, body = data.split(b"\r\n\r\n", 1)
            length = re.search(rb"content-length: (\d+)", head.lower())
            while length and len(body) < int(length[1]):
                body += await stream.receive()
            self.requests.append((head.decode() + "\r\n", body))
            if self._answer is None:
                await anyio.sleep_forever()
            else:
                await stream.send(self._answer)
