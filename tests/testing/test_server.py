"""The life of a fault server: what it records, what it lets in, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from contextlib import suppress

import anyio
import httpx2
import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault, Repeat
from mcp_router.testing.connection import Connection
from mcp_router.testing.http import CHUNKED_END
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer
from mcp_router.types import ProviderInfo
from tests.testing.client import PATIENCE, WIRES, Prompt, ask, http, said, send, written

every_wire = pytest.mark.parametrize("wire", WIRES)


def question(text: str, *, model: str = "m", stream: bool = False) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}


@every_wire
async def test_every_request_is_recorded_as_it_came(server: FaultServer, wire: WireName) -> None:
    before = time.monotonic()
    headers = {"X-Trace": "abc", "authorization": "Bearer k"}
    await ask(server, Prompt(wire, "hi", stream=True, headers=headers))
    (call,) = server.calls
    assert (call.wire, call.model, call.stream, call.method) == (wire, "m", True, "POST")
    assert call.headers["x-trace"] == "abc"
    assert before <= call.time <= time.monotonic()
    assert call.body["contents" if wire == "gemini" else "messages"]
    assert (call.number, call.shown) == (1, "answer")
    assert server.answered == 1


async def test_calls_prove_how_long_a_client_waited(server: FaultServer) -> None:
    server.script("m", [Fault.http(429, retry_after=0.05)], then="healthy")
    first = await ask(server, Prompt("openai"))
    await anyio.sleep(float(first.headers["retry-after"]))
    await ask(server, Prompt("openai"))
    one, two = server.calls
    assert two.time - one.time >= 0.05
    assert [call.shown for call in server.calls] == ["http", "answer"]


async def test_an_outage_ends_after_its_seconds(server: FaultServer) -> None:
    server.script("m", [Repeat(Fault.http(503), seconds=0.05)], then="healthy")
    statuses = [(await ask(server, Prompt("openai"))).status]
    while statuses[-1] == 503:
        statuses.append((await ask(server, Prompt("openai"))).status)
    first, last = server.calls[0], server.calls[-1]
    assert statuses[-1] == 200
    assert last.time - first.time >= 0.05


async def test_a_rate_limit_holds_under_concurrency(server: FaultServer) -> None:
    server.limit_rate("m", requests=5, per_seconds=60.0)
    exchanges = await asyncio.gather(*(ask(server, Prompt("openai")) for _ in range(30)))
    statuses = [exchange.status for exchange in exchanges]
    assert (statuses.count(200), statuses.count(429)) == (5, 25)
    waits = [float(e.headers["retry-after"]) for e in exchanges if e.status == 429]
    assert all(50.0 < wait <= 60.0 for wait in waits)


async def test_two_hundred_requests_at_once_get_their_own_answers(server: FaultServer) -> None:
    server.script("late", [Answer(chunk_delay=0.005)])

    async def one(number: int) -> None:
        wire, stream = WIRES[number % 3], number % 2 == 0
        prompt = Prompt(wire, f"number {number}", model="late", stream=stream)
        exchange = await ask(server, prompt)
        assert said(wire, exchange, stream=stream) == echo(f"number {number}")

    await asyncio.gather(*map(one, range(200)))
    assert server.answered == 200
    assert len({call.number for call in server.calls}) == 200


async def test_httpx2_reuses_one_connection(server: FaultServer) -> None:
    async with httpx2.AsyncClient(base_url=server.base_url("openai")) as client:
        for number in range(20):
            reply = await client.post("/chat/completions", json=question(f"n {number}"))
            content = reply.json()["choices"][0]["message"]["content"]
            assert content == echo(f"n {number}")
        assert server.connections == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.reset("before_headers"), httpx2.ReadError),
        (Fault.disconnect("before_headers"), httpx2.RemoteProtocolError),
        (Fault.reset("mid_body"), httpx2.ReadError),
        (Fault.disconnect("mid_body"), httpx2.RemoteProtocolError),
        (Fault.garbage("connection"), httpx2.RemoteProtocolError),
        (Fault.silence(), httpx2.ReadTimeout),
        (Fault.stall(), httpx2.ReadTimeout),
    ],
)
async def test_httpx2_sees_a_broken_connection_as_the_error_it_is(
    server: FaultServer, fault: Fault, error: type[Exception]
) -> None:
    server.script("m", [fault])
    # Only reading is hurried: connecting takes what it takes on a busy machine.
    patience = httpx2.Timeout(30, read=0.2)
    async with httpx2.AsyncClient(base_url=server.base_url("openai"), timeout=patience) as client:
        with pytest.raises(error):
            await client.post("/chat/completions", json=question("hi"))


async def test_a_refused_connection_is_refused(server: FaultServer) -> None:
    async with httpx2.AsyncClient(base_url=server.closed_url("openai")) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.post("/chat/completions", json=question("hi"))


async def test_a_client_that_hangs_up_is_noticed(server: FaultServer) -> None:
    server.script("m", [Fault.silence()])
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, server, Prompt("openai", "lost"))
            await server.wait_until(lambda s: len(s.calls) == 1)
            assert server.abandoned == ()
            scope.cancel()
    await server.wait_until(lambda s: len(s.abandoned) == 1)
    assert server.abandoned == server.calls
    assert (server.answered, server.connections) == (0, 0)


async def test_a_slow_stream_stops_when_its_client_is_gone(server: FaultServer) -> None:
    server.script("m", [Answer("x" * 100, chunks=100, chunk_delay=0.01)])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(written(Prompt("openai", stream=True)))
    await reader.readuntil(b'"content":"x"')
    writer.transport.abort()
    await server.wait_until(lambda s: s.connections == 0)
    assert len(server.abandoned) == 1


async def test_a_client_that_reads_slowly_is_sent_to_slowly(server: FaultServer) -> None:
    server.script("m", [Answer("x" * 16_000_000, chunks=200, chunk_delay=1e-6)])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(written(Prompt("openai", stream=True)))
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(3000):
        await asyncio.sleep(0)
    assert server.answered == 0
    body = bytearray()
    while not body.endswith(CHUNKED_END):
        body += await reader.read(1 << 20)
    assert body.count(b"x") >= 16_000_000
    writer.transport.abort()


@every_wire
@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({}, False),
        ({"authorization": "Bearer right"}, True),
        ({"authorization": "Bearer wrong"}, False),
        ({"authorization": "Basic right"}, False),
        ({"own": "right"}, True),
        ({"own": "wrong"}, False),
    ],
)
async def test_the_key_is_checked_where_the_wire_puts_it(
    wire: WireName, headers: dict[str, str], admitted: bool
) -> None:
    own = {"anthropic": "x-api-key", "gemini": "x-goog-api-key", "openai": "authorization"}[wire]
    prefix = "Bearer " if wire == "openai" else ""
    sent = {own if k == "own" else k: prefix + v if k == "own" else v for k, v in headers.items()}
    async with FaultServer(api_key="right") as server:
        exchange = await ask(server, Prompt(wire, headers=sent))
        refused = 400 if wire == "gemini" else 401
        assert exchange.status == (200 if admitted else refused)
        assert server.calls[0].shown == ("answer" if admitted else "invalid_key")


async def test_gemini_takes_its_key_from_the_query_too() -> None:
    async with FaultServer(api_key="right") as server:
        path = b":generateContent?key="
        data = written(Prompt("gemini")).replace(b":generateContent", path + b"right")
        assert (await send(server, data)).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "names"),
    [
        ("/v1/models", {}, lambda body: [row["id"] for row in body["data"]]),
        (
            "/v1/models",
            {"anthropic-version": "2023-06-01"},
            lambda body: [row["id"] for row in body["data"] if row["type"] == "model"],
        ),
        (
            "/v1beta/models",
            {},
            lambda body: [row["name"].removeprefix("models/") for row in body["models"]],
        ),
    ],
    ids=WIRES,
)
async def test_scripted_models_are_listed_on_every_wire(
    server: FaultServer, path: str, headers: dict[str, str], names: object
) -> None:
    server.script("a", [])
    server.script("b", [Fault.http(500)])
    exchange = await send(server, http("GET", path, headers={"host": "x"} | headers))
    assert callable(names)
    assert names(exchange.json) == ["a", "b"]


@pytest.mark.parametrize("root", ["", "/v1", "/v1beta", "/some/proxy/v1"])
@every_wire
async def test_the_root_of_the_path_does_not_matter(
    server: FaultServer, wire: WireName, root: str
) -> None:
    paths = {
        "openai": "/chat/completions",
        "anthropic": "/messages",
        "gemini": "/models/m:generateContent",
    }
    data = written(Prompt(wire, "hi"))
    line, end, rest = data.partition(b"\r\n")
    line = f"POST {root}{paths[wire]} HTTP/1.1".encode()
    assert said(wire, await send(server, line + end + rest), stream=False) == echo("hi")


async def test_settings_name_providers_and_models_for_the_router(server: FaultServer) -> None:
    server.script("a", [Answer("x")])
    server.script("b", [Answer("x")], wire="gemini")
    server.script("c", [Fault.refused()], wire="anthropic")
    settings = server.settings(quality=0.9)
    providers = settings["providers"]
    for name, row in providers.items():
        assert ProviderInfo(name=name, **row).base_url.startswith("http://127.0.0.1:")
    assert {name: row["provider"] for name, row in settings["models"].items()} == {
        "a": "fault-openai",
        "b": "fault-gemini",
        "c": "fault-anthropic-refused",
    }
    assert settings["models"]["a"]["quality"] == 0.9
    assert providers["fault-openai"]["base_url"] == server.base_url("openai")
    assert providers["fault-anthropic-refused"]["base_url"] == server.closed_url("anthropic")


async def test_random_faults_spoil_the_same_share_of_real_requests() -> None:
    async def statuses(seed: int) -> list[int]:
        async with FaultServer() as server:
            server.random_faults(rate=0.3, seed=seed, pool=[Fault.http(500), Fault.http(503)])
            return [(await ask(server, Prompt("openai"))).status for _ in range(100)]

    first = await statuses(7)
    assert first == await statuses(7)
    assert 15 <= 100 - first.count(200) <= 45
    assert {500, 503} <= set(first)


async def test_reset_forgets_scripts_and_calls(server: FaultServer) -> None:
    server.script("m", [Fault.http(500)])
    server.limit_rate("m", requests=0)
    server.random_faults(rate=1.0)
    await ask(server, Prompt("openai"))
    server.reset()
    assert (server.calls, server.answered) == ((), 0)
    assert (await ask(server, Prompt("openai"))).status == 200


async def test_the_record_of_calls_is_bounded() -> None:
    async with FaultServer(max_calls=3) as server:
        for _ in range(5):
            await ask(server, Prompt("openai"))
        assert [call.number for call in server.calls] == [3, 4, 5]


async def test_a_healthy_answer_may_be_set_for_all_models() -> None:
    async with FaultServer(healthy=Answer("always this")) as server:
        exchange = await ask(server, Prompt("gemini"))
        assert said("gemini", exchange, stream=False) == "always this"


async def test_nothing_is_left_after_it_stops() -> None:
    tasks, threads = asyncio.all_tasks(), threading.active_count()
    async with FaultServer() as server:
        server.script("m", [Fault.silence(), Fault.stall(), Answer(chunk_delay=30.0)])
        port = server.port
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        for _, writer in opened[:3]:
            writer.write(written(Prompt("openai", stream=True)))
        await server.wait_until(lambda s: len(s.calls) == 3 and s.connections == 6)
    assert server.connections == 0
    assert len(server.abandoned) == 3
    assert asyncio.all_tasks() == tasks
    assert threading.active_count() == threads
    for reader, writer in opened:
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                await reader.read()
        writer.transport.abort()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    gc.collect()
    assert not any(isinstance(thing, Connection) for thing in gc.get_objects())


async def test_a_connection_made_while_it_stops_is_not_left_open() -> None:
    for turns in range(12):
        async with FaultServer() as server:
            connecting = asyncio.ensure_future(asyncio.open_connection("127.0.0.1", server.port))
            for _ in range(turns):
                await asyncio.sleep(0)
        try:
            _, writer = await connecting
        except ConnectionError:
            continue
        writer.transport.abort()
        assert server.connections == 0


async def test_a_port_in_use_leaves_nothing_open(server: FaultServer) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with FaultServer(port=server.port):
            pass
    gc.collect()


async def test_a_server_that_does_not_run_has_no_closed_port() -> None:
    with pytest.raises(RuntimeError, match="async with FaultServer"):
        FaultServer().closed_url("openai")


def test_synchronous_code_runs_it_in_a_thread_that_ends() -> None:
    before = set(threading.enumerate())
    with FaultServer.run_in_thread() as server, httpx2.Client() as client:
        server.script("m", [Fault.http(500)], then="healthy")
        url = f"{server.base_url('openai')}/chat/completions"
        assert client.post(url, json=question("hi")).status_code == 500
        reply = client.post(url, json=question("hi")).json()
        assert reply["choices"][0]["message"]["content"] == echo("hi")
        assert len(server.calls) == 2
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_clients_of_any_event_loop_reach_it_in_its_thread(backend: str) -> None:
    async def main(url: str) -> str:
        async with httpx2.AsyncClient() as client:
            reply = await client.post(f"{url}/chat/completions", json=question("hi"))
            return reply.json()["choices"][0]["message"]["content"]

    with FaultServer.run_in_thread(api_key=None) as server:
        assert anyio.run(main, server.base_url("openai"), backend=backend) == echo("hi")
