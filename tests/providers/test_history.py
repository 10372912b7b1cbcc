"""Histories that cross providers: whatever was said elsewhere, the next provider accepts it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.providers.history import mended
from mcp_router.providers.parts import marked
from mcp_router.providers.wire import Call
from mcp_router.providers.wires import written
from mcp_router.types import Media, Message, Reasoning, Text, ToolCall, ToolResult
from tests.providers.scene import WIRE_NAMES, target

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ASK = Message(role="user", content="go on")
PNG = Media(media_type="image/png", data="AAAA")


def answer(*calls: ToolCall, text: str = "") -> Message:
    return Message(role="assistant", content=(*([Text(text=text)] if text else []), *calls))


def call(name: str = "look", *, call_id: str = "c1") -> ToolCall:
    return ToolCall(id=call_id, name=name)


def result(call_id: str = "c1", content: str = "found", **fields: Any) -> ToolResult:
    return ToolResult(tool_call_id=call_id, content=content, **fields)


def tools(*results: ToolResult) -> Message:
    return Message(role="tool", content=results)


def test_a_conversation_in_order_is_left_as_it_is() -> None:
    named = result(name="look")
    said = (ASK, answer(call()), tools(named), answer(text="done"), ASK)

    assert mended(said) == (said, ())


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    found = mended((ASK, answer(call(call_id="a"), call(call_id="b")), tools(result("b")), ASK))

    lost, kept = found.messages[2].content
    assert isinstance(lost, ToolResult)
    assert (lost.tool_call_id, lost.is_error) == ("a", True)
    assert isinstance(kept, ToolResult)
    assert kept.content == "found"
    assert found.warnings == ("1 tool calls had no result and are sent as failed",)


def test_a_result_without_its_call_becomes_the_users_text_and_keeps_its_pictures() -> None:
    drawn = ToolResult(tool_call_id="x", name="draw", content=(Text(text="here"), PNG))

    found = mended((ASK, tools(result(name="look"), drawn), answer(text="nice")))

    assert found.messages[1] == Message(
        role="user",
        content=(
            Text(text="Result of look: found"),
            Text(text="Result of draw:"),
            Text(text="here"),
            PNG,
        ),
    )
    assert found.warnings == ("2 tool results had no call and are sent as text",)


def test_results_stand_together_right_after_their_calls_and_in_their_order() -> None:
    said = (
        ASK,
        answer(call(call_id="a"), call(call_id="b")),
        Message(role="user", content="still there?"),
        tools(result("b", "second")),
        Message(role="user", content=(result("a", "first"), Text(text="thanks"))),
    )

    found = mended(said).messages

    results = [part for part in found[2].content if isinstance(part, ToolResult)]
    assert [one.content for one in results] == ["first", "second"]
    assert [one.role for one in found] == ["user", "assistant", "tool", "user", "user"]
    assert found[4].content == (Text(text="thanks"),)


def test_calls_that_share_an_id_are_told_apart_and_keep_their_results() -> None:
    said = (
        ASK,
        answer(call("north", call_id=""), call("south", call_id="")),
        tools(result("", "cold"), result("", "warm")),
        answer(call("north", call_id="c")),
        tools(result("c", "colder")),
        answer(call("north", call_id="c")),
        tools(result("c", "coldest")),
    )

    found = mended(said).messages

    calls = [p for m in found for p in m.content if isinstance(p, ToolCall)]
    results = [p for m in found for p in m.content if isinstance(p, ToolResult)]
    assert [one.tool_call_id for one in results] == [one.id for one in calls]
    assert len({one.id for one in calls}) == 4
    assert [one.content for one in results] == ["cold", "warm", "colder", "coldest"]
    assert [one.name for one in results] == ["north", "south", "north", "north"]


def test_the_second_result_of_one_call_is_kept_as_text() -> None:
    found = mended((ASK, answer(call()), tools(result(), result(content="found again"))))

    assert found.messages[3].content == (Text(text="Result of a tool: found again"),)


@pytest.mark.parametrize("wire", ["anthropic", "gemini"])
def test_a_conversation_that_begins_with_an_answer_is_given_a_beginning(wire: str) -> None:
    greeting = Message(role="assistant", content="Hello! What shall we do?")

    sent = written(target(wire), Call(messages=(greeting, ASK)), stream=False).json

    turns = sent.get("messages") or sent["contents"]
    assert turns[0]["role"] == "user"
    assert len(turns) == 3


def test_an_answer_of_foreign_thinking_alone_is_left_out() -> None:
    thought = Reasoning(text="hm", signature="S", provider="elsewhere")
    said = (ASK, Message(role="assistant", content=(thought,)), ASK)

    for wire in WIRE_NAMES:
        sent = written(target(wire), Call(messages=said), stream=False).json
        turns = sent.get("messages") or sent["contents"]
        assert {turn["role"] for turn in turns} == {"user"}


IDS = st.sampled_from(["a", "b", "c", "", "call|1", "é" * 70, "toolu_01A"])
NAMES = st.sampled_from(["look", "find"])
TEXTS = st.sampled_from(["", " ", "yes", "two\nlines"])
THOUGHTS = st.builds(
    Reasoning,
    text=TEXTS,
    signature=st.sampled_from([None, "SIG"]),
    provider=st.sampled_from([None, "openai", "anthropic", "gemini", "elsewhere"]),
    redacted=st.booleans(),
)
CALLS = st.builds(
    ToolCall,
    id=IDS,
    name=NAMES,
    signature=st.sampled_from([None, "FOREIGN", marked("elsewhere", "FOREIGN")]),
)
RESULTS = st.builds(
    ToolResult,
    tool_call_id=IDS,
    name=st.sampled_from(["", "look"]),
    content=st.one_of(TEXTS, st.just((Text(text="see"), PNG))),
    is_error=st.booleans(),
)


def _message(role: Any, *parts: Any, most: int = 4, least: int = 0) -> Any:
    content = st.lists(st.one_of(*parts), min_size=least, max_size=most).map(tuple)
    return content.map(lambda parts: Message(role=role, content=parts))


WORDS = TEXTS.map(lambda text: Text(text=text))
MESSAGES = st.lists(
    st.one_of(
        _message("user", WORDS, RESULTS, st.just(PNG)),
        _message("assistant", WORDS, CALLS, THOUGHTS),
        _message("tool", RESULTS, least=1),
        st.just(Message(role="system", content="Be brief.")),
    ),
    max_size=9,
).map(lambda said: (*said, ASK))


@QUICK
@given(said=MESSAGES)
def test_mending_twice_changes_nothing_more(said: tuple[Message, ...]) -> None:
    once = mended(said)

    assert mended(once.messages) == (once.messages, ())


@QUICK
@given(said=MESSAGES)
def test_nothing_that_a_tool_or_a_person_said_is_lost(said: tuple[Message, ...]) -> None:
    after = " ".join(_texts(mended(said).messages))

    assert all(text.strip() in after for text in _texts(said))


def _texts(messages: tuple[Message, ...]) -> list[str]:
    inner = [part for one in messages if not isinstance(one.content, str) for part in one.content]
    results = [part.content for part in inner if isinstance(part, ToolResult)]
    inner += [part for one in results if not isinstance(one, str) for part in one]
    texts = [part.text for part in inner if isinstance(part, Text)]
    return texts + [one for one in results if isinstance(one, str)]


@QUICK
@given(said=MESSAGES)
def test_openai_is_sent_each_call_with_its_results_right_after_it(
    said: tuple[Message, ...],
) -> None:
    sent = written(target(), Call(messages=said), stream=False).json["messages"]
    open_calls = list[str]()
    seen = set[str]()
    for message in sent:
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
            continue
        assert open_calls == []
        open_calls = [one["id"] for one in message.get("tool_calls", ())]
        assert not seen & set(open_calls)
        seen |= set(open_calls)
        assert all(re.fullmatch(r"[!-~]{1,40}", one) for one in open_calls)
        if message["role"] == "assistant":
            assert message["content"] or open_calls
    assert open_calls == []


@QUICK
@given(said=MESSAGES)
def test_anthropic_is_sent_turns_that_follow_its_rules(said: tuple[Message, ...]) -> None:
    where = target("anthropic")
    turns = written(where, Call(messages=said), stream=False).json["messages"]

    assert turns[0]["role"] == "user"
    assert all(one["role"] != after["role"] for one, after in pairwise(turns))
    seen = list[str]()
    for turn, following in pairwise([*turns, {"role": "end", "content": []}]):
        blocks = turn["content"]
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        found = [b["tool_use_id"] for b in following["content"] if b["type"] == "tool_result"]
        assert found == calls
        heads = [block["type"] == "tool_result" for block in following["content"]]
        assert heads == sorted(heads, reverse=True)
        seen += calls
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    assert len(seen) == len(set(seen))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", one) for one in seen)


@QUICK
@given(said=MESSAGES)
def test_gemini_is_sent_as_many_results_as_calls_in_the_next_turn(
    said: tuple[Message, ...],
) -> None:
    where = target("gemini", id="gemini-3.5-flash")
    turns = written(where, Call(messages=said), stream=False).json["contents"]

    assert turns[0]["role"] == "user"
    assert all(one["role"] != after["role"] for one, after in pairwise(turns))
    for turn, following in pairwise([*turns, {"role": "end", "parts": []}]):
        calls = [part for part in turn["parts"] if "functionCall" in part]
        results = [part for part in following["parts"] if "functionResponse" in part]
        assert [one["functionResponse"]["id"] for one in results] == [
            one["functionCall"]["id"] for one in calls
        ]
        if calls:
            # The first call of an answer carries a signature, its own or the stand-in.
            assert "thoughtSignature" in calls[0]


@pytest.mark.parametrize("wire", WIRE_NAMES)
def test_no_provider_sees_the_marks_of_another(wire: str) -> None:
    @QUICK
    @given(said=MESSAGES)
    def check(said: tuple[Message, ...]) -> None:
        own = any(
            isinstance(part, Reasoning) and part.provider == wire
            for message in said
            for part in message.content
        )
        sent = json.dumps(written(target(wire), Call(messages=said), stream=False).json)
        assert "FOREIGN" not in sent
        assert own or '"SIG"' not in sent

    check()
