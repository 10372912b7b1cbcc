"""A stream is what its bytes say, however the network cuts them; and half a stream is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.errors import MalformedResponseError
from mcp_router.providers.assemble import Assembler, deltas_of
from mcp_router.providers.wire import BadAnswer, FinishDelta, TextDelta
from mcp_router.providers.wire import Reply as Told
from mcp_router.providers.wires import WIRES
from mcp_router.testing.neutral import Called, Reply
from mcp_router.testing.wires import WIRES as SPOKEN
from mcp_router.types import Usage
from tests.providers.scene import KEY, WIRE_NAMES
from tests.providers.wirings import Line, cut_at, line

ALL_WIRES = pytest.mark.parametrize("wire", WIRE_NAMES)
FEW = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from('é世🙂\u2028\r\n":{}\\,')), max_size=24
)
COUNTS = st.integers(0, 900)
USAGES = st.builds(
    Usage, input_tokens=COUNTS, cache_read_tokens=COUNTS, reasoning_tokens=COUNTS,
    output_tokens=COUNTS,
)  # fmt: skip
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXTS)
CALLS = st.builds(
    Called,
    id=st.from_regex(r"[a-z]{4}\d", fullmatch=True),
    name=st.sampled_from(["look", "f"]),
    arguments=st.dictionaries(TEXTS, VALUES | st.lists(VALUES, max_size=2), max_size=3),
)
CUTS = st.lists(st.integers(0, 1 << 16), max_size=40)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    calls = draw(st.lists(CALLS, max_size=2, unique_by=lambda one: one.id))
    return Reply(
        serial=1,
        model="m-9",
        text=draw(TEXTS),
        reasoning=draw(TEXTS),
        calls=tuple(calls),
        finish="tool_calls" if calls else draw(st.sampled_from(["stop", "length"])),
        usage=draw(USAGES),
        chunks=draw(st.integers(1, 6)),
        created=0,
    )


def body_of(wire: str, reply: Reply) -> bytes:
    return b"".join(event.data for event in SPOKEN[wire].events(reply))


@pytest.fixture(scope="module")
def phone() -> Iterator[Line]:
    with line() as opened:
        yield opened


@ALL_WIRES
@FEW
@given(reply=replies(), cuts=CUTS)
def test_any_packets_give_the_answer_that_was_sent(
    phone: Line, wire: str, reply: Reply, cuts: list[int]
) -> None:
    heard = phone.ask(wire, *cut_at(body_of(wire, reply), cuts))
    told = heard.reply
    assert told is not None
    assert told.content == reply.text
    assert "".join(one.text for one in told.reasoning) == reply.reasoning
    assert [(one.name, one.arguments) for one in told.tool_calls] == [
        (one.name, one.arguments) for one in reply.calls
    ]
    assert told.finish_reason == reply.finish
    assert told.usage == reply.usage
    assert sum(isinstance(delta, FinishDelta) for delta in heard.deltas) == 1
    assert isinstance(heard.deltas[-1], FinishDelta)


@ALL_WIRES
@FEW
@given(reply=replies())
def test_a_whole_answer_and_a_stream_of_it_say_the_same(
    phone: Line, wire: str, reply: Reply
) -> None:
    body = json.dumps(SPOKEN[wire].plain(reply)).encode()
    whole = phone.ask(wire, body, stream=False, kind="application/json").reply
    asked_to_stream = phone.ask(wire, body, kind="application/json").reply
    streamed = phone.ask(wire, body_of(wire, reply)).reply
    assert whole is not None
    assert whole == asked_to_stream
    assert plain(whole) == plain(streamed)


def plain(reply: Told | None) -> tuple[object, ...]:
    """What a caller works with; thoughts may be sealed at another moment."""
    assert reply is not None
    thoughts = "".join(one.text for one in reply.reasoning)
    calls = [(one.id, one.name, one.arguments, one.signature) for one in reply.tool_calls]
    return reply.content, calls, thoughts, reply.finish_reason, reply.usage, reply.model


NOISE = st.sampled_from(
    [
        b": ping\n\n",
        b":\r\n\r\n",
        b"\n",
        b"\r\n\r\n",
        b"data:\n\n",
        b"data\n\n",
        b"event: ping\n\n",
        b"id: 7\nretry: 10\n\n",
        b"unknown: x\n\n",
        ": 世界 {}\n\n".encode(),
        b": \xff\xfe\n\n",
    ]
)


@ALL_WIRES
@FEW
@given(
    reply=replies(),
    noise=st.lists(st.tuples(st.integers(0, 99), NOISE), max_size=6),
    ending=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=CUTS,
)
def test_comments_empty_events_and_line_ends_are_no_part_of_the_answer(
    phone: Line,
    wire: str,
    reply: Reply,
    noise: list[tuple[int, bytes]],
    ending: bytes,
    cuts: list[int],
) -> None:
    events = [event.data for event in SPOKEN[wire].events(reply)]
    clean = phone.ask(wire, b"".join(events))
    # What follows the end marker is not read, so that noise stands before the last event.
    for place, one in noise:
        events.insert(place % len(events), one)
    stream = re.sub(rb"\r\n|\n|\r", ending, b"".join(events))
    assert phone.ask(wire, *cut_at(stream, cuts)).reply == clean.reply


@ALL_WIRES
@FEW
@given(reply=replies(), data=st.data())
def test_a_stream_that_ends_before_its_end_is_an_error_that_tells_no_secret(
    phone: Line, wire: str, reply: Reply, data: st.DataObject
) -> None:
    events = SPOKEN[wire].events(reply)
    body = b"".join(event.data for event in events)
    # Up to the event that carries the finish reason nothing is whole.
    needed = next(at for at, event in enumerate(events) if event.part in ("finish", "end"))
    length = data.draw(st.integers(0, sum(len(event.data) for event in events[:needed])))
    heard = phone.ask(wire, *cut_at(body[:length], data.draw(CUTS)))
    assert isinstance(heard.error, MalformedResponseError)
    assert not any(isinstance(delta, FinishDelta) for delta in heard.deltas)
    said = "".join(delta.text for delta in heard.deltas if isinstance(delta, TextDelta))
    assert reply.text.startswith(said)
    told = f"{heard.error} {heard.error!r}"
    assert KEY not in told
    assert len(reply.text) < 4 or reply.text not in told


@ALL_WIRES
def test_prefixes_of_one_stream_are_the_answer_or_an_error(phone: Line, wire: str) -> None:
    reply = Reply(
        serial=1,
        model="m-9",
        text="Grüße 世🙂",
        reasoning="hm",
        calls=(Called("abcd1", "look", {"at": "é"}),),
        finish="tool_calls",
        usage=Usage(input_tokens=3, output_tokens=4),
        chunks=3,
        created=0,
    )
    body = body_of(wire, reply)
    whole = phone.ask(wire, body).reply
    assert whole is not None
    ends = set()
    for length in range(0, len(body) + 1, 3):
        heard = phone.ask(wire, body[:length])
        ends.add(heard.reply is None)
        if heard.reply is not None:
            # Only figures may be missing, never a word of the answer.
            assert heard.reply._replace(usage=whole.usage) == whole
        else:
            assert heard.error is not None
    assert ends == {True, False}


@ALL_WIRES
@FEW
@given(reply=replies(), data=st.data())
def test_one_wrong_byte_is_the_answer_another_answer_or_an_error(
    phone: Line, wire: str, reply: Reply, data: st.DataObject
) -> None:
    body = bytearray(body_of(wire, reply))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    heard = phone.ask(wire, bytes(body))
    assert heard.reply is not None or heard.error is not None or reply.calls
    if heard.reply is not None:
        json.dumps([call.arguments for call in heard.reply.tool_calls])
        heard.reply.content.encode()


@ALL_WIRES
@FEW
@given(reply=replies())
def test_an_answer_taken_apart_and_put_together_is_the_same(wire: str, reply: Reply) -> None:
    told = WIRES[wire].parse(SPOKEN[wire].plain(reply), provider="p")
    assembler = Assembler(provider="p")
    for delta in deltas_of(told):
        assembler.add(delta)
    assert assembler.reply() == told


@FEW
@given(st.text(max_size=30), st.integers(0, 30))
def test_a_call_cut_in_its_arguments_is_never_carried_out(text: str, at: int) -> None:
    arguments = json.dumps({"path": text})
    fragment = arguments[: min(at, len(arguments) - 1)]
    body = {"index": 0, "id": "c", "function": {"name": "rm", "arguments": fragment}}
    for reason in ("tool_calls", "stop", "length"):
        message = {"content": None, "tool_calls": [body]}
        answer = {"choices": [{"message": message, "finish_reason": reason}]}
        try:
            told = WIRES["openai"].parse(answer, provider="p")
        except BadAnswer:
            assert reason != "length"
            continue
        assert told.tool_calls == () or not fragment.strip()
