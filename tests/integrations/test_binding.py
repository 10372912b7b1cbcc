"""What is bound to the chat model: every way of saying it means one thing, or is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from langchain_mcp_router.binding import (
    AnswerFormat,
    answer_format,
    is_function,
    neutral_choice,
    neutral_tools,
    tool_names,
    tool_specs,
)
from mcp_router import InvalidRequestError

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"port": {"type": "string"}}}
SEARCH: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["type", "json_schema", "schema", "name", "function", "json_object", "text"]
)


@tool
def high_tide(port: str) -> str:
    """Tell when the next high tide of a port is."""
    return port


class LowTide(BaseModel):
    """Tell when the next low tide of a port is."""

    port: str = Field(description="its name")


def sail(port: str) -> str:
    """Sail to a port.

    Args:
        port: where to.
    """
    return port


OPENAI = {"type": "function", "function": {"name": "wait", "description": "", "parameters": SCHEMA}}
ANTHROPIC = {"name": "drift", "description": "Drift.", "input_schema": SCHEMA}
TITLED = {"title": "Moor", "description": "Moor a boat.", **SCHEMA}


def test_a_function_in_any_form_becomes_one_and_the_same_kind_of_tool() -> None:
    bound = neutral_tools([high_tide, LowTide, sail, OPENAI, ANTHROPIC, TITLED], strict=None)
    specs = tool_specs(bound)
    names = ["high_tide", "LowTide", "sail", "wait", "drift", "Moor"]
    assert tool_names(bound) == [spec.name for spec in specs] == names
    assert all(is_function(one) for one in bound)
    assert all("port" in spec.parameters["properties"] for spec in specs)
    assert [bool(spec.description) for spec in specs] == [True, True, True, False, True, True]


def test_a_tool_of_one_provider_is_kept_as_it_is_and_refused_where_none_carries_it_out() -> None:
    (kept,) = neutral_tools([SEARCH], strict=None)
    assert kept == SEARCH
    assert not is_function(kept)
    with pytest.raises(InvalidRequestError, match=r"'web_search_20250305' is carried out by one"):
        tool_specs([kept])


def test_a_function_without_a_name_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidRequestError, match="tools: a function has no name"):
        tool_specs([{"type": "function", "function": {"parameters": SCHEMA}}])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, None),
        (False, None),
        (True, "any"),
        ("any", "any"),
        ("required", "any"),
        ("auto", "auto"),
        ("none", "none"),
        ("sail", "sail"),
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "any"),
        ({"type": "required"}, "any"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "sail"}, "sail"),
        ({"type": "function", "function": {"name": "sail"}}, "sail"),
        ({"type": "function", "name": "sail"}, "sail"),
    ],
)
def test_every_way_to_choose_a_tool_means_one_thing(said: object, meant: str | None) -> None:
    assert neutral_choice(said, names=["sail", "wait"]) == meant


@pytest.mark.parametrize(
    "said",
    ["row", "", 5, {"type": "tool", "name": "row"}, {}, {"function": {}}, ["sail"], {"type": "x"}],
)
def test_a_choice_of_what_is_not_bound_is_refused_with_what_is(said: object) -> None:
    with pytest.raises(ValueError, match="names none of the tools: sail, wait"):
        neutral_choice(said, names=["sail", "wait"])


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (None, AnswerFormat()),
        ({"type": "text"}, AnswerFormat()),
        ({"type": "json_object"}, AnswerFormat(json_mode=True)),
        ({"type": "json_schema", "json_schema": {"schema": SCHEMA}}, AnswerFormat(schema=SCHEMA)),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {}}},
            AnswerFormat(schema={}),
        ),
    ],
)
def test_a_form_of_the_answer_is_read_as_openai_writes_it(
    wanted: object, meant: AnswerFormat
) -> None:
    assert answer_format(wanted) == meant


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        "json_object",
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "x"}},
        {"type": "json_schema", "json_schema": {"schema": "a string"}},
        {"type": "json_schema", "json_schema": SCHEMA},
        {"type": "yaml"},
        [("type", "text")],
    ],
)
def test_another_form_is_refused_by_its_field(wanted: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        answer_format(wanted)
    assert caught.value.field == "response_format"


@given(st.dictionaries(WORDS, JSON | st.dictionaries(WORDS, JSON | WORDS), max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_is_asked_for_is_a_form_or_is_refused(wanted: Mapping[str, object]) -> None:
    try:
        found = answer_format(wanted)
    except InvalidRequestError:
        return
    assert found.schema is None or not found.json_mode
    assert isinstance(found.schema, dict | None)


@given(JSON | st.dictionaries(WORDS, JSON | st.dictionaries(WORDS, JSON)))
@settings(max_examples=60, deadline=None)
def test_whatever_is_chosen_is_bound_or_a_word_or_is_refused(said: object) -> None:
    try:
        found = neutral_choice(said, names=["sail"])
    except ValueError:
        return
    assert found in (None, "any", "auto", "none", "sail")
