"""Streams put together: first names hold, last signatures hold, fragments join."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.assemble import CUT_CALL, Assembler, deltas_of
from mcp_router.providers.wire import (
    BadAnswer,
    FinishDelta,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from mcp_router.types import Logprobs, Reasoning, ToolCall, Usage
from tests.providers.scene import together

END = FinishDelta("stop", "m-1")


def test_a_call_keeps_its_first_name_and_id_and_its_last_signature() -> None:
    reply = together(
        [
            ToolCallDelta(0, arguments='{"a"'),
            ToolCallDelta(0, "one", "f", ": 1}", "S"),
            ToolCallDelta(0, "two", "g", ""),
            ToolCallDelta(0, signature="T"),
            END,
        ],
        provider="p",
    )

    assert reply.tool_calls == (ToolCall(id="one", name="f", arguments={"a": 1}, signature="T"),)


def test_a_signature_is_not_undone_by_a_later_piece_without_one() -> None:
    deltas = [ToolCallDelta(0, "a", "f", "", "S"), ToolCallDelta(0), END]

    assert together(deltas, provider="p").tool_calls[0].signature == "S"


def test_a_call_without_an_id_gets_one_by_its_number() -> None:
    reply = together([ToolCallDelta(4, name="f"), END], provider="p")

    assert reply.tool_calls[0].id == "call_4"
    assert reply.tool_calls[0].arguments == {}


def test_thoughts_are_kept_apart_by_number_and_sealed_once() -> None:
    reply = together(
        [
            ReasoningDelta("h", number=0),
            ReasoningDelta(signature="blob", redacted=True, number=2),
            ReasoningDelta("m", "S", number=0),
            ReasoningDelta("", number=0),
            ReasoningDelta("", number=2),
            END,
        ],
        provider="p",
    )

    assert reply.reasoning == (
        Reasoning(text="hm", signature="S", provider="p"),
        Reasoning(signature="blob", redacted=True, provider="p"),
    )


def test_the_last_usage_holds() -> None:
    used = [UsageDelta(Usage(input_tokens=n)) for n in (1, 2)]

    assert together([*used, END], provider="p").usage == Usage(input_tokens=2)
    assert together([END], provider="p").usage is None


def test_the_end_brings_the_model_and_the_warnings() -> None:
    reply = together([TextDelta("a"), FinishDelta("stop", "m-1", ("w",))], provider="p")

    assert reply == Reply("a", model="m-1", warnings=("w",))


def test_a_cut_call_adds_its_warning_to_those_before() -> None:
    deltas = [ToolCallDelta(0, "a", "f", "{"), FinishDelta("length", None, ("w",))]

    assert together(deltas, provider="p").warnings == ("w", CUT_CALL)


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "content_filter", "error", "other"])
def test_a_cut_call_without_a_limit_to_blame_is_refused(reason: str) -> None:
    with pytest.raises(BadAnswer):
        together([ToolCallDelta(0, "a", "f", "{"), FinishDelta(reason)], provider="p")


def test_the_answer_can_be_looked_at_while_it_grows() -> None:
    assembler = Assembler(provider="p")
    seen: list[str] = []
    for text in ("Hel", "lo"):
        assembler.add(TextDelta(text))
        seen.append(assembler.reply().content)

    assert seen == ["Hel", "Hello"]
    assert assembler.reply().finish_reason == "error"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
SIGNATURES = st.none() | st.text("abc", min_size=1, max_size=3)
CALLS = st.builds(
    ToolCall,
    id=st.text("abc", min_size=1, max_size=3),
    name=st.text("fgh", min_size=1, max_size=3),
    arguments=st.dictionaries(TEXTS, JSONS, max_size=2),
    signature=SIGNATURES,
)
THOUGHTS = st.builds(
    Reasoning, text=TEXTS, signature=SIGNATURES, redacted=st.booleans(), provider=st.just("p")
)
REPLIES = st.builds(
    Reply,
    content=TEXTS,
    tool_calls=st.lists(CALLS, max_size=3).map(tuple),
    reasoning=st.lists(THOUGHTS, max_size=3).map(tuple),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "other"]),
    usage=st.none() | st.builds(Usage, input_tokens=st.integers(0, 9)),
    logprobs=st.sampled_from((None, Logprobs(mean=-1.0, lowest=-2.0, tokens=9))),
    model=st.none() | TEXTS,
    warnings=st.lists(TEXTS, max_size=2).map(tuple),
)


@given(REPLIES)
def test_any_reply_taken_apart_is_put_together_again(reply: Reply) -> None:
    deltas = list(deltas_of(reply))

    assert together(deltas, provider="p") == reply
    assert isinstance(deltas[-1], FinishDelta)
    assert TextDelta("") not in deltas
