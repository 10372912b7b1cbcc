"""GenerateContentResponses, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.gemini_answer import GeminiReader, parse_answer
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
from tests.providers.scene import together


def answer(*parts: dict[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    reason = {} if finish is None else {"finishReason": finish}
    return {"candidates": [{"content": {"parts": list(parts)}, **reason}], **fields}


def parsed(*parts: dict[str, Any], **fields: Any) -> Reply:
    return parse_answer(answer(*parts, **fields), provider="p")


def read(*answers: dict[str, Any]) -> tuple[list[Delta], GeminiReader]:
    reader = GeminiReader(provider="p")
    return [d for one in answers for d in reader.read(Event(json.dumps(one)))], reader


def calls(name: str, **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, **fields}}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *[
            (name, "content_filter")
            for name in (
                *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
                *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
            )
        ],
        *[
            (name, "error")
            for name in (
                *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE"),
                *("TOO_MANY_TOOL_CALLS", "UNEXPECTED_TOOL_CALL"),
            )
        ],
        ("LANGUAGE", "other"),
    ],
)
def test_every_reason_has_its_word_whole_and_streamed(reason: str, told: str) -> None:
    assert parsed({"text": "x"}, finish=reason).finish_reason == told
    assert read(answer({"text": "x"}, finish=reason))[1].finish().reason == told


@pytest.mark.parametrize(
    ("reason", "told"), [("STOP", "tool_calls"), ("MAX_TOKENS", "length"), ("OTHER", "other")]
)
def test_a_call_makes_a_stop_a_call(reason: str, told: str) -> None:
    assert parsed(calls("f"), finish=reason).finish_reason == told
    assert read(answer(calls("f"), finish=reason))[1].finish().reason == told


def test_thoughts_are_one_and_the_last_signature_seals_it() -> None:
    reply = parsed(
        {"text": "h", "thought": True, "thoughtSignature": "1"},
        {"text": "m", "thought": True},
        {"text": "So", "thoughtSignature": "2"},
        {"text": "."},
    )

    assert reply.content == "So."
    assert reply.reasoning == (Reasoning(text="hm", signature="2", provider="p"),)
    assert parsed({"text": "x"}).reasoning == ()


@pytest.mark.parametrize(
    ("part", "deltas"),
    [
        ({"text": "a"}, [TextDelta("a")]),
        ({"text": ""}, []),
        ({"inlineData": {}}, []),
        ({"text": "hm", "thought": True}, [ReasoningDelta("hm")]),
        ({"text": "hm", "thought": True, "thoughtSignature": "S"}, [ReasoningDelta("hm", "S")]),
        ({"text": "a", "thoughtSignature": "S"}, [TextDelta("a"), ReasoningDelta("", "S")]),
        ({"text": "", "thoughtSignature": "S"}, [ReasoningDelta("", "S")]),
    ],
)
def test_each_part_adds_what_it_says(part: dict[str, Any], deltas: list[Delta]) -> None:
    assert read(answer(part))[0] == deltas


def test_a_call_keeps_its_id_and_its_signature() -> None:
    part = {**calls("f", id="own", args={"x": 1}), "thoughtSignature": "S"}

    assert read(answer(part))[0] == [ToolCallDelta(0, "own", "f", '{"x": 1}', marked("p", "S"))]
    made = parsed(part).tool_calls[0]
    assert (made.id, made.arguments, made.signature) == ("own", {"x": 1}, marked("p", "S"))
    assert parsed(calls("f")).tool_calls[0].signature is None


def ids(*parts: dict[str, Any], **fields: Any) -> list[str]:
    whole = [one.id for one in parsed(*parts, **fields).tool_calls]
    deltas, _ = read(answer(*parts, **fields))
    assert [d.id for d in deltas if isinstance(d, ToolCallDelta)] == whole
    return whole


def test_calls_without_ids_are_named_after_the_answer() -> None:
    named = ids(calls("f"), calls("f"), responseId="R/e+s=1")

    assert named == ["call_Res1_0", "call_Res1_1"]
    assert len(ids(calls("f"), responseId="x" * 99)[0]) == len("call__0") + 24


def test_calls_of_nameless_answers_differ_by_what_they_ask() -> None:
    one, other = ids(calls("f", args={"x": 1})), ids(calls("f", args={"x": 2}))

    assert one != other
    assert one == ids(calls("f", args={"x": 1}))


def test_calls_spread_over_chunks_are_numbered_on() -> None:
    deltas, reader = read(
        answer(calls("f"), finish=None, responseId="R"), answer(calls("g"), responseId="R")
    )

    found = [(d.number, d.id) for d in deltas if isinstance(d, ToolCallDelta)]
    assert found == [(0, "call_R_0"), (1, "call_R_1")]
    assert reader.finish() == FinishDelta("tool_calls", None)


BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m-9"}


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    deltas, reader = read(BLOCKED)

    assert parse_answer(BLOCKED, provider="p").finish_reason == "content_filter"
    assert (deltas, reader.finish()) == ([], FinishDelta("content_filter", "m-9"))


@pytest.mark.parametrize(
    "body", [{}, {"candidates": []}, {"promptFeedback": {}}, {"promptFeedback": "x"}, None, []]
)
def test_no_candidate_is_no_answer(body: object) -> None:
    with pytest.raises(BadAnswer):
        parse_answer(body, provider="p")


def test_a_stream_without_a_reason_is_cut() -> None:
    deltas, reader = read(answer({"text": "Hel"}, finish=None))

    assert (deltas, reader.finished) == ([TextDelta("Hel")], False)
    with pytest.raises(BadAnswer, match="cut"):
        reader.finish()


def test_a_reason_already_given_is_not_taken_back() -> None:
    _, reader = read(answer({"text": "a"}), {"usageMetadata": {"promptTokenCount": 3}})

    assert reader.finished
    assert reader.finish().reason == "stop"
    assert reader.usage() == Usage(input_tokens=3)


def test_the_last_usage_holds_and_the_first_model_name() -> None:
    _, reader = read(
        answer({"text": "a"}, finish=None, modelVersion="m-1", usageMetadata={"x": 1}),
        answer({"text": "b"}, modelVersion="m-2", usageMetadata={"promptTokenCount": 5}),
        answer(),
    )

    assert reader.usage() == Usage(input_tokens=5)
    assert reader.finish().model == "m-1"
    assert read(answer())[1].usage() is None


@pytest.mark.parametrize("error", [{"code": 503}, "no"])
def test_a_failure_in_place_of_an_answer_is_told_apart(error: object) -> None:
    body = {**answer({"text": "x"}), "error": error}

    with pytest.raises(FailureInAnswer) as caught:
        parse_answer(body, provider="p")
    assert caught.value.error == error
    with pytest.raises(FailureInAnswer):
        read(body)


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
PARTS = st.one_of(
    TEXTS.map(lambda text: {"text": text}),
    TEXTS.map(lambda text: {"text": text, "thought": True}),
    st.builds(lambda text, sign: {"text": text, "thoughtSignature": sign}, TEXTS, TEXTS),
    st.sampled_from("fg").map(lambda name: calls(name, id=name, args={"n": name})),
)


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_whole_and_in_chunks_it_is_the_same_answer(parts: list[dict[str, Any]]) -> None:
    whole = parsed(*parts, modelVersion="m-9")
    chunks = [answer(part, finish=None, modelVersion="m-9") for part in parts]
    deltas, reader = read(*chunks, answer())

    assert together([*deltas, reader.finish()], provider="p") == whole
