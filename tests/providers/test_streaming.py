"""Streams as they come from the network: tails, sizes, and servers that do not stream."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from mcp_router.errors import (
    ContentFilteredError,
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderTimeout,
)
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.deadlines import Deadlines
from mcp_router.providers.exchange import MAX_ANSWER_BYTES
from mcp_router.providers.wire import (
    Delta,
    FinishDelta,
    ReasoningDelta,
    Target,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from mcp_router.types import Usage
from tests.providers.scene import (
    ANSWER,
    END,
    STREAM,
    at,
    call,
    chunk,
    head,
    piece,
    serving,
    sse,
    target,
    whole,
)

PATIENT = Deadlines(connect=5.0, first_token=5.0, idle=5.0, total=20.0)
DONE = FinishDelta("stop", "m-1")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def collect(
    client: ProviderClient, where: Target, *, deadlines: Deadlines = PATIENT
) -> tuple[list[Delta], ProviderError | None]:
    deltas: list[Delta] = []
    try:
        await _drain(client, where, deadlines=deadlines, into=deltas)
    except ProviderError as error:
        return deltas, error
    return deltas, None


async def _drain(
    client: ProviderClient, where: Target, *, deadlines: Deadlines, into: list[Delta]
) -> None:
    async for delta in client.stream(where, call(), deadlines=deadlines):
        into += [delta]


async def streamed(
    *script: Any, wire: str = "openai", deadlines: Deadlines = PATIENT
) -> tuple[list[Delta], ProviderError | None]:
    async with serving([STREAM, *script]) as server, ProviderClient() as client:
        return await collect(client, at(server, wire), deadlines=deadlines)


def finished(text: str = "hi") -> bytes:
    return piece(sse(chunk(text), chunk(finish="stop"), done=False))


async def test_a_server_that_says_for_ever_that_it_lives_does_not_hold_a_finished_answer() -> None:
    pings = [piece(b": ping\n\n"), 0.1] * 60

    deltas, error = await streamed(
        finished(), *pings, deadlines=Deadlines(first_token=5, idle=5, total=5)
    )

    assert error is None
    assert deltas == [TextDelta("hi"), DONE]


async def test_usage_that_follows_the_finish_reason_a_little_later_is_told() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}

    deltas, error = await streamed(finished(), 0.1, piece(sse(usage)), END)

    assert error is None
    assert deltas == [TextDelta("hi"), UsageDelta(Usage(input_tokens=3, output_tokens=1)), DONE]


async def test_the_finish_reason_outlives_the_idle_deadline() -> None:
    deadlines = Deadlines(first_token=2.0, idle=0.05, total=5.0)

    deltas, error = await streamed(finished(), 0.2, piece(b"data: [DONE]\n\n"), deadlines=deadlines)

    assert (error, deltas[-1]) == (None, DONE)


async def test_nothing_after_the_end_marker_is_read() -> None:
    deltas, error = await streamed(
        piece(sse(chunk("hi"), chunk(finish="stop"))), piece(b"data: {broken\n\n"), END
    )

    assert (error, deltas) == (None, [TextDelta("hi"), DONE])


async def test_a_last_event_without_its_blank_line_counts() -> None:
    last = b"data: " + json.dumps(chunk(finish="stop")).encode()

    deltas, error = await streamed(piece(sse(chunk("hi"), done=False) + last), END)

    assert (error, deltas) == (None, [TextDelta("hi"), DONE])


async def test_a_failure_is_told_after_what_came_before_it_in_another_packet() -> None:
    failure = piece(sse({"error": {"type": "overloaded_error"}}, done=False))

    deltas, error = await streamed(piece(sse(chunk("Hel"), done=False)), failure, "hang")

    assert deltas == [TextDelta("Hel")]
    assert "529" in str(error)


async def test_a_failure_at_once_is_told_at_once() -> None:
    failure = piece(sse({"error": {"type": "overloaded_error"}}, chunk("x"), done=False))

    deltas, error = await streamed(failure, "hang")

    assert deltas == []
    assert "529" in str(error)


async def test_an_answer_without_end_is_stopped_in_a_stream_too() -> None:
    flood = piece(b": " + b"x" * (1 << 20) + b"\n\n")
    script = [piece(sse(chunk("hi"), done=False)), *[flood] * (MAX_ANSWER_BYTES >> 20)]

    deltas, error = await streamed(*script, "hang")

    assert deltas == [TextDelta("hi")]
    assert isinstance(error, MalformedResponseError)
    assert "passes 33554432 bytes" in error.problem


async def test_a_large_answer_of_small_events_passes() -> None:
    text = "x" * 10_000
    deltas, error = await streamed(
        *[piece(sse(chunk(text), done=False))] * 300, piece(sse(chunk(finish="stop"))), END
    )

    assert error is None
    assert sum(isinstance(delta, TextDelta) for delta in deltas) == 300


CALLING = chunk()
CALLING["choices"][0]["delta"] = {
    "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]
}


@pytest.mark.parametrize(
    ("first", "refused"),
    [(chunk("Hel"), False), (CALLING, False), (chunk(""), True), (chunk(), True)],
)
async def test_a_filter_that_left_nothing_is_an_error_and_any_part_is_passed_on(
    first: dict[str, Any], refused: bool
) -> None:
    deltas, error = await streamed(piece(sse(first, chunk(finish="content_filter"))), END)

    assert isinstance(error, ContentFilteredError) is refused
    assert (FinishDelta("content_filter", "m-1") in deltas) is not refused


async def test_what_was_said_once_is_not_forgotten_by_a_filter() -> None:
    thought = {"choices": [{"delta": {"reasoning": "hm"}}], "model": "m-1"}
    packets = [piece(sse(one, done=False)) for one in (thought, chunk("Hel"), thought)]

    deltas, error = await streamed(*packets, piece(sse(chunk(finish="content_filter"))), END)

    assert error is None
    assert deltas[-1] == FinishDelta("content_filter", "m-1")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_a_server_that_does_not_stream_is_read_whole(kind: str) -> None:
    message = {
        "reasoning": "hm",
        "content": "hi",
        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
    }
    body = {**ANSWER, "choices": [{"message": message, "finish_reason": "stop"}]}
    async with serving([whole(body, kind=kind)]) as server, ProviderClient() as client:
        deltas, error = await collect(client, at(server))

    assert error is None
    assert deltas == [
        ReasoningDelta("hm", "reasoning"),
        TextDelta("hi"),
        ToolCallDelta(0, "a", "f", "{}"),
        UsageDelta(Usage(input_tokens=3, output_tokens=1)),
        FinishDelta("tool_calls", "m-1"),
    ]


@pytest.mark.parametrize("kind", ["text/html", "TEXT/HTML; charset=utf-8", " text/html "])
async def test_a_web_page_in_place_of_a_stream_is_told(kind: str) -> None:
    page = whole(b"<html>Log in</html>", kind=kind)
    async with serving([page]) as server, ProviderClient() as client:
        _, error = await collect(client, at(server))

    assert isinstance(error, MalformedResponseError)
    assert (error.problem, error.hint) == ("the answer is HTML, not JSON", "Is base_url right?")


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain", "application/x-ndjson", ""])
async def test_anything_else_is_read_as_a_stream(kind: str) -> None:
    start = head(kind=kind, transfer_encoding="chunked")
    script = [start, piece(sse(chunk("hi"), chunk(finish="stop"))), END]
    async with serving(script) as server, ProviderClient() as client:
        deltas, error = await collect(client, at(server))

    assert (error, deltas) == (None, [TextDelta("hi"), DONE])


async def test_half_a_character_is_replaced_in_text_thinking_and_calls() -> None:
    broken = {"content": "a\ud83d", "reasoning": "\ude00b"}
    chunks = [{"choices": [{"delta": broken}], "model": "m-1"}, chunk(finish="stop")]

    deltas, error = await streamed(piece(sse(*chunks)), END)

    assert error is None
    assert deltas == [ReasoningDelta("\ufffdb", "reasoning"), TextDelta("a\ufffd"), DONE]


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_call_asks_for_the_kind_of_answer_it_reads(streaming: bool) -> None:
    stream = [STREAM, piece(sse(chunk("hi"), chunk(finish="stop"))), END]
    script = stream if streaming else [whole(ANSWER)]
    async with serving(script) as server, ProviderClient() as client:
        where = at(server, headers={"User-Agent": "mine", "X-Team": "a"})
        if streaming:
            await collect(client, where)
        else:
            await client.complete(where, call())

    headers = server.seen[0].headers
    assert headers["accept"] == ("text/event-stream" if streaming else "application/json")
    assert headers["content-type"] == "application/json"
    assert (headers["user-agent"], headers["x-team"]) == ("mine", "a")


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "127.0.0.1:1/v1"},
        {"base_url": "ftp://127.0.0.1/v1"},
        {"base_url": "http://[::1/v1"},
        {"base_url": "http://127.0.0.1:65536/v1"},
        {"base_url": "http://127.0.0.1:1/\ud800"},
        {"base_url": "http://127.0.0.1:1", "headers": {"x-team": "é"}},
        {"base_url": "http://127.0.0.1:1", "headers": {"x-日": "a"}},
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
async def test_settings_that_cannot_be_sent_name_themselves(
    changes: dict[str, Any], streaming: bool
) -> None:
    async with ProviderClient() as client:
        where = target(**changes)
        answer = (
            anext(client.stream(where, call())) if streaming else client.complete(where, call())
        )
        with pytest.raises(ProviderConnectionError, match="Check base_url and headers"):
            await answer


class Refusing(httpx2.AsyncBaseTransport):
    """Fails every request in one way."""

    def __init__(self, kind: type[httpx2.TransportError]) -> None:
        self._kind = kind

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise self._kind("x", request=request)


@pytest.mark.parametrize(
    ("kind", "deadline"),
    [
        (httpx2.ConnectTimeout, "connect"),
        (httpx2.PoolTimeout, "connect"),
        (httpx2.ReadTimeout, "first_token"),
    ],
)
async def test_each_timeout_of_the_transport_has_its_deadline(
    kind: type[httpx2.TransportError], deadline: str
) -> None:
    async with ProviderClient(transport=Refusing(kind)) as client:
        with pytest.raises(ProviderTimeout) as caught:
            await anext(client.stream(target(), call(), deadlines=PATIENT))

    assert (caught.value.deadline, caught.value.after_ms) == (deadline, 5_000)


@pytest.mark.parametrize(
    "kind", [httpx2.WriteError, httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.ProxyError]
)
async def test_what_breaks_before_an_answer_is_a_lost_connection(
    kind: type[httpx2.TransportError],
) -> None:
    async with ProviderClient(transport=Refusing(kind)) as client:
        with pytest.raises(ProviderConnectionError) as caught:
            await client.complete(target(), call())

    assert ("proxy" in str(caught.value)) is (kind is httpx2.ProxyError)


async def test_a_failure_without_end_is_told_after_its_start() -> None:
    script = [head(500, transfer_encoding="chunked"), piece(b"x" * 70_000), "hang"]
    async with serving(script) as server, ProviderClient() as client:
        with pytest.raises(ProviderError, match="HTTP status 500"):
            await client.complete(at(server), call(), deadlines=PATIENT)
        await server.hung_up.wait()


async def test_a_packed_answer_nobody_asked_for_that_is_broken_is_told_as_cut() -> None:
    packed = whole(b"this is no gzip", content_encoding="gzip")
    async with serving([packed]) as server, ProviderClient() as client:
        with pytest.raises(MalformedResponseError, match="cut"):
            await client.complete(at(server), call())
        failed = whole(b"no gzip", 500, content_encoding="gzip")
        server.scripts.append([failed])
        with pytest.raises(ProviderError, match="500"):
            await client.complete(at(server), call())
