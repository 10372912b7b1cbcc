"""JSON schemas, fitted to what providers accept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.schema import closed, is_closable, is_strict

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def nested(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {"type": "array", "items": {"anyOf": [schema, {"type": "null"}]}}
    return {**CLOSED, "properties": {"a": inner}, "$defs": {"x": schema}}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        (nested(CLOSED), True),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        (nested({"type": "object"}), False),
        ({"type": "string"}, False),
        ({}, False),
    ],
)
def test_strict_means_closed_and_all_required(schema: dict[str, Any], strict: bool) -> None:
    assert is_strict(schema) is strict


def test_closing_reaches_every_object_and_drops_value_limits() -> None:
    open_one = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    shut_one = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "additionalProperties": False,
    }

    assert closed(nested(open_one)) == nested(shut_one)


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {**CLOSED, "properties": {"minimum": {"type": "integer"}}, "required": ["minimum"]}

    assert closed(schema) == schema


@pytest.mark.parametrize("extra", [True, {"type": "string"}])
def test_a_map_of_any_keys_cannot_be_closed(extra: object) -> None:
    assert is_closable(CLOSED)
    assert not is_closable(nested({"type": "object", "additionalProperties": extra}))


NODES = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer", "minimum": 3}]),
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item, "minItems": 2}, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(
            lambda named: {"type": "object", "properties": named}
        ),
    ),
    max_leaves=8,
)


@given(NODES)
def test_closing_changes_nothing_twice_and_not_the_original(schema: dict[str, Any]) -> None:
    before = repr(schema)
    once = closed(schema)

    assert closed(once) == once
    assert repr(schema) == before
    assert "minimum" not in repr(once)


LIMITS = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties"),
)


@pytest.mark.parametrize("limit", LIMITS)
def test_every_limit_of_values_is_left_out_and_the_rest_stays(limit: str) -> None:
    schema = {"type": "string", limit: 1, "pattern": "a", "enum": ["a"], "description": "x"}

    assert closed(schema) == {"type": "string", "pattern": "a", "enum": ["a"], "description": "x"}


OPEN: dict[str, Any] = {"type": "object", "properties": {}}
PLACES: list[dict[str, Any]] = [
    {"properties": {"a": OPEN}},
    {"$defs": {"a": OPEN}},
    {"definitions": {"a": OPEN}},
    {"items": OPEN},
    {"items": [OPEN]},
    {"prefixItems": [OPEN]},
    {"anyOf": [OPEN]},
    {"oneOf": [OPEN]},
    {"allOf": [OPEN]},
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: next(iter(place)))
def test_objects_are_found_in_every_place(place: dict[str, Any]) -> None:
    schema = {**CLOSED, "required": list(place.get("properties", CLOSED["properties"])), **place}
    shut = repr(closed(schema))

    assert shut.count("'additionalProperties': False") == 2
    assert not is_strict(schema)
    mapping = {key: _with_map(value) for key, value in place.items()}
    assert not is_closable({**CLOSED, **mapping})


def _with_map(value: Any) -> Any:
    anything = {"type": "object", "additionalProperties": True}
    return [anything] if isinstance(value, list) else anything if value is OPEN else {"a": anything}


def test_an_example_that_looks_like_a_schema_is_left_alone() -> None:
    schema = {**CLOSED, "examples": [OPEN], "default": OPEN, "const": OPEN}

    assert closed(schema) == schema


def test_properties_alone_make_an_object() -> None:
    assert closed({"properties": {}})["additionalProperties"] is False
    assert "additionalProperties" not in closed({"type": "array"})


@pytest.mark.parametrize(
    ("extra", "closable"),
    [({}, False), (True, False), ({"type": "string"}, False), (False, True), (None, True)],
)
def test_extra_properties_of_any_kind_make_a_map(extra: object, closable: bool) -> None:
    assert is_closable({"type": "object", "additionalProperties": extra}) is closable


@pytest.mark.parametrize("schema", [{}, {"type": "string"}, {"type": "array", "items": CLOSED}])
def test_only_an_object_can_be_enforced(schema: dict[str, Any]) -> None:
    assert not is_closable(schema)
    assert not is_strict(schema)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["object", "string", "a"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *("type", "properties", "required", "additionalProperties", "items"),
                    *("$defs", "anyOf", "minimum", "a"),
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "items"]), JUNK))
def test_what_is_no_schema_is_left_for_the_provider_to_refuse(schema: dict[str, Any]) -> None:
    is_strict(schema)
    is_closable(schema)
    assert closed(closed(schema)) == closed(schema)


@pytest.mark.parametrize(
    ("properties", "required", "strict"),
    [
        ({"a": {}, "b": {}}, ["b", "a"], True),
        ({"a": {}}, ["a", "b"], False),
        ({"a": {}, "b": {}}, ["a"], False),
        ({}, [], True),
        ({"a": {}}, ("a",), True),
        ({"a": {}}, None, False),
        ({"a": {}}, True, False),
    ],
)
def test_every_property_must_be_required_and_only_those(
    properties: object, required: object, strict: bool
) -> None:
    schema = {**CLOSED, "properties": properties, "required": required}

    assert is_strict(schema) is strict
