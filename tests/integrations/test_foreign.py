"""What only one provider understands does not reach another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool

from langchain_mcp_router.foreign import (
    native_to,
    own_messages,
    own_settings,
    own_system,
    own_tools,
    provider_of,
    takes_cache_marks,
)

MARK = {"cache_control": {"type": "ephemeral"}}


def test_a_setting_goes_to_its_own_provider_only() -> None:
    given = {"thinking": {}, "store": True, "safety_settings": [], "temperature": 0, "own": 1}

    assert own_settings(given, provider="anthropic").keys() == {"thinking", "temperature", "own"}
    assert own_settings(given, provider="openai").keys() == {"store", "temperature", "own"}
    assert own_settings(given, provider="").keys() == {"temperature", "own"}


def test_the_header_that_keeps_a_session_at_fireworks_stays_there() -> None:
    both = {"extra_headers": {"X-Session-Affinity": "s", "x-mine": "1"}}
    alone = {"extra_headers": {"X-Session-Affinity": "s"}}

    assert own_settings(both, provider="fireworks") == both
    assert own_settings(both, provider="openai") == {"extra_headers": {"x-mine": "1"}}
    assert own_settings(alone, provider="openai") == {}


def test_an_answer_of_the_same_provider_stays_whole() -> None:
    signed = AIMessage(
        [{"type": "thinking", "thinking": "hm", "signature": "S"}],
        response_metadata={"model_provider": "anthropic"},
    )

    (kept,) = own_messages([signed], provider="anthropic", cache_marks=True)

    assert kept is signed


def test_a_foreign_answer_keeps_its_text_and_its_calls() -> None:
    call = {"id": "c", "name": "f", "args": {"x": 1}, "type": "tool_call"}
    foreign = AIMessage(
        [
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "S"}},
            {"type": "text", "text": "Soon."},
            {"type": "server_tool_call", "id": "s", "name": "search", "args": {}},
            {**call},
        ],
        tool_calls=[call],
        additional_kwargs={"reasoning_content": "hm"},
        response_metadata={"model_provider": "openai"},
    )
    silent = AIMessage([{"type": "reasoning", "reasoning": "hm"}])

    (kept,) = own_messages([foreign, silent], provider="anthropic", cache_marks=True)

    assert isinstance(kept, AIMessage)
    assert (kept.content, kept.tool_calls, kept.additional_kwargs) == ("Soon.", [call], {})


def test_cache_marks_are_taken_off_for_whoever_does_not_know_them() -> None:
    block = {"type": "text", "text": "a", **MARK, "extras": {**MARK, "kept": 1}}
    said: list[AnyMessage] = [
        HumanMessage([block, "plain"]),
        ToolMessage([block], tool_call_id="c"),
    ]

    cleaned = own_messages(said, provider="openai", cache_marks=False)
    system = own_system(SystemMessage([block]), cache_marks=False)

    assert not any("cache_control" in str(one) for one in [*cleaned, system])
    assert cleaned[0].content == [{"type": "text", "text": "a", "extras": {"kept": 1}}, "plain"]
    assert own_messages(said, provider="anthropic", cache_marks=True) == said
    assert own_system(None, cache_marks=False) is None


def test_marks_on_tools_are_taken_off_a_copy() -> None:
    @tool
    def look(where: str) -> str:
        """Look somewhere."""
        return where

    look.extras = {**MARK, "defer_loading": True}

    cleaned, written = own_tools([look, {"name": "f", "parameters": {}, **MARK}], cache_marks=False)

    assert cleaned.extras == {"defer_loading": True}
    assert written == {"name": "f", "parameters": {}}
    assert look.extras == {**MARK, "defer_loading": True}


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        ({"type": "function", "function": {"name": "f"}}, None),
        ({"name": "f", "description": "d", "input_schema": {}}, None),
        ({"title": "Tide", "type": "object", "properties": {}}, None),
        ({"type": "web_search_20250305", "name": "web_search"}, "anthropic"),
        ({"type": "mcp_toolset"}, "anthropic"),
        ({"google_search": {}}, "google_genai"),
        ({"type": "web_search"}, "openai"),
        ({"type": "code_interpreter", "container": {}}, "openai"),
    ],
)
def test_a_built_in_tool_is_told_by_its_form(given: dict[str, Any], owner: str | None) -> None:
    assert native_to(given) == owner


def test_a_chat_model_without_a_provider_takes_no_marks() -> None:
    fake = FakeListChatModel(responses=["x"])

    assert provider_of(fake) not in ("anthropic", "openai")
    assert not takes_cache_marks(fake)


BLOCKS = st.lists(
    st.sampled_from(
        [
            {"type": "text", "text": "a"},
            {"type": "thinking", "thinking": "t", "signature": "SIGNED"},
            {"type": "redacted_thinking", "data": "SIGNED"},
            {"type": "reasoning", "reasoning": "r", "extras": {"signature": "SIGNED"}},
            {"type": "server_tool_use", "id": "s", "name": "SIGNED", "input": {}},
            {"type": "web_search_tool_result", "content": ["SIGNED"]},
            {"type": "function_call_signature", "signature": "SIGNED"},
        ]
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS, st.sampled_from(["openai", "anthropic", "google_genai", None]))
def test_nothing_signed_elsewhere_is_sent(blocks: list[Any], provider: str | None) -> None:
    made = {"model_provider": provider} if provider else {}
    said: list[AnyMessage] = [HumanMessage("hi"), AIMessage(blocks, response_metadata=made)]

    kept = own_messages(said, provider="mistralai", cache_marks=False)

    assert kept[0] == said[0]
    assert "SIGNED" not in str([one.content for one in kept])
    texts = sum(block["type"] == "text" for block in blocks)
    assert len(kept) == 1 + bool(texts)
