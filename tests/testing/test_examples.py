"""Example values fit their schemas, and prompts fill them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_router.testing.examples import Hints, example, quoted, tool_calls
from mcp_router.testing.neutral import Tool

NAMES = st.text("abcdefgh", min_size=1, max_size=4)
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda n: {"type": "string", "minLength": n}, st.integers(0, 50)),
    st.builds(lambda n: {"type": "integer", "minimum": n}, st.integers(-50, 50)),
    st.builds(lambda n: {"type": "number", "minimum": n}, st.integers(-50, 50)),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": ["string", "null"]}),
    st.builds(lambda v: {"enum": v}, st.lists(st.text(max_size=3), min_size=1)),
    st.builds(lambda v: {"const": v}, st.text(max_size=3)),
    st.sampled_from(["date", "date-time", "email", "uuid"]).map(
        lambda f: {"type": "string", "format": f}
    ),
)


def _nested(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(NAMES, parts, max_size=4).map(
        lambda p: {"type": "object", "properties": p, "required": list(p)}
    )
    arrays = st.builds(
        lambda p, n: {"type": "array", "items": p, "minItems": n}, parts, st.integers(0, 3)
    )
    choices = st.lists(parts, min_size=1, max_size=3).map(lambda p: {"anyOf": p})
    return st.one_of(objects, arrays, choices)


SCHEMAS = st.recursive(LEAVES, _nested, max_leaves=12)


@given(schema=SCHEMAS, text=st.text(max_size=30))
def test_an_example_fits_its_schema(schema: dict[str, Any], text: str) -> None:
    Draft202012Validator(schema).validate(example(schema, hints=Hints(text)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "$ref", "anyOf", "enum", "minItems"])
            | NAMES,
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(schema=st.dictionaries(st.sampled_from(["type", "properties", "$ref", "items"]), JSON))
def test_a_schema_of_any_shape_yields_something(schema: dict[str, Any]) -> None:
    example(schema, hints=Hints(""))


def test_references_are_followed_even_in_a_circle() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    value = example({"$ref": "#/$defs/node", "$defs": {"node": node}}, hints=Hints(""))
    depth = 0
    while isinstance(value, dict):
        value, depth = value["next"], depth + 1
    assert 3 < depth < 20
    loop = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    example(loop, hints=Hints(""))


def test_defaults_and_gemini_spelling_are_understood() -> None:
    assert example({"type": "STRING", "default": "d"}, hints=Hints("")) == "d"
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    assert example(schema, hints=Hints("take 42")) == {"n": 42}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("say 'a b' and \"c\"", ["a b", "c"]),
        ("don't and it's", []),
        ("`code` “curly”", ["code", "curly"]),
        ("named '你好啊集团' (x)", ["你好啊集团"]),
    ],
)
def test_quoted_words_are_found_and_apostrophes_are_not(text: str, expected: list[str]) -> None:
    assert quoted(text) == expected


ADD = Tool("add", {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}})
WEATHER = Tool("get_weather", {"properties": {"city": {"type": "string"}}})


@pytest.mark.parametrize(
    ("text", "choice", "expected"),
    [
        ("add(1, 2)", "auto", [("add", {"a": 1, "b": 2})]),
        ("add(1, 2) and add(3, 4)", "auto", [("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})]),
        ("please add 5 and 6", "auto", [("add", {"a": 5, "b": 6})]),
        ("weather in 'Rome'", "auto", [("get_weather", {"city": "Rome"})]),
        ("hello", "auto", []),
        ("hello", "any", [("add", {"a": 1, "b": 1})]),
        ("add(1, 2)", "get_weather", [("get_weather", {"city": "example"})]),
        ("add(1, 2)", "unknown", []),
    ],
)
def test_a_prompt_chooses_its_tools(text: str, choice: str, expected: list[Any]) -> None:
    assert tool_calls((ADD, WEATHER), text=text, choice=choice) == expected


def test_a_tool_without_parameters_is_called_without_arguments() -> None:
    assert tool_calls((Tool("now", {}),), text="now()", choice="auto") == [("now", {})]
