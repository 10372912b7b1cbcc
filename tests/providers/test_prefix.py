"""What requests begin with, marked or named so that a provider keeps it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.wire import Call, Target
from mcp_router.providers.wires import WIRES
from mcp_router.types import Message, Reasoning, ToolSpec
from tests.providers.scene import WIRE_NAMES, call, target

MARK = {"type": "ephemeral"}
RULES = Message(role="system", content="Be brief.")
WEATHER = ToolSpec(name="weather")


def sent(where: Target, what: Call) -> Any:
    prepared = WIRES[where.provider.wire].request(where, what, stream=False)
    return json.loads(json.dumps(prepared.json))


def said(*texts: str, **fields: Any) -> Call:
    """A conversation in turns, the user's first."""
    turns = [
        Message(role="assistant" if number % 2 else "user", content=text)
        for number, text in enumerate(texts)
    ]
    return Call(messages=(RULES, *turns), cache=True, **fields)


def test_requests_that_begin_alike_have_one_key_at_openai() -> None:
    where = target("openai")
    keys = [
        sent(where, what)["prompt_cache_key"]
        for what in (said("One"), said("Two", "Yes", "Three"), said("One", tools=(WEATHER,)))
    ]
    assert keys[0] == keys[1] != keys[2]
    assert "Be brief" not in keys[0]


@pytest.mark.parametrize("provider", ["deepseek", "openrouter", "mine"])
def test_no_other_provider_of_the_wire_is_sent_one(provider: str) -> None:
    assert "prompt_cache_key" not in sent(target("openai", name=provider), said("One"))


def test_a_single_question_marks_only_what_stands_before_it() -> None:
    body = sent(target("anthropic"), said("One"))

    assert body["system"][-1]["cache_control"] == MARK
    assert "cache_control" not in json.dumps(body["messages"])


def test_the_newest_turn_is_not_marked_and_the_one_before_is() -> None:
    body = sent(target("anthropic"), said("One", "Yes", "Two", tools=(WEATHER,)))

    assert [json.dumps(turn).count("cache_control") for turn in body["messages"]] == [0, 1, 0]
    assert body["tools"][-1]["cache_control"] == MARK


def test_thoughts_are_never_marked() -> None:
    thought = Reasoning(text="hm", signature="sig", provider="anthropic")
    turns = (
        Message(role="user", content="One"),
        Message(role="assistant", content=(thought,)),
        Message(role="user", content="Two"),
    )
    body = sent(target("anthropic"), Call(messages=turns, cache=True))
    assert "cache_control" not in json.dumps(body)


@pytest.mark.parametrize("wire", WIRE_NAMES)
def test_nothing_is_marked_unasked(wire: str) -> None:
    text = json.dumps(sent(target(wire), call(tools=(WEATHER,))))
    assert "cache" not in text


@pytest.mark.parametrize("wire", WIRE_NAMES)
@pytest.mark.parametrize("word", ["cache", "cache_control", "prompt_cache_key"])
def test_a_model_that_rejects_it_gets_none_and_the_person_is_told(wire: str, word: str) -> None:
    where = target(wire, rejects=(word,))
    what = said("One", "Yes", "Two")
    prepared = WIRES[wire].request(where, what, stream=False)

    unasked = WIRES[wire].request(where, replace(what, cache=False), stream=False)
    assert prepared.json == unasked.json
    assert "cache_control" not in json.dumps(prepared.json)
    assert "prompt_cache_key" not in prepared.json
    assert prepared.warnings == ("cache dropped: m-1 rejects it",)


@given(turns=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=8))
def test_there_are_never_more_marks_than_the_api_takes(turns: list[str]) -> None:
    what = said("Hello", *turns, tools=(WEATHER, WEATHER))
    assert json.dumps(sent(target("anthropic"), what)).count("cache_control") <= 4
