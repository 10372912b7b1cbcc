"""Messages of the Anthropic wire, event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_router.providers.anthropic_answer import AnthropicReader, parse_answer
from mcp_router.providers.sse import Event
from mcp_router.providers.wire import (
    BadAnswer,
    Delta,
    FailureInAnswer,
    FinishDelta,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
)
from mcp_router.types import Reasoning, Usage
from tests.providers.scene import together


def read(*events: dict[str, Any]) -> tuple[list[Delta], AnthropicReader]:
    reader = AnthropicReader(provider="p")
    return [d for one in events for d in reader.read(Event(json.dumps(one)))], reader


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def go_on(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def started(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"model": "m-9", "usage": usage}}


def ended(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


STOP = {"type": "message_stop"}


@pytest.mark.parametrize(
    ("event", "deltas"),
    [
        (begin(0, type="text", text=""), []),
        (begin(0, type="text", text="Hel"), [TextDelta("Hel")]),
        (begin(0, type="thinking", thinking=""), []),
        (
            begin(3, type="redacted_thinking", data="blob"),
            [ReasoningDelta(signature="blob", redacted=True, number=3)],
        ),
        (begin(0, type="server_tool_use", id="s", name="search"), []),
        (go_on(0, type="text_delta", text="lo"), [TextDelta("lo")]),
        (go_on(0, type="text_delta", text=""), []),
        (go_on(0, type="text_delta", text=7), []),
        (go_on(2, type="thinking_delta", thinking="hm"), [ReasoningDelta("hm", number=2)]),
        (go_on(2, type="signature_delta", signature="S"), [ReasoningDelta("", "S", number=2)]),
        (go_on(0, type="citations_delta", citation={}), []),
        (go_on(7, type="input_json_delta", partial_json="{"), []),
        ({"type": "content_block_stop", "index": 0}, []),
        ({"type": "ping"}, []),
        ({"type": "something_new"}, []),
        (started(input_tokens=3), []),
        (ended(), []),
        (STOP, []),
    ],
)
def test_each_event_adds_what_it_says(event: dict[str, Any], deltas: list[Delta]) -> None:
    assert read(event)[0] == deltas


def test_calls_are_numbered_in_their_own_order_whatever_stands_between() -> None:
    deltas, _ = read(
        begin(1, type="tool_use", id="a", name="f", input={}),
        begin(4, type="tool_use", id="b", name="g", input={"x": 1}),
        go_on(1, type="input_json_delta", partial_json='{"y"'),
        go_on(4, type="input_json_delta", partial_json=""),
        go_on(1, type="input_json_delta", partial_json=": 2}"),
    )

    assert deltas == [
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(1, "b", "g", '{"x": 1}'),
        ToolCallDelta(0, arguments='{"y"'),
        ToolCallDelta(1),
        ToolCallDelta(0, arguments=": 2}"),
    ]


def test_usage_is_the_last_word_on_each_count() -> None:
    _, reader = read(
        started(input_tokens=9, cache_read_input_tokens=4, output_tokens=1),
        ended(output_tokens=30, input_tokens=None),
        ended(output_tokens=31),
    )

    assert reader.usage() == Usage(input_tokens=9, cache_read_tokens=4, output_tokens=31)


def test_without_counts_usage_is_unknown() -> None:
    assert read(STOP)[1].usage() is None


def test_the_end_is_told_in_two_steps() -> None:
    _, reader = read(started())
    assert (reader.finished, reader.done) == (False, False)

    reader.read(Event(json.dumps(ended("max_tokens"))))
    assert (reader.finished, reader.done) == (True, False)

    reader.read(Event(json.dumps(STOP)))
    assert (reader.finished, reader.done) == (True, True)
    assert reader.finish() == FinishDelta("length", "m-9")


def test_a_later_word_without_a_reason_does_not_take_it_back() -> None:
    _, reader = read(ended("tool_use"), ended(None))

    assert reader.finish() == FinishDelta("tool_calls", None)


def test_an_end_marker_alone_does_not_make_an_answer_whole() -> None:
    _, reader = read(started(), STOP)

    with pytest.raises(BadAnswer, match="cut"):
        reader.finish()


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "error": {"type": "overloaded_error"}},
        {"type": "error"},
        {"error": {"type": "overloaded_error"}},
        {"type": "new", "error": "no"},
    ],
)
def test_an_error_in_the_stream_is_told_apart(event: dict[str, Any]) -> None:
    with pytest.raises(FailureInAnswer) as caught:
        read(event)
    assert caught.value.error == event.get("error")


def test_an_event_without_a_type_is_refused() -> None:
    with pytest.raises(BadAnswer, match="no type"):
        read({"delta": {}})


def answer(*blocks: dict[str, Any], **fields: Any) -> Reply:
    body = {"content": list(blocks), "stop_reason": "end_turn", **fields}
    return parse_answer(body, provider="p")


def test_texts_are_joined_and_unknown_blocks_passed_over() -> None:
    reply = answer(
        {"type": "text", "text": "Hel"},
        {"type": "web_search_tool_result", "text": "not this", "content": []},
        {"type": "text", "text": "lo"},
    )

    assert reply == Reply(content="Hello")


def test_thoughts_keep_their_seal_and_their_maker() -> None:
    reply = answer(
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "thinking", "thinking": "ha", "signature": ""},
        {"type": "redacted_thinking", "data": "blob"},
    )

    assert reply.reasoning == (
        Reasoning(text="hm", signature="S", provider="p"),
        Reasoning(text="ha", provider="p"),
        Reasoning(signature="blob", redacted=True, provider="p"),
    )


@pytest.mark.parametrize(
    "body",
    [
        {"type": "error", "error": {"type": "api_error"}},
        {"type": "error"},
        {"error": "no", "content": [], "stop_reason": "end_turn"},
    ],
)
def test_a_failure_in_place_of_a_message_is_told_apart(body: dict[str, Any]) -> None:
    with pytest.raises(FailureInAnswer):
        parse_answer(body, provider="p")


def test_an_empty_answer_is_an_answer() -> None:
    assert answer(model="m-9") == Reply(model="m-9")


BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "hm", "signature": "S"},
    {"type": "text", "text": "Hello"},
    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": [1]}},
    {"type": "tool_use", "id": "b", "name": "g", "input": {}},
]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_whole_and_in_pieces_it_is_the_same_answer(size: int) -> None:
    def pieces(text: str) -> list[str]:
        return [text[at : at + size] for at in range(0, len(text), size)]

    events = [started(input_tokens=3)]
    for at, block in enumerate(BLOCKS):
        if block["type"] == "thinking":
            events += [begin(at, type="thinking", thinking="", signature="")]
            events += [
                go_on(at, type="thinking_delta", thinking=one) for one in pieces(block["thinking"])
            ]
            events += [go_on(at, type="signature_delta", signature=block["signature"])]
        elif block["type"] == "text":
            events += [begin(at, type="text", text="")]
            events += [go_on(at, type="text_delta", text=one) for one in pieces(block["text"])]
        else:
            events += [begin(at, **{**block, "input": {}})]
            events += [
                go_on(at, type="input_json_delta", partial_json=one)
                for one in pieces(json.dumps(block["input"]))
            ]
    deltas, reader = read(*events, ended("tool_use", output_tokens=5), STOP)
    streamed = together([*deltas, reader.finish()], provider="p")

    usage = {"input_tokens": 3, "output_tokens": 5}
    whole = answer(*BLOCKS, stop_reason="tool_use", usage=usage, model="m-9")
    assert streamed._replace(usage=reader.usage()) == whole
