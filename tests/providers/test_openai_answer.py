"""Chat completions, chunk by chunk and in every server's dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_router.providers.openai_answer import OpenAIReader, parse_answer
from mcp_router.providers.parts import marked
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
from tests.providers.scene import chunk, together


def read(*chunks: dict[str, Any] | str) -> tuple[list[Delta], OpenAIReader]:
    reader = OpenAIReader(provider="p")
    texts = [one if isinstance(one, str) else json.dumps(one) for one in chunks]
    return [delta for text in texts for delta in reader.read(Event(text))], reader


def said(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta}]}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return said(tool_calls=list(calls))


def asked(index: int | None, call_id: str | None, name: str | None, arguments: Any) -> Any:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


@pytest.mark.parametrize(
    ("delta", "deltas"),
    [
        ({}, []),
        ({"role": "assistant", "content": ""}, []),
        ({"content": None}, []),
        ({"content": "Hel"}, [TextDelta("Hel")]),
        ({"refusal": "I cannot."}, [TextDelta("I cannot.")]),
        ({"refusal": ""}, []),
        ({"refusal": {"a": 1}}, []),
        ({"reasoning_content": "hm"}, [ReasoningDelta("hm", "reasoning_content")]),
        ({"reasoning": "hm"}, [ReasoningDelta("hm", "reasoning")]),
        (
            {"reasoning_content": "", "reasoning": "hm"},
            [ReasoningDelta("hm", "reasoning")],
        ),
        (
            {"reasoning_content": "one", "reasoning": "one"},
            [ReasoningDelta("one", "reasoning_content")],
        ),
        ({"reasoning": {"a": 1}}, []),
        ({"content": [THINKING]}, [ReasoningDelta("hm")]),
        (
            {"content": [THINKING, {"type": "text", "text": "so"}]},
            [ReasoningDelta("hm"), TextDelta("so")],
        ),
        ({"content": [{"type": "thinking", "thinking": "plain"}]}, [ReasoningDelta("plain")]),
    ],
)
def test_each_delta_adds_what_it_says(delta: dict[str, Any], deltas: list[Delta]) -> None:
    assert read(said(**delta))[0] == deltas


def test_thinking_comes_before_text_and_text_before_calls() -> None:
    deltas, _ = read(
        said(reasoning="hm", content="so", tool_calls=[asked(0, "a", "f", "{}")], refusal="no")
    )

    kinds = [ReasoningDelta, TextDelta, TextDelta, ToolCallDelta]
    assert [type(delta) for delta in deltas] == kinds


def numbers(*calls: Any) -> list[int]:
    deltas, _ = read(*(calling(one) for one in calls))
    return [delta.number for delta in deltas if isinstance(delta, ToolCallDelta)]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([asked(0, "a", "f", ""), asked(0, None, None, "{}")], [0, 0]),
        ([asked(0, "a", "f", "{"), asked(1, "b", "g", "{"), asked(0, None, None, "}")], [0, 1, 0]),
        ([asked(0, "a", "f", "{}"), asked(0, "b", "f", "{}")], [0, 1]),
        ([asked(0, "a", "f", "{}"), asked(0, "b", "f", "{"), asked(0, None, None, "}")], [0, 1, 1]),
        ([asked(0, "a", "f", "{"), asked(0, "a", "f", "}")], [0, 0]),
        ([asked(0, "a", "f", "{"), asked(0, "b", None, "}")], [0, 0]),
        ([asked(0, None, "f", "{"), asked(0, "a", "f", "}")], [0, 0]),
        ([asked(None, "a", "f", "{}"), asked(None, "b", "g", "{}")], [0, 1]),
        ([asked(5, "a", "f", "{}"), asked(2, "b", "g", "{}")], [0, 1]),
    ],
)
def test_calls_are_told_apart_by_index_then_by_id(calls: list[Any], expected: list[int]) -> None:
    assert numbers(*calls) == expected


def test_arguments_may_come_as_an_object() -> None:
    deltas, _ = read(calling(asked(0, "a", "f", {"x": 1})), calling(asked(1, "b", "f", {})))

    assert [d.arguments for d in deltas if isinstance(d, ToolCallDelta)] == ['{"x": 1}', ""]


def test_the_opaque_field_of_a_call_is_kept_with_its_maker() -> None:
    extra = {"google": {"thought_signature": "S"}}
    deltas, _ = read(calling({**asked(0, "a", "f", "{}"), "extra_content": extra}))

    assert deltas == [ToolCallDelta(0, "a", "f", "{}", marked("p", json.dumps(extra)))]


@pytest.mark.parametrize(
    "last",
    [
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
        chunk(finish="stop", usage={"prompt_tokens": 3, "completion_tokens": 4}),
        chunk(x_groq={"usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
    ],
)
def test_usage_is_found_wherever_it_stands_and_null_does_not_undo_it(last: dict[str, Any]) -> None:
    _, reader = read(last, chunk("x", usage=None))

    assert reader.usage() == Usage(input_tokens=3, output_tokens=4)


def test_the_first_model_named_is_the_one() -> None:
    _, reader = read({"choices": []}, chunk("a"), {**chunk(finish="stop"), "model": "other"})

    assert reader.finish() == FinishDelta("stop", "m-1")


def test_the_end_is_told_in_two_steps() -> None:
    _, reader = read(chunk("a"))
    assert (reader.finished, reader.done) == (False, False)

    reader.read(Event(json.dumps(chunk(finish="length"))))
    assert (reader.finished, reader.done) == (True, False)

    assert reader.read(Event("[DONE]")) == ()
    assert reader.done
    assert reader.finish() == FinishDelta("length", "m-1")


@pytest.mark.parametrize(
    ("reason", "calls", "told"),
    [
        ("stop", True, "tool_calls"),
        ("brand_new", True, "tool_calls"),
        ("tool_calls", False, "tool_calls"),
        ("function_call", True, "tool_calls"),
        ("length", True, "length"),
        ("content_filter", True, "content_filter"),
        ("error", True, "error"),
        ("end_turn", False, "stop"),
        ("max_tokens", False, "length"),
        ("sensitive", False, "content_filter"),
        ("brand_new", False, "other"),
    ],
)
def test_a_call_makes_a_stop_a_call(reason: str, calls: bool, told: str) -> None:
    raw = [asked(0, "a", "f", "{}")] if calls else []
    _, reader = read(calling(*raw), chunk(finish=reason))
    body = {"choices": [{"message": {"content": "", "tool_calls": raw}, "finish_reason": reason}]}

    assert reader.finish().reason == told
    assert parse_answer(body, provider="p").finish_reason == told


@pytest.mark.parametrize(
    "failing",
    [
        {"error": {"code": 500}},
        {"choices": [{"error": {"code": 500}, "delta": {"content": "x"}}]},
        {"choices": [], "error": "no"},
    ],
)
def test_a_failure_in_a_chunk_is_told_apart(failing: dict[str, Any]) -> None:
    with pytest.raises(FailureInAnswer):
        read(failing)
    with pytest.raises(FailureInAnswer):
        parse_answer(failing, provider="p")


def test_an_event_called_error_is_one_whatever_it_holds() -> None:
    reader = OpenAIReader(provider="p")

    with pytest.raises(FailureInAnswer) as inner:
        reader.read(Event('{"error": {"code": 1}}', "error"))
    with pytest.raises(FailureInAnswer) as outer:
        reader.read(Event('{"code": 1}', "error"))
    assert inner.value.error == outer.value.error == {"code": 1}


def message(**fields: Any) -> Reply:
    body = {"choices": [{"message": fields, "finish_reason": "stop"}]}
    return parse_answer(body, provider="p")


@pytest.mark.parametrize(
    ("fields", "reply"),
    [
        ({"content": "hi"}, Reply("hi")),
        ({"content": None, "refusal": "no"}, Reply("no")),
        ({"content": "a", "refusal": None}, Reply("a")),
        (
            {"content": "a", "reasoning_content": "hm"},
            Reply(
                "a",
                reasoning=(Reasoning(text="hm", signature="reasoning_content", provider="p"),),
            ),
        ),
        (
            {"content": "a", "reasoning": "hm"},
            Reply("a", reasoning=(Reasoning(text="hm", signature="reasoning", provider="p"),)),
        ),
        (
            {"content": [THINKING, {"type": "text", "text": "a"}]},
            Reply("a", reasoning=(Reasoning(text="hm", provider="p"),)),
        ),
    ],
)
def test_a_message_is_read_in_every_dialect(fields: dict[str, Any], reply: Reply) -> None:
    assert message(**fields) == reply


def test_calls_without_ids_get_one_by_their_place() -> None:
    raw = [asked(0, None, "f", "{}"), asked(0, "b", "f", None), asked(0, None, "f", {"x": 1})]
    calls = message(content=None, tool_calls=raw).tool_calls

    assert [one.id for one in calls] == ["call_0", "b", "call_2"]
    assert [one.arguments for one in calls] == [{}, {}, {"x": 1}]


@pytest.mark.parametrize("body", [{}, {"choices": [{}]}, {"choices": {}}, [], None, "x"])
def test_no_choice_is_no_answer(body: object) -> None:
    with pytest.raises(BadAnswer):
        parse_answer(body, provider="p")


@pytest.mark.parametrize("size", [1, 3, 100])
def test_whole_and_in_pieces_it_is_the_same_answer(size: int) -> None:
    def pieces(text: str) -> list[str]:
        return [text[at : at + size] for at in range(0, len(text), size)]

    written = json.dumps({"city": "Tromsø"})
    whole = {
        "model": "m-1",
        "choices": [
            {
                "message": {
                    "reasoning_content": "thinking",
                    "content": "Hello",
                    "tool_calls": [asked(0, "a", "f", written), asked(1, "b", "g", "")],
                },
                "finish_reason": "tool_calls",
            }
        ],
    }
    deltas, reader = read(
        chunk(),
        *(said(reasoning_content=one) for one in pieces("thinking")),
        *(said(content=one) for one in pieces("Hello")),
        calling(asked(0, "a", "f", "")),
        *(calling(asked(0, None, None, one)) for one in pieces(written)),
        calling(asked(1, "b", "g", None)),
        chunk(finish="tool_calls"),
        "[DONE]",
    )

    streamed = together([*deltas, reader.finish()], provider="p")
    assert streamed == parse_answer(whole, provider="p")
