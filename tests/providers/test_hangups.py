"""Whoever stops waiting, and whoever hangs up: no connection is left open or lost in the pool."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from mcp_router.errors import MalformedResponseError, ProviderError
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.deadlines import Deadlines
from mcp_router.providers.wire import FinishDelta, Target, TextDelta
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer
from tests.providers.scene import (
    ANSWER,
    END,
    STREAM,
    WIRE_NAMES,
    at,
    call,
    chunk,
    piece,
    serving,
    sse,
    target,
    whole,
)
from tests.providers.wirings import PATIENT, cut_at, hear
from tests.stepping import cancelled_everywhere


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def place(server: FaultServer, wire: str = "openai") -> Target:
    return target(wire, base_url=server.base_url(wire))  # type: ignore[arg-type]


async def assert_closed(server: FaultServer) -> None:
    with anyio.fail_after(5):
        await server.wait_until(lambda one: not one.connections)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("children", [1, 3])
async def test_calls_given_up_at_any_await_leave_no_connection(children: int, stream: bool) -> None:
    async with FaultServer() as server, ProviderClient() as client:
        # A connection that the server closes makes every call open one of its own.
        server.script("m-1", [Fault.disconnect("mid_body", after=2)])

        async def one() -> None:
            heard = await hear(client, place(server), call(), stream=stream)
            assert isinstance(heard.error, MalformedResponseError)

        async def work() -> None:
            async with anyio.create_task_group() as group:
                for _ in range(children):
                    group.start_soon(one)

        stopped = await cancelled_everywhere(work, after=lambda: assert_closed(server))
        assert stopped >= 3


async def test_a_place_in_the_pool_is_free_again_after_any_number_of_calls_given_up() -> None:
    async with FaultServer() as server, ProviderClient() as client:
        for rounds in range(1, 30):
            with anyio.CancelScope() as scope:

                async def one(scope: anyio.CancelScope = scope) -> None:
                    await client.complete(place(server), call())

                async with anyio.create_task_group() as group:
                    group.start_soon(one)
                    for _ in range(rounds % 10):
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()
        reply = await client.complete(place(server), call())
        assert reply.content
        with anyio.fail_after(5):
            await server.wait_until(lambda one: one.connections <= 1)


async def test_a_deadline_while_a_connection_opens_leaves_none() -> None:
    async with FaultServer() as server, ProviderClient() as client:
        for moment in range(40):
            soon = Deadlines(connect=1.0, first_token=1.0, idle=1.0, total=moment / 10_000)
            server.script("m-1", [Answer("late", header_delay=0.2)])
            with pytest.raises(ProviderError):
                await client.complete(place(server), call(), deadlines=soon)
        await assert_closed(server)


@pytest.mark.parametrize("wire", WIRE_NAMES)
async def test_a_reader_that_leaves_after_any_piece_closes_its_connection(wire: str) -> None:
    async with FaultServer() as server, ProviderClient() as client:
        server.script("m-1", [Answer("0123456789", chunks=5, chunk_delay=0.005)])
        for pieces in range(4):
            deltas = client.stream(place(server, wire), call())
            for _ in range(pieces):
                await anext(deltas)
            await deltas.aclose()
            await assert_closed(server)


async def test_every_byte_of_a_stream_may_come_in_a_packet_of_its_own() -> None:
    body = piece(sse(chunk("Grüße, "), chunk("世界 🙂"), chunk(finish="stop"))) + END
    script = [STREAM, *(one for cut in cut_at(body, range(0, len(body), 3)) for one in (cut, 0.0))]
    async with serving(script) as server, ProviderClient() as client:
        heard = await hear(client, at(server), call(), stream=True)
    assert heard.reply is not None
    assert heard.reply.content == "Grüße, 世界 🙂"


@pytest.mark.parametrize("head", range(0, 160, 13))
async def test_an_answer_cut_anywhere_in_its_bytes_is_an_error(head: int) -> None:
    data = whole(ANSWER)
    async with serving([data[:head], "close"]) as server, ProviderClient() as client:
        heard = await hear(client, at(server), call(), stream=False)
    assert heard.reply is None
    assert heard.error is not None
    assert str(server.port) not in str(heard.error)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nhi",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: \x00\x01\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\nPRI",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8bx",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
        b"x: " + b"y" * 300_000,
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_bytes_that_are_no_http_answer_have_a_name(data: bytes, stream: bool) -> None:
    async with serving([data, "close"]) as server, ProviderClient() as client:
        heard = await hear(client, at(server), call(), stream=stream)
        assert heard.reply is None
        assert heard.error is not None
        told = f"{heard.error} {heard.error.__cause__}"
        assert "169.254" not in str(heard.error)
        assert "SECRET" not in told
        assert len(server.seen) == 1


async def test_a_connection_that_broke_is_not_used_again() -> None:
    fine = STREAM + piece(sse(chunk("hi"), chunk(finish="stop"))) + END
    async with (
        serving([STREAM, piece(sse(chunk("h"), done=False)), b"zz\r\n"], [fine]) as server,
        ProviderClient() as client,
    ):
        broken = await hear(client, at(server), call(), stream=True)
        fresh = await hear(client, at(server), call(), stream=True)
    assert broken.deltas == [TextDelta("h")]
    assert isinstance(broken.error, MalformedResponseError)
    assert isinstance(fresh.deltas[-1], FinishDelta)
    assert server.connections == 2


async def test_bytes_after_an_answer_do_not_become_the_next_one() -> None:
    answered = asyncio.Event()
    over: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}]}")
        writer.write(whole(ANSWER))
        await answered.wait()
        writer.write(whole({**ANSWER, "model": "smuggled"}))
        await reader.read()
        writer.close()
        over.append(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        async with ProviderClient() as client:
            first = await client.complete(target(base_url=base), call(), deadlines=PATIENT)
            answered.set()
            await turns(20)
            second = await client.complete(target(base_url=base), call(), deadlines=PATIENT)
        await turns(20)
    assert (first.model, second.model, len(over)) == ("m-1", "m-1", 2)


@pytest.mark.parametrize("stream", [False, True])
async def test_bytes_in_the_packet_of_an_answer_do_not_become_the_next_one(stream: bool) -> None:
    fine = STREAM + piece(sse(chunk("hi"), chunk(finish="stop"))) + END
    answer = fine if stream else whole(ANSWER)
    smuggled = whole({**ANSWER, "model": "smuggled"})
    scripts = [answer + smuggled], [answer]
    async with serving(*scripts) as server, ProviderClient() as client:
        models: list[str | None] = []
        for _ in range(3):
            heard = await hear(client, at(server), call(), stream=stream)
            assert heard.reply is not None
            models.append(heard.reply.model)
    assert models == ["m-1"] * 3
    assert server.connections == 2


async def turns(number: int) -> None:
    """Let the event loop run, so that what was sent arrives."""
    for _ in range(number):
        await anyio.lowlevel.checkpoint()
