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
