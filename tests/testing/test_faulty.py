"""Every fault, on every wire, plain and streamed, as a client sees it byte by byte."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault, FaultKind, Place, huge
from mcp_router.testing.catalogue import BEHAVIOURS, QUICK, SLOW
from mcp_router.testing.faulty import plan_for
from mcp_router.testing.neutral import Asked, WireName
from mcp_router.testing.server import FaultServer
from mcp_router.testing.wires import WIRES as TABLE
from mcp_router.testing.wordings import ANTHROPIC_CONTEXT, OPENAI_CONTEXT, OPENAI_FILTER
from tests.testing.client import (
    PATIENCE,
    SILENCE,
    WIRES,
    Exchange,
    Prompt,
    ask,
    events,
    finish,
    is_ended,
    said,
    written,
)

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
every_wire = pytest.mark.parametrize("wire", WIRES)
ENDS = {True: "reset", False: "closed"}
TOOL: dict[WireName, dict[str, Any]] = {
    "openai": {"tools": [{"type": "function", "function": {"name": "weather"}}]},
    "anthropic": {"tools": [{"name": "weather", "input_schema": {}}]},
    "gemini": {"tools": [{"functionDeclarations": [{"name": "weather"}]}]},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def error_of(wire: WireName, body: Any) -> tuple[str, Any]:
    """Return the type and the code (or status) a wire's error object gives."""
    error = body["error"]
    if wire == "anthropic":
        assert body["type"] == "error"
        return error["type"], None
    if wire == "gemini":
        return error["status"], error["code"]
    assert set(error) >= {"message", "type", "param", "code"}
    return error["type"], error["code"]


def test_every_kind_of_fault_has_a_name_in_the_catalogue() -> None:
    kinds = {fault.kind for fault in BEHAVIOURS.values() if isinstance(fault, Fault)}
    assert kinds == set(FaultKind)


@both
@every_wire
@pytest.mark.parametrize("name", sorted((QUICK.keys() | SLOW.keys() | {"refused"}) - {"huge"}))
async def test_no_behaviour_breaks_the_server(
    server: FaultServer, wire: WireName, stream: bool, name: str
) -> None:
    server.script("m", [BEHAVIOURS[name]])
    prompt = Prompt(wire, "weather?", stream=stream, fields=TOOL[wire])
    first = await ask(server, prompt, quiet=SILENCE / 4 if name in SLOW else PATIENCE)
    server.script("m", [])
    second = await ask(server, Prompt(wire, "still there?", stream=stream))
    assert said(wire, second, stream=stream) == echo("still there?")
    assert server.calls[0].shown in {"answer", *FaultKind}
    if isinstance(BEHAVIOURS[name], Fault):
        whole = first.ended == "complete" and first.status == 200
        assert not (whole and _looks_healthy(wire, first, stream=stream, name=name))


def _looks_healthy(wire: WireName, exchange: Exchange, *, stream: bool, name: str) -> bool:
    """Tell whether a fault's answer could pass for a whole one."""
    if name == "content_filter_answer":
        return finish(wire, exchange, stream=stream) in {"stop", "end_turn", "STOP"}
    try:
        ended = finish(wire, exchange, stream=stream)
    except (ValueError, AttributeError):
        return False
    if name == "no_usage":
        return b"usage" in exchange.body
    if stream and wire != "gemini":
        return ended is not None and is_ended(wire, exchange)
    return ended is not None and b"functionCall" in exchange.body


STATUSES: dict[int, dict[WireName, tuple[str, Any]]] = {
    400: {
        "openai": ("invalid_request_error", None),
        "anthropic": ("invalid_request_error", None),
        "gemini": ("INVALID_ARGUMENT", 400),
    },
    401: {
        "openai": ("invalid_request_error", "invalid_api_key"),
        "anthropic": ("authentication_error", None),
        "gemini": ("UNAUTHENTICATED", 401),
    },
    403: {
        "openai": ("invalid_request_error", "permission_denied"),
        "anthropic": ("permission_error", None),
        "gemini": ("PERMISSION_DENIED", 403),
    },
    404: {
        "openai": ("invalid_request_error", "model_not_found"),
        "anthropic": ("not_found_error", None),
        "gemini": ("NOT_FOUND", 404),
    },
    429: {
        "openai": ("requests", "rate_limit_exceeded"),
        "anthropic": ("rate_limit_error", None),
        "gemini": ("RESOURCE_EXHAUSTED", 429),
    },
    500: {
        "openai": ("server_error", None),
        "anthropic": ("api_error", None),
        "gemini": ("INTERNAL", 500),
    },
    503: {
        "openai": ("server_error", None),
        "anthropic": ("api_error", None),
        "gemini": ("UNAVAILABLE", 503),
    },
    529: {
        "openai": ("server_error", None),
        "anthropic": ("overloaded_error", None),
        "gemini": ("INTERNAL", 529),
    },
}


@both
@every_wire
@pytest.mark.parametrize("status", STATUSES)
async def test_an_error_status_carries_the_wire_s_own_error(
    server: FaultServer, wire: WireName, stream: bool, status: int
) -> None:
    server.script("m", [Fault.http(status)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert (exchange.ended, exchange.status) == ("complete", status)
    assert error_of(wire, exchange.json) == STATUSES[status][wire]
    assert "retry-after" not in exchange.headers


@every_wire
@pytest.mark.parametrize(
    ("given", "sent"),
    [(2, "2"), (0, "0"), (0.5, "0.5"), ("2", "2"), (276_480, "276480"), ("soon", "soon")],
)
async def test_retry_after_is_sent_as_asked(
    server: FaultServer, wire: WireName, given: Any, sent: str
) -> None:
    server.script("m", [Fault.http(429, retry_after=given)])
    exchange = await ask(server, Prompt(wire))
    assert exchange.headers["retry-after"] == sent
    if wire == "gemini" and sent != "soon":
        (detail,) = exchange.json["error"]["details"]
        assert detail["retryDelay"] == f"{sent}s"


async def test_retry_after_may_be_a_date_or_milliseconds(server: FaultServer) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    dated = Fault.http(429, retry_after=at)
    server.script("m", [dated, Fault.http(429, headers=(("retry-after-ms", "1500"),))])
    exchange = await ask(server, Prompt("openai"))
    assert parsedate_to_datetime(exchange.headers["retry-after"]) == at
    exchange = await ask(server, Prompt("openai"))
    assert exchange.headers["retry-after-ms"] == "1500"


@every_wire
async def test_an_invalid_key_is_refused_in_the_wire_s_own_way(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Fault.invalid_key()])
    exchange = await ask(server, Prompt(wire))
    assert exchange.status == (400 if wire == "gemini" else 401)
    if wire == "gemini":
        assert exchange.json["error"]["details"][0]["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize("wording", OPENAI_CONTEXT)
async def test_openai_compatible_servers_word_a_long_prompt_in_their_own_way(
    server: FaultServer, wording: str
) -> None:
    server.script("m", [Fault.context_length(wording)])
    exchange = await ask(server, Prompt("openai"))
    expected = OPENAI_CONTEXT[wording]
    assert exchange.status == expected.status
    assert exchange.json == (expected.error if expected.bare else {"error": expected.error})


@pytest.mark.parametrize("wording", ["", *ANTHROPIC_CONTEXT])
async def test_anthropic_words_a_long_prompt(server: FaultServer, wording: str) -> None:
    server.script("m", [Fault.context_length(wording)])
    exchange = await ask(server, Prompt("anthropic"))
    assert exchange.status in {400, 413}
    assert exchange.json["error"]["type"] in {"invalid_request_error", "request_too_large"}


@every_wire
async def test_a_long_prompt_is_worded_as_the_wire_does_by_default(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Fault.context_length()])
    exchange = await ask(server, Prompt(wire))
    phrase = {
        "openai": "context_length_exceeded",
        "anthropic": "prompt is too long",
        "gemini": "exceeds the maximum number of tokens",
    }
    assert exchange.status == 400
    assert phrase[wire] in exchange.body.decode()


@every_wire
async def test_a_content_filter_refuses_the_prompt(server: FaultServer, wire: WireName) -> None:
    server.script("m", [Fault.content_filter(at="prompt")])
    exchange = await ask(server, Prompt(wire))
    if wire == "gemini":
        assert exchange.status == 200
        assert exchange.json["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
        assert "candidates" not in exchange.json
    else:
        assert exchange.status == 400
        assert exchange.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("wording", OPENAI_FILTER)
async def test_content_filters_of_the_openai_wire_use_their_own_codes(
    server: FaultServer, wording: str
) -> None:
    server.script("m", [Fault.content_filter(wording=wording)])
    exchange = await ask(server, Prompt("openai"))
    assert exchange.json["error"]["code"] in {
        "invalid_prompt",
        "content_policy_violation",
        "content_filter",
    }


@both
@every_wire
async def test_a_content_filter_breaks_an_answer_off(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Fault.content_filter(at="answer")])
    exchange = await ask(server, Prompt(wire, stream=stream))
    reason = finish(wire, exchange, stream=stream)
    assert reason in {"content_filter", "refusal", "SAFETY"}


@both
@every_wire
@pytest.mark.parametrize("abrupt", [True, False], ids=["reset", "close"])
@pytest.mark.parametrize("place", ["before_headers", "mid_headers", "mid_body", "mid_stream"])
async def test_a_lost_connection_ends_where_it_was_told_to(
    server: FaultServer, wire: WireName, stream: bool, abrupt: bool, place: Place
) -> None:
    server.script("m", [Fault.reset(place) if abrupt else Fault.disconnect(place)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert exchange.ended == ENDS[abrupt]
    if place == "before_headers":
        assert exchange.raw == b""
    elif place == "mid_headers":
        assert exchange.raw.startswith(b"HTTP/1.1 200")
        assert b"\r\n\r\n" not in exchange.raw
    elif stream:
        assert 0 < len(said(wire, exchange, stream=True)) < len(echo("hello"))
    else:
        assert 0 < len(exchange.body) < int(exchange.headers["content-length"])


@both
@every_wire
async def test_silence_reads_the_request_and_never_answers(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Fault.silence()])
    exchange = await ask(server, Prompt(wire, stream=stream), quiet=SILENCE)
    assert (exchange.ended, exchange.raw) == ("silent", b"")
    await server.wait_until(lambda s: len(s.abandoned) == 1)
    assert server.calls[0].shown == "silence"


@every_wire
@pytest.mark.parametrize("after", [0, 1, 3, 99])
async def test_a_cut_stream_ends_cleanly_without_a_finish_reason(
    server: FaultServer, wire: WireName, after: int
) -> None:
    server.script("m", [Fault.cut(after=after, answer=Answer("abcdefghij", chunks=10))])
    exchange = await ask(server, Prompt(wire, stream=True))
    assert (exchange.ended, exchange.status) == ("complete", 200)
    assert said(wire, exchange, stream=True) == "abcdefghij"[:after]
    assert finish(wire, exchange, stream=True) is None
    assert not is_ended(wire, exchange)


@every_wire
async def test_a_stream_cut_inside_a_tool_call_leaves_its_arguments_open(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Fault.cut(inside="tool_call")])
    fields = json.loads(json.dumps(TOOL[wire]))
    spec = {"openai": "parameters", "anthropic": "input_schema", "gemini": "parameters"}[wire]
    tool = fields["tools"][0]
    {"openai": tool.get("function"), "anthropic": tool}.get(
        wire, (tool.get("functionDeclarations") or [{}])[0]
    )[spec] = SCHEMA
    prompt = Prompt(wire, "the weather in 'Ouagadougou'", stream=True, fields=fields)
    exchange = await ask(server, prompt)
    assert exchange.ended == "complete"
    assert finish(wire, exchange, stream=True) is None
    assert b"weather" in exchange.body
    if wire == "gemini":
        assert events(exchange) == []
    else:
        key = "arguments" if wire == "openai" else "partial_json"
        pieces = [value for event in events(exchange) for value in _values(event, key)]
        sent = "".join(pieces)
        assert sent
        assert '{"city":"Ouagadougou"}'.startswith(sent)
        assert sent != '{"city":"Ouagadougou"}'


def _values(value: Any, key: str) -> list[Any]:
    if isinstance(value, dict):
        own = [value[key]] if key in value else []
        return own + [found for child in value.values() for found in _values(child, key)]
    if isinstance(value, list):
        return [found for child in value for found in _values(child, key)]
    return []


@every_wire
async def test_a_stream_cut_inside_a_character_is_not_utf_8(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Fault.cut(inside="character")])
    exchange = await ask(server, Prompt(wire, stream=True))
    assert exchange.ended == "complete"
    with pytest.raises(UnicodeDecodeError, match="unexpected end of data"):
        exchange.body.decode()


@every_wire
@pytest.mark.parametrize("after", [0, 2])
async def test_a_stalled_stream_falls_silent_and_stays_open(
    server: FaultServer, wire: WireName, after: int
) -> None:
    server.script("m", [Fault.stall(after=after, answer=Answer("abcdefghij", chunks=10))])
    exchange = await ask(server, Prompt(wire, stream=True), quiet=SILENCE)
    assert exchange.ended == "silent"
    assert said(wire, exchange, stream=True) == "abcdefghij"[:after]
    assert server.connections <= 1


@every_wire
async def test_a_stalled_stream_may_keep_its_heart_beating(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Fault.stall(heartbeat=0.005)])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(written(Prompt(wire, stream=True)))
    mark = b"event: ping" if wire == "anthropic" else b": keep-alive"
    for _ in range(4):
        await reader.readuntil(mark)
    writer.transport.abort()
    await server.wait_until(lambda s: len(s.abandoned) == 1)


@every_wire
async def test_a_malformed_event_stands_in_an_otherwise_whole_stream(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Fault.malformed(after=1)])
    exchange = await ask(server, Prompt(wire, stream=True))
    with pytest.raises(json.JSONDecodeError):
        events(exchange)
    broken = b'data: {"choices": [{"delta": {"content": "br\n\n'
    assert exchange.body.count(broken) == 1
    mended = exchange._replace(body=exchange.body.replace(broken, b""))
    assert said(wire, mended, stream=True) == echo("hello")


@both
@every_wire
async def test_a_missing_end_marker_is_all_that_is_missing(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Fault.no_end()])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert exchange.ended == "complete"
    assert said(wire, exchange, stream=stream) == echo("hello")
    if stream:
        assert not is_ended(wire, exchange)
        assert (finish(wire, exchange, stream=True) is None) == (wire == "gemini")
    else:
        assert finish(wire, exchange, stream=False) is None


@both
@every_wire
async def test_missing_usage_is_all_that_is_missing(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Fault.no_usage()])
    fields = {"stream_options": {"include_usage": True}} if wire == "openai" else {}
    exchange = await ask(server, Prompt(wire, stream=stream, fields=fields))
    assert said(wire, exchange, stream=stream) == echo("hello")
    assert finish(wire, exchange, stream=stream) is not None
    assert b"usage" not in exchange.body


@both
@every_wire
async def test_truncated_json_agrees_with_its_content_length(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Fault.truncated()])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert (exchange.ended, exchange.status) == ("complete", 200)
    if stream:
        assert not exchange.body.endswith(b"\n\n")
        assert not is_ended(wire, exchange)
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(exchange.body)


@both
@every_wire
@pytest.mark.parametrize("status", [200, 502])
async def test_a_web_page_comes_in_place_of_json(
    server: FaultServer, wire: WireName, stream: bool, status: int
) -> None:
    server.script("m", [Fault.html(status)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert exchange.status == status
    assert exchange.headers["content-type"].startswith("text/html")
    assert exchange.body.startswith(b"<!doctype html>")


@both
@every_wire
async def test_an_error_hides_in_a_200(server: FaultServer, wire: WireName, stream: bool) -> None:
    server.script("m", [Fault.error_in_200(status=500)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert exchange.status == 200
    body = events(exchange)[0] if stream else exchange.json
    assert error_of(wire, body) == STATUSES[500][wire]


@every_wire
async def test_an_error_arrives_in_the_middle_of_a_stream(
    server: FaultServer, wire: WireName
) -> None:
    fault = Fault.error_in_200(after=2, status=529)
    server.script("m", [fault])
    exchange = await ask(server, Prompt(wire, stream=True))
    got = events(exchange)
    assert error_of(wire, got[-1]) == STATUSES[529][wire]
    whole = exchange._replace(body=exchange.body)
    assert said(wire, whole, stream=True) == echo("hello")[: len(said(wire, whole, stream=True))]
    assert not is_ended(wire, exchange)
    if wire == "anthropic":
        assert b"event: error\n" in exchange.body


@every_wire
async def test_the_list_of_answers_may_be_empty(server: FaultServer, wire: WireName) -> None:
    server.script("m", [Fault.no_choices()])
    exchange = await ask(server, Prompt(wire))
    key = {"openai": "choices", "anthropic": "content", "gemini": "candidates"}[wire]
    assert exchange.json[key] == []


@both
@every_wire
async def test_a_body_may_be_empty(server: FaultServer, wire: WireName, stream: bool) -> None:
    server.script("m", [Fault.empty_body()])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert (exchange.status, exchange.body, exchange.ended) == (200, b"", "complete")


@both
@every_wire
async def test_an_answer_may_be_empty_and_otherwise_healthy(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Answer("")])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert said(wire, exchange, stream=stream) == ""
    assert finish(wire, exchange, stream=stream) is not None


@both
@every_wire
async def test_garbage_is_neither_json_nor_text(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Fault.garbage("body"), Fault.garbage("connection")])
    body = await ask(server, Prompt(wire, stream=stream))
    assert body.status == 200
    with pytest.raises(UnicodeDecodeError):
        body.body.decode()
    connection = await ask(server, Prompt(wire, stream=stream))
    assert connection.ended == "closed"
    assert connection.status == 0
    assert len(connection.raw) > 500


@both
@every_wire
async def test_a_huge_answer_arrives_whole(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    size = 10_000_000 if wire == "openai" else 1_000_000
    server.script("m", [huge(size)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert exchange.ended == "complete"
    assert said(wire, exchange, stream=stream) == huge(size).text
    assert len(said(wire, exchange, stream=stream)) == size


@both
@every_wire
@pytest.mark.parametrize("delay", ["header_delay", "first_delay", "chunk_delay"])
async def test_a_slow_answer_is_whole_and_takes_its_time(
    server: FaultServer, wire: WireName, stream: bool, delay: str
) -> None:
    server.script("m", [replace(Answer("slow", chunks=4), **{delay: 0.02})])
    start = time.monotonic()
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert said(wire, exchange, stream=stream) == "slow"
    assert time.monotonic() - start >= (0.06 if delay == "chunk_delay" else 0.02)


@every_wire
def test_a_slow_first_token_comes_after_the_packaging(wire: WireName) -> None:
    answer = Answer("abc", chunks=3, header_delay=1.0, first_delay=20.0, chunk_delay=300.0)
    asked = Asked(wire, "m", "hi", stream=True)
    steps = list(plan_for(answer, asked=asked, wire=TABLE[wire], serial=1).steps)
    assert [step.delay for step in steps if step.delay] == [1.0, 20.0, 300.0, 300.0, 300.0]
    first = next(step for step in steps if step.delay == 20.0)
    packaging = b"".join(step.data for step in steps[: steps.index(first)])
    assert b"abc"[:1] in first.data
    assert packaging.startswith(b"HTTP/1.1 200")
    assert (b"data: " in packaging) == (wire != "gemini")


async def test_a_spent_quota_is_told_from_a_rate_limit(server: FaultServer) -> None:
    server.script("m", [Fault.http(429, wording="quota")])
    exchange = await ask(server, Prompt("openai"))
    assert exchange.json["error"]["code"] == "insufficient_quota"
