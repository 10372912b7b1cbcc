"""Bad input never brings the server down, and good input is read exactly."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer
from mcp_router.testing.http import Head, HttpProblem, chunk, read_head
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer
from tests.testing.client import WIRES, Prompt, ask, http, receive, said, send, written

GOOD = written(Prompt("openai", "hi"))


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_head_a_problem_or_the_start_of_something(data: bytes) -> None:
    found = read_head(data)
    assert found is None or isinstance(found, Head | HttpProblem)
    if isinstance(found, HttpProblem):
        assert 400 <= found.status < 600


@given(cut=st.integers(0, len(GOOD)))
def test_a_head_is_read_only_when_it_is_complete(cut: int) -> None:
    size = GOOD.index(b"\r\n\r\n") + 4
    found = read_head(GOOD[:cut])
    if cut < size:
        assert found is None
    else:
        assert isinstance(found, Head)
        assert (found.size, found.method) == (size, "POST")
        assert found.length == len(GOOD) - size


@given(data=st.binary(min_size=1, max_size=100))
def test_a_chunk_holds_its_data(data: bytes) -> None:
    size, _, rest = chunk(data).partition(b"\r\n")
    assert int(size, 16) == len(data)
    assert rest == data + b"\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / SMTP/1.0\r\n\r\n", 400),
        (b"BREW /pot HTTP/1.1\r\n\r\n", 501),
        (b"GET / HTTP/1.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: ten\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", 431),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_bad_http_is_answered_and_closed(
    server: FaultServer, data: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    exchange = await receive(reader)
    assert exchange.status == status
    assert exchange.json["error"]["message"]
    writer.transport.abort()
    await server.wait_until(lambda s: s.connections == 0)
    assert server.calls == ()
    assert said("openai", await send(server, GOOD), stream=False) == echo("hi")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (http("GET", "/"), 404),
        (http("POST", "/v1/embeddings", b"{}"), 404),
        (http("GET", "/v1/chat/completions"), 405),
        (http("POST", "/v1/models", b"{}"), 405),
        (http("POST", "/v1/chat/completions"), 400),
        (http("POST", "/v1/chat/completions", b"not json"), 400),
        (http("POST", "/v1/chat/completions", b"[1]"), 400),
        (http("POST", "/v1/chat/completions", b"[" * 100_000), 400),
        (http("POST", "/v1/chat/completions", b"\xff\xfe"), 400),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_good_http_with_a_bad_request_is_an_api_error(
    server: FaultServer, data: bytes, status: int
) -> None:
    exchange = await send(server, data)
    assert (exchange.ended, exchange.status) == ("complete", status)
    assert exchange.json["error"]["type"]


INVALID: list[tuple[WireName, dict[str, Any], dict[str, str], str]] = [
    ("openai", {"messages": []}, {}, "messages"),
    ("openai", {"model": ""}, {}, "model"),
    ("anthropic", {"max_tokens": None}, {}, "max_tokens: Field required"),
    ("anthropic", {"messages": "hi"}, {}, "messages"),
    (
        "anthropic",
        {"temperature": 0.5},
        {"anthropic-version": "2026-10-21"},
        "temperature: Extra inputs are not permitted",
    ),
    ("gemini", {"contents": []}, {}, "contents is not specified"),
]


@pytest.mark.parametrize(("wire", "fields", "headers", "message"), INVALID)
async def test_a_request_the_provider_would_refuse_is_refused(
    server: FaultServer,
    wire: WireName,
    fields: dict[str, Any],
    headers: dict[str, str],
    message: str,
) -> None:
    exchange = await ask(server, Prompt(wire, fields=fields, headers=headers))
    assert exchange.status == 400
    assert message in exchange.json["error"]["message"]
    assert server.calls[0].shown == "invalid_request"


async def test_anthropic_asks_for_its_version_header(server: FaultServer) -> None:
    data = written(Prompt("anthropic")).replace(b"anthropic-version", b"x-other")
    exchange = await send(server, data)
    assert "anthropic-version" in exchange.json["error"]["message"]
    old = {"temperature": 1.0}
    assert (await ask(server, Prompt("anthropic", fields=old))).status == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
OPENAI_FIELDS = ["messages", "tools", "tool_choice", "response_format", "stream", "model"]
OTHER_FIELDS = ["contents", "toolConfig", "generationConfig", "output_config", "max_tokens"]
FIELDS = st.sampled_from([*OPENAI_FIELDS, *OTHER_FIELDS])


@settings(max_examples=40, deadline=None)
@given(bodies=st.lists(st.dictionaries(FIELDS, JSON, max_size=4), min_size=3, max_size=3))
def test_a_body_of_any_shape_gets_an_answer(bodies: list[dict[str, Any]]) -> None:
    async def main() -> None:
        async with FaultServer() as server:
            for wire, fields in zip(WIRES, bodies, strict=True):
                exchange = await ask(server, Prompt(wire, fields=fields))
                assert exchange.ended == "complete"
                assert exchange.status in {200, 400}

    asyncio.run(main())


async def test_a_lone_surrogate_in_a_prompt_is_no_trouble(server: FaultServer) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "\ud800"}]})
    exchange = await send(server, http("POST", "/v1/chat/completions", body.encode()))
    assert said("openai", exchange, stream=False).startswith("You said: ? [crc32")


@pytest.mark.parametrize("size", [1, 2, 50])
async def test_a_request_may_arrive_in_small_pieces(server: FaultServer, size: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for start in range(0, len(GOOD), size):
        writer.write(GOOD[start : start + size])
        await asyncio.sleep(0)
    assert said("openai", await receive(reader), stream=False) == echo("hi")
    writer.transport.abort()


async def test_a_connection_serves_many_requests(server: FaultServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for number in range(50):
        wire = WIRES[number % 3]
        stream = number % 2 == 1
        writer.write(written(Prompt(wire, f"number {number}", stream=stream)))
        answer = said(wire, await receive(reader), stream=stream)
        assert answer == echo(f"number {number}")
    assert server.connections == 1
    assert len(server.calls) == server.answered == 50
    writer.transport.abort()


async def test_pipelined_requests_are_answered_in_order(server: FaultServer) -> None:
    server.script("slow", [Answer(header_delay=0.02)])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(written(Prompt("openai", "one", model="slow")) + written(Prompt("openai", "two")))
    head = await reader.readuntil(b"\r\n\r\n")
    first = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r")[0]))
    assert echo("one").encode() in first
    assert said("openai", await receive(reader), stream=False) == echo("two")
    writer.transport.abort()


async def test_a_client_may_ask_to_close(server: FaultServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(written(Prompt("openai", "bye", headers={"connection": "close"})))
    assert said("openai", await receive(reader), stream=False) == echo("bye")
    assert await reader.read() == b""
    writer.transport.abort()


async def test_a_client_may_wait_for_leave_to_send_its_body(server: FaultServer) -> None:
    data = written(Prompt("openai", "big", headers={"expect": "100-continue"}))
    head, mark, body = data.partition(b"\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head + mark)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body[:10])
    for _ in range(5):
        await asyncio.sleep(0)
    writer.write(body[10:])
    assert said("openai", await receive(reader), stream=False) == echo("big")
    writer.transport.abort()
