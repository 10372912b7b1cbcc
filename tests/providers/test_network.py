"""The sockets under every call: TLS, packets, flow control, connections that are kept or lost."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio

from mcp_router.errors import ProviderConnectionError, ProviderTimeout
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.deadlines import Deadlines
from mcp_router.providers.network import AsyncioTransport, usable
from tests.providers.scene import (
    ANSWER,
    END,
    STREAM,
    RawServer,
    at,
    call,
    head,
    piece,
    serving,
    target,
    whole,
)

CERTIFICATE = Path(__file__).with_name("localhost.pem")
LIMITS = httpx2.Limits(max_connections=10, max_keepalive_connections=10)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def listening(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def transport() -> AsyncIterator[AsyncioTransport]:
    one = AsyncioTransport(tls=None, limits=LIMITS)
    try:
        yield one
    finally:
        await one.aclose()


def secure() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def post(port: int, body: bytes = b"{}", **timeout: float) -> httpx2.Request:
    return httpx2.Request(
        "POST", f"http://127.0.0.1:{port}/", content=body, extensions={"timeout": timeout}
    )


async def read(response: httpx2.Response) -> bytes:
    try:
        return b"".join([chunk async for chunk in response.aiter_raw()])
    finally:
        await response.aclose()


async def test_asyncio_is_used_where_it_runs() -> None:
    assert usable()
    assert not await asyncio.to_thread(usable)
    assert not await asyncio.to_thread(trio.run, elsewhere)


async def elsewhere() -> bool:
    return usable()


async def test_a_call_over_tls_is_answered_over_one_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    raw = RawServer([whole(ANSWER)])
    async with listening(raw.serve, tls=secure()) as port, ProviderClient() as client:
        place = target(base_url=f"https://localhost:{port}/v1")
        for _ in range(2):
            assert (await client.complete(place, call())).content == "hi"
    assert raw.connections == 1


async def test_a_certificate_that_nobody_vouches_for_ends_the_call() -> None:
    raw = RawServer([whole(ANSWER)])
    async with listening(raw.serve, tls=secure()) as port, ProviderClient() as client:
        with pytest.raises(ProviderConnectionError):
            await client.complete(target(base_url=f"https://localhost:{port}/v1"), call())
    assert raw.seen == []


async def test_a_certificate_of_another_name_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    raw = RawServer([whole(ANSWER)])
    async with listening(raw.serve, tls=secure()) as port, ProviderClient() as client:
        with pytest.raises(ProviderConnectionError):
            await client.complete(target(base_url=f"https://127.0.0.2:{port}/v1"), call())
    assert raw.seen == []


async def test_a_server_that_never_ends_the_handshake_runs_into_the_connect_deadline() -> None:
    deadlines = Deadlines(connect=0.05)
    async with serving(["hang"]) as server, ProviderClient() as client:
        place = target(base_url=f"https://127.0.0.1:{server.port}/v1")
        with pytest.raises(ProviderTimeout, match="connect"):
            await client.complete(place, call(), deadlines=deadlines)


async def test_head_and_body_of_a_request_come_in_one_packet() -> None:
    first: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first.append(await reader.read(1 << 16))
        writer.write(whole({}))
        writer.close()

    async with listening(answer) as port, transport() as carrier:
        await read(await carrier.handle_async_request(post(port, b'{"n": 1}')))
    assert first[0].startswith(b"POST / HTTP/1.1\r\n")
    assert first[0].endswith(b'\r\n\r\n{"n": 1}')


async def test_a_body_of_megabytes_arrives_whole() -> None:
    sent = bytes(range(256)) * 20_000
    async with serving([whole({})]) as server, transport() as carrier:
        body = b'"' + sent.hex().encode() + b'"'
        await read(await carrier.handle_async_request(post(server.port, body)))
    assert bytes.fromhex(server.seen[0].body) == sent


async def test_an_answer_is_held_back_until_it_is_read() -> None:
    size, written = 50_000_000, asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(head(content_length=size))
        writer.write(bytes(size))
        await writer.drain()
        written.set()
        writer.close()

    async with listening(answer) as port, transport() as carrier:
        response = await carrier.handle_async_request(post(port))
        # A plain call to this loop takes many rounds of it: time enough to take in all there is.
        async with serving([whole({})]) as other:
            await read(await carrier.handle_async_request(post(other.port)))
        assert not written.is_set()
        assert len(await read(response)) == size
        await written.wait()


async def test_an_idle_connection_that_the_server_ended_is_not_used_again() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"{}")
        writer.write(whole({}))

    async with listening(answer) as port, transport() as carrier:
        await read(await carrier.handle_async_request(post(port)))
        # Ended behind the back of the event loop, which has not run when the next call begins.
        raw = socket.fromfd(writers[0].get_extra_info("socket").fileno(), *_kind())
        raw.shutdown(socket.SHUT_RDWR)
        raw.close()
        assert await read(await carrier.handle_async_request(post(port))) == b"{}"
        assert len(writers) == 2
        for writer in writers:
            writer.close()


def _kind() -> tuple[int, int]:
    return socket.AF_INET, socket.SOCK_STREAM


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (["close"], httpx2.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\n", "close"], httpx2.RemoteProtocolError),
        ([STREAM, piece(b"data"), "close"], httpx2.RemoteProtocolError),
        ([b"no HTTP at all\r\n\r\n", "close"], httpx2.RemoteProtocolError),
        (["hang"], httpx2.ReadTimeout),
        ([STREAM, piece(b"data"), "hang"], httpx2.ReadTimeout),
    ],
)
async def test_each_failure_has_the_name_that_the_client_library_gives_it(
    script: list[Any], error: type[httpx2.TransportError]
) -> None:
    async with serving(script) as server, transport() as carrier:
        with pytest.raises(error):
            await read(await carrier.handle_async_request(post(server.port, read=0.05)))


async def test_a_reset_connection_is_told_as_a_failed_read() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(STREAM + piece(b"data"))
        await writer.drain()
        writer.transport.abort()

    async with listening(reset) as port, transport() as carrier:
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            await read(await carrier.handle_async_request(post(port)))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://no-such-host.invalid/", f"http://{'a' * 64}.invalid/"]
)
async def test_an_address_where_nobody_listens_cannot_be_connected_to(url: str) -> None:
    async with transport() as carrier:
        with pytest.raises(httpx2.ConnectError):
            await carrier.handle_async_request(httpx2.Request("POST", url))


async def test_a_call_that_is_cancelled_leaves_no_connection() -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        asked.set()
        await reader.read()
        hung_up.set()
        writer.close()

    async with listening(silence) as port, transport() as carrier:
        coming = asyncio.create_task(carrier.handle_async_request(post(port)))
        await asked.wait()
        coming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await coming
        await hung_up.wait()


async def test_a_proxy_that_the_system_names_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving([whole(ANSWER)]) as proxy, ProviderClient() as client:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        reply = await client.complete(target(base_url="http://models.invalid/v1"), call())
    assert reply.content == "hi"
    assert proxy.seen[0].line == "POST http://models.invalid/v1/chat/completions HTTP/1.1"


async def test_no_cookie_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    script = [whole(ANSWER, set_cookie="who=you; Path=/")]
    async with serving(script) as server, ProviderClient() as client:
        for _ in range(2):
            await client.complete(at(server), call())
    assert [("cookie" in one.headers) for one in server.seen] == [False, False]


async def test_a_stream_in_many_pieces_is_read_over_one_connection() -> None:
    pieces = [piece(f"{number:04}".encode()) for number in range(500)]
    async with serving([STREAM, *pieces, END]) as server, transport() as carrier:
        for _ in range(2):
            body = await read(await carrier.handle_async_request(post(server.port)))
            assert body == b"".join(f"{number:04}".encode() for number in range(500))
    assert server.connections == 1
