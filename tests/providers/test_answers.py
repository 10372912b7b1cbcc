"""What comes back: whole, streamed, cut at every place, and broken in any way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.assemble import CUT_CALL, Assembler, deltas_of
from mcp_router.providers.sse import Event
from mcp_router.providers.wire import (
    BadAnswer,
    FailureInAnswer,
    FinishDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
)
from mcp_router.providers.wires import WIRES
from mcp_router.types import Reasoning, ToolCall, Usage
from tests.providers.scene import WIRE_NAMES, chunk, goldens, load, parse_stream, streamed, together


def expected(fields: dict[str, Any]) -> Reply:
    """The reply a golden file describes."""
    usage = fields.get("usage")
    return Reply(
        content=fields.get("content", ""),
        tool_calls=tuple(ToolCall.model_validate(one) for one in fields.get("tool_calls", ())),
        reasoning=tuple(Reasoning.model_validate(one) for one in fields.get("reasoning", ())),
        finish_reason=fields["finish_reason"],
        usage=None if usage is None else Usage.model_validate(usage),
        model=fields.get("model"),
    )


def events_of(golden: dict[str, Any]) -> list[Event]:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in golden["events"]]
    return [Event(text) for text in texts]


@pytest.mark.parametrize("path", goldens("answers"), ids=lambda path: path.stem)
def test_an_answer_is_read_as_the_reference_says(path: Path) -> None:
    golden = load(path)

    reply = WIRES[golden["wire"]].parse(golden["body"], provider=golden["provider"])

    assert reply == expected(golden["reply"])


@pytest.mark.parametrize("path", goldens("streams"), ids=lambda path: path.stem)
def test_a_stream_is_read_as_the_reference_says(path: Path) -> None:
    golden = load(path)

    reply = streamed(WIRES[golden["wire"]], events_of(golden), provider=golden["provider"])

    assert reply == expected(golden["reply"])


@pytest.mark.parametrize("path", goldens("streams"), ids=lambda path: path.stem)
def test_a_stream_cut_before_its_finish_reason_never_ends_well(path: Path) -> None:
    golden = load(path)
    wire, events = WIRES[golden["wire"]], events_of(golden)
    reader = wire.reader(provider="p")
    whole = 0
    while not reader.finished:
        reader.read(events[whole])
        whole += 1

    for cut in range(whole):
        with pytest.raises(BadAnswer, match="cut"):
            list(parse_stream(wire, events[:cut], provider="p"))
    assert streamed(wire, events[:whole], provider="p").finish_reason


@pytest.mark.parametrize("path", goldens("answers"), ids=lambda path: path.stem)
def test_a_reply_taken_apart_is_put_together_again(path: Path) -> None:
    reply = expected(load(path)["reply"])
    provider = load(path)["provider"]

    assert together(deltas_of(reply), provider=provider) == reply


@pytest.mark.parametrize(
    ("wire", "given_reason", "reason"),
    [
        ("openai", "stop", "stop"),
        ("openai", "eos", "stop"),
        ("openai", "length", "length"),
        ("openai", "model_length", "length"),
        ("openai", "content_filter", "content_filter"),
        ("openai", "insufficient_system_resource", "error"),
        ("openai", "abort", "error"),
        ("openai", "brand_new", "other"),
        ("anthropic", "end_turn", "stop"),
        ("anthropic", "stop_sequence", "stop"),
        ("anthropic", "max_tokens", "length"),
        ("anthropic", "model_context_window_exceeded", "length"),
        ("anthropic", "refusal", "content_filter"),
        ("anthropic", "pause_turn", "other"),
        ("gemini", "STOP", "stop"),
        ("gemini", "MAX_TOKENS", "length"),
        ("gemini", "SAFETY", "content_filter"),
        ("gemini", "RECITATION", "content_filter"),
        ("gemini", "MALFORMED_FUNCTION_CALL", "error"),
        ("gemini", "OTHER", "other"),
    ],
)
def test_finish_reasons_have_one_vocabulary(wire: str, given_reason: str, reason: str) -> None:
    bodies: dict[str, Any] = {
        "openai": {"choices": [{"message": {"content": "x"}, "finish_reason": given_reason}]},
        "anthropic": {"content": [{"type": "text", "text": "x"}], "stop_reason": given_reason},
        "gemini": {
            "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": given_reason}]
        },
    }

    assert WIRES[wire].parse(bodies[wire], provider="p").finish_reason == reason


@pytest.mark.parametrize("wire", WIRE_NAMES)
@pytest.mark.parametrize("error", [{"message": "no", "type": "overloaded_error"}, "no"])
def test_a_failure_inside_an_answer_is_told_apart(wire: str, error: object) -> None:
    body = {"type": "error", "error": error}

    with pytest.raises(FailureInAnswer):
        WIRES[wire].parse(body, provider="p")
    with pytest.raises(FailureInAnswer):
        WIRES[wire].reader(provider="p").read(Event(json.dumps(body), "error"))


@pytest.mark.parametrize("wire", WIRE_NAMES)
@pytest.mark.parametrize("data", ["{", "[1", '{"choices": [', "nonsense", "7", "[]", "[" * 100_000])
def test_a_chunk_that_is_no_object_is_refused(wire: str, data: str) -> None:
    with pytest.raises(BadAnswer):
        WIRES[wire].reader(provider="p").read(Event(data))


@pytest.mark.parametrize("wire", WIRE_NAMES)
@pytest.mark.parametrize("data", ["", " "])
def test_an_event_without_data_says_nothing(wire: str, data: str) -> None:
    assert not WIRES[wire].reader(provider="p").read(Event(data))


def openai_calls(*calls: dict[str, Any], reason: str = "tool_calls") -> Reply:
    message = {"content": None, "tool_calls": list(calls)}
    body = {"choices": [{"message": message, "finish_reason": reason}]}
    return WIRES["openai"].parse(body, provider="p")


@pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', '{"a": NaN}', "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    bad = {"id": "c", "function": {"name": "f", "arguments": arguments}}

    with pytest.raises(BadAnswer):
        openai_calls(bad)
    with pytest.raises(BadAnswer):
        together([ToolCallDelta(0, "c", "f", arguments), FinishDelta("stop")], provider="p")


def test_a_call_without_a_name_is_refused() -> None:
    with pytest.raises(BadAnswer, match="no name"):
        openai_calls({"id": "c", "function": {"arguments": "{}"}})


def test_a_call_cut_by_the_token_limit_is_left_out_with_a_warning() -> None:
    good = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    cut = {"id": "d", "function": {"name": "f", "arguments": '{"a":'}}
    deltas = [ToolCallDelta(0, "c", "f", "{}"), ToolCallDelta(1, "d", "f", '{"a":')]

    for reply in (
        openai_calls(good, cut, reason="length"),
        together([*deltas, FinishDelta("length")], provider="p"),
    ):
        assert [one.id for one in reply.tool_calls] == ["c"]
        assert reply.finish_reason == "length"
        assert reply.warnings == (CUT_CALL,)


def test_an_unfinished_assembly_says_so() -> None:
    assembler = Assembler(provider="p")
    assembler.add(TextDelta("Hel"))

    assert assembler.text == "Hel"
    assert assembler.reply().finish_reason == "error"


def test_no_whole_answer_without_a_finish_reason() -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("openai", {"choices": [{"message": {"content": "x"}}]}),
        ("openai", {"choices": []}),
        ("anthropic", {"content": [{"type": "text", "text": "x"}], "stop_reason": None}),
        ("anthropic", {"stop_reason": "end_turn"}),
        ("gemini", {"candidates": [{"content": {"parts": [{"text": "x"}]}}]}),
        ("gemini", {"candidates": []}),
    ]
    for wire, body in bodies:
        with pytest.raises(BadAnswer):
            WIRES[wire].parse(body, provider="p")


def test_groq_hides_usage_in_a_field_of_its_own() -> None:
    last = chunk(finish="stop", x_groq={"usage": {"prompt_tokens": 3, "completion_tokens": 4}})

    reply = streamed(WIRES["openai"], [Event(json.dumps(last))], provider="groq")

    assert reply.usage == Usage(input_tokens=3, output_tokens=4)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=4))
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner)
)


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, str, Any]:
    """A golden body or stream with any one of its values replaced by junk."""
    path = draw(st.sampled_from(goldens("answers") + goldens("streams")))
    golden = load(path)
    part = "body" if "body" in golden else "events"
    places = list(_places(golden[part]))
    holder, key = draw(st.sampled_from(places))
    holder[key] = draw(JUNK)
    return golden["wire"], part, golden[part]


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    inner = [value[key] for key in keys]
    deeper = [place for one in inner if isinstance(one, dict | list) for place in _places(one)]
    return [(value, key) for key in keys] + deeper


@given(spoiled())
def test_a_spoiled_answer_is_read_or_refused_and_never_crashes(
    case: tuple[str, str, Any],
) -> None:
    wire, part, content = case
    try:
        if part == "body":
            reply = WIRES[wire].parse(content, provider="p")
        else:
            events = [Event(one if isinstance(one, str) else json.dumps(one)) for one in content]
            reply = streamed(WIRES[wire], events, provider="p")
    except (BadAnswer, FailureInAnswer):
        return
    assert isinstance(reply, Reply)
    assert reply.finish_reason in {
        *("stop", "length", "tool_calls", "content_filter", "error", "other")
    }
