"""Good answers spoiled at every place in every way: read, or refused by one of our own errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mcp_router.errors import MalformedResponseError
from mcp_router.providers.failures import FailedAnswer, failed_answer
from mcp_router.providers.wire import Reply
from mcp_router.types import Completion, Usage
from tests.builders import NOW
from tests.providers.scene import KEY, WIRE_NAMES, target
from tests.providers.wirings import BODIES, Heard, Line, line, places_in, replaced

SECRET = "the-customer-is-called-Ada"
JUNK: list[Any] = [
    *(None, True, False, 0, -1, 10**30, 1e308, float("nan"), float("-inf")),
    *("", SECRET, "\x00", "\ud800", "7", "[" * 50),
    *([], [None], [[]], [{}], {}, {"error": SECRET}, {"text": [1]}, ...),
    [{"type": "text", "text": {"a": 1}}, 7, None],
]
REASONS = {"stop", "length", "tool_calls", "content_filter", "error", "other"}
ALL_WIRES = pytest.mark.parametrize("wire", WIRE_NAMES)


@pytest.fixture
def phone() -> Iterator[Line]:
    with line() as opened:
        yield opened


def spoiled(wire: str) -> Iterator[bytes]:
    """Every body that differs from the good one in one value."""
    for path in places_in(BODIES[wire]):
        for junk in JUNK:
            yield json.dumps(replaced(BODIES[wire], path, junk)).encode()


def as_events(wire: str, body: bytes) -> bytes:
    """The same body where a stream was asked for: as the one event of it."""
    text = body.decode()
    if wire == "openai":
        text = text.replace('"message": {"role"', '"delta": {"role"')
    return f"data: {text}\n\n".encode()


def check(heard: Heard) -> None:
    """Whatever came can be stored, priced and sent on; whatever failed tells no secret."""
    if heard.error is not None:
        told = f"{heard.error!r} {heard.error} {heard.error.__cause__} {heard.error.hint}"
        assert SECRET not in told
        assert KEY not in told
    reply = heard.reply
    if reply is None:
        return
    assert reply.finish_reason in REASONS
    done = as_completion(reply)
    again = Completion.model_validate_json(done.model_dump_json())
    assert again.content == reply.content
    assert [call.arguments for call in again.tool_calls] == [
        call.arguments for call in reply.tool_calls
    ]
    assert min(done.usage.model_dump().values()) >= 0


def as_completion(reply: Reply) -> Completion:
    return Completion(
        decision_id="d",
        model=reply.model or "m",
        provider="p",
        content=reply.content,
        tool_calls=reply.tool_calls,
        reasoning=reply.reasoning,
        finish_reason=reply.finish_reason,
        logprobs=reply.logprobs,
        warnings=reply.warnings,
        usage=reply.usage or Usage(),
        cost_usd=None,
        latency_ms=0,
        attempts=(),
    )


@ALL_WIRES
def test_a_whole_answer_spoiled_anywhere_is_read_or_refused_by_name(phone: Line, wire: str) -> None:
    bodies = list(spoiled(wire))
    refused = 0
    for body in bodies:
        heard = phone.ask(wire, body, stream=False, kind="application/json")
        check(heard)
        refused += heard.error is not None
    # Most places are optional, but not all of them.
    assert len(bodies) // 50 < refused < len(bodies)


@ALL_WIRES
def test_an_event_spoiled_anywhere_is_read_or_refused_by_name(phone: Line, wire: str) -> None:
    for body in spoiled(wire):
        check(phone.ask(wire, as_events(wire, body)))


@ALL_WIRES
def test_a_stream_of_one_answer_says_what_the_whole_one_says(phone: Line, wire: str) -> None:
    if wire == "anthropic":
        pytest.skip("its stream is another format than its answer")
    body = json.dumps(BODIES[wire]).encode()
    whole = phone.ask(wire, body, stream=False, kind="application/json").reply
    streamed = phone.ask(wire, as_events(wire, body)).reply
    assert whole is not None
    assert whole == streamed
    assert whole.content == "Grüße, 世界 🙂"
    assert whole.logprobs is not None


@ALL_WIRES
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "[]",
        "0",
        '""',
        "NaN",
        "-Infinity",
        "9" * 5000,
        "1e999999",
        '{"a":' * 2000,
        '{"a":' * 2000 + "1" + "}" * 2000,
        "[" * 99_999 + "]" * 99_999,
        '{"choices": [{"message": {"content": "' + "x" * 99 + '"',
        '{"choices":[' + "{}," * 9999 + "{}]}",
        '{"content": "\x00"}',
        '{"a": 1} {"a": 1}',
        '{"error": NaN}',
        '{"error": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_answer_of_any_wire_has_a_name(
    phone: Line, wire: str, body: str, stream: bool
) -> None:
    sent = f"data: {body}\n\n" if stream else body
    heard = phone.ask(wire, sent.encode(), stream=stream, kind="text/event-stream")
    assert heard.reply is None
    assert isinstance(heard.error, MalformedResponseError)
    check(heard)


def deep(depth: int, *, kind: str) -> str:
    opening, closing = ('{"a":', "}") if kind == "object" else ("[", "]")
    return opening * depth + "1" + closing * depth


HOLES = {
    "openai": '{"choices":[{"MESSAGE":{"tool_calls":[{"id":"1","extra_content":HOLE,"function":'
    '{"name":"f","arguments":HOLE}}]},"finish_reason":"stop"}]}',
    "anthropic": '{"stop_reason":"tool_use","content":'
    '[{"type":"tool_use","id":"1","name":"f","input":HOLE}]}',
    "gemini": '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":HOLE}}]},'
    '"finishReason":"STOP"}]}',
}


@ALL_WIRES
@pytest.mark.parametrize("kind", ["object", "array"])
def test_nesting_just_short_of_what_can_be_read_is_no_crash(
    phone: Line, wire: str, kind: str
) -> None:
    told = set()
    for depth in (3, 254, 255, 256, *range(820, 1000, 7)):
        for stream in (False, True):
            text = HOLES[wire].replace("HOLE", deep(depth, kind=kind))
            text = text.replace("MESSAGE", "delta" if stream else "message")
            packet = f"data: {text}\n\n" if stream else text
            heard = phone.ask(wire, packet.encode(), stream=stream)
            check(heard)
            told.add(heard.error is None)
    assert told == {True, False} or (wire, kind) != ("openai", "object")


FAILURES: list[Any] = [
    {"error": {"code": 429, "type": "rate_limit_error", "status": "X", "message": SECRET}},
    {"error": {"details": [{"@type": "RetryInfo", "retryDelay": "7s"}], "innererror": {"a": 1}}},
    [{"error": {"code": 503, "metadata": {"raw": SECRET}, "message": "busy"}}],
]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("status", [200, 400, 404, 429, 500, 599])
def test_a_failure_spoiled_anywhere_still_has_its_class_and_no_words(
    failure: Any, status: int
) -> None:
    answer = FailedAnswer(status, {"retry-after": "soon"}, b"")
    plain = {
        type(failed_answer(target(), answer._replace(body=b""), now=NOW)),
        type(failed_answer(target(), answer._replace(body=json.dumps(failure).encode()), now=NOW)),
    }
    for path in places_in(failure):
        for junk in (*JUNK, KEY):
            body = json.dumps(replaced(failure, path, junk)).encode()
            error = failed_answer(target(), answer._replace(body=body), now=NOW)
            assert SECRET not in f"{error} {error!r}"
            assert KEY.lower() not in f"{error} {error!r}".lower()
            assert type(error) in plain
