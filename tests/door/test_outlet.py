"""What is written in one turn of the loop leaves together, and nothing waits longer."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import pytest
from uvicorn.server import ServerState

from mcp_router.door.connection import DoorConfig, DoorConnection
from mcp_router.door.outlet import Outlet

WHOLE = 65_536


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Kept(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


def outlet() -> tuple[Outlet, Kept]:
    kept = Kept()
    return Outlet(kept, loop=asyncio.get_running_loop()), kept


async def turn() -> None:
    await asyncio.sleep(0)


async def test_the_head_of_an_answer_leaves_with_its_body() -> None:
    joined, kept = outlet()
    joined.write(b"head ")
    joined.write(b"body")
    assert kept.writes == []
    await turn()
    assert kept.writes == [b"head body"]
    joined.write(b"next")
    await turn()
    assert kept.writes == [b"head body", b"next"]


async def test_an_answer_that_is_complete_does_not_wait_for_the_loop() -> None:
    joined, kept = outlet()
    joined.write(b"all of it")
    joined.flush()
    assert kept.writes == [b"all of it"]
    await turn()
    assert kept.writes == [b"all of it"]


async def test_much_is_sent_at_once() -> None:
    joined, kept = outlet()
    joined.write(b"x" * (WHOLE - 1))
    assert kept.writes == []
    joined.write(b"y")
    assert [len(one) for one in kept.writes] == [WHOLE]


async def test_what_was_taken_is_sent_before_hanging_up() -> None:
    joined, kept = outlet()
    joined.write(b"last words")
    joined.close()
    assert (kept.writes, kept.ended) == ([b"last words"], "closed")


async def test_who_is_given_up_gets_nothing_more() -> None:
    joined, kept = outlet()
    joined.write(b"never read")
    joined.abort()
    await turn()
    assert (kept.writes, kept.ended) == ([], "aborted")


async def test_what_is_written_later_is_not_taken_for_what_was_given_up() -> None:
    joined, kept = outlet()
    joined.write(b"x" * (WHOLE - 1))
    joined.abort()
    joined.write(b"y")
    assert kept.writes == []


async def test_pieces_are_not_held_back_by_the_system() -> None:
    # A socket that listens without the number of its protocol makes asyncio leave this out.
    config, state = DoorConfig(_no_app, ws="none", lifespan="off"), ServerState()
    made = list[DoorConnection]()

    def connection() -> DoorConnection:
        made.append(DoorConnection(config, state, {}))
        return made[-1]

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        server = await asyncio.get_running_loop().create_server(connection, sock=listening)
        async with server:
            _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            while not state.connections:
                await turn()
            link = made[0].transport.get_extra_info("socket")
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            made[0].transport.abort()
            writer.close()


async def _no_app(scope: object, receive: object, send: object) -> None:
    del scope, receive, send
