"""The schema check agrees with the reference implementation on what it knows."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import referencing
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.quality.json_text import canonical_json, read_json
from mcp_router.quality.schema import Mismatch, mismatch

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-4, 4)
    | st.sampled_from([0.5, 1.0, 2.5, "", "a", "ab"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
kinds = st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"])


def _keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    small = st.integers(0, 3)
    few = st.lists(inner, min_size=1, max_size=2)
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": kinds | st.lists(kinds, min_size=1, max_size=2, unique=True),
            "enum": st.lists(values, min_size=1, max_size=3),
            "const": values,
            "minimum": small,
            "maximum": small,
            "exclusiveMinimum": small,
            "exclusiveMaximum": small,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": small,
            "maxLength": small,
            "pattern": st.sampled_from(["^a", "b$", "^[ab]+$"]),
            "minItems": small,
            "maxItems": small,
            "uniqueItems": st.booleans(),
            "items": inner,
            "prefixItems": few,
            "contains": inner,
            "minContains": small,
            "properties": named,
            "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "minProperties": small,
            "maxProperties": small,
            "dependentRequired": st.just({"a": ["b"]}),
            "allOf": few,
            "anyOf": few,
            "oneOf": few,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.sampled_from(["#/$defs/number", "#"]),
            "format": st.just("email"),
        },
    ).map(_few)


def _few(rules: dict[str, Any]) -> dict[str, Any]:
    kept = dict(list(rules.items())[::3]) or rules
    # A schema that is only itself would never end, which the standard forbids.
    return {key: rule for key, rule in kept.items() if (key, rule) != ("$ref", "#")}


schemas = st.recursive(st.booleans() | _keywords(st.booleans()), _keywords, max_leaves=6)


@settings(max_examples=100, deadline=None)
@given(values, schemas)
def test_it_agrees_with_the_reference_implementation(value: object, schema: Any) -> None:
    if isinstance(schema, dict):
        schema = {**schema, "$defs": {"number": {"type": "number"}}}
    reference = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    assert (mismatch(value, schema=schema) is None) == reference.is_valid(value)


def test_the_place_of_a_mismatch_is_named() -> None:
    price = {"type": "object", "properties": {"price": {"type": "number", "minimum": 0}}}
    schema = {"properties": {"items": {"type": "array", "items": price}}}
    value = {"items": [{"price": 1}, {"price": -2}]}
    assert mismatch(value, schema=schema) == Mismatch("items[1].price", "is below 0")


def test_of_several_forms_one_of_takes_exactly_one_and_any_of_at_least_one() -> None:
    forms = [{"type": "integer"}, {"minimum": 2}]
    fits = {value: mismatch(value, schema={"oneOf": forms}) is None for value in (1, 3, 2.5, 0.5)}
    assert fits == {1: True, 3: False, 2.5: True, 0.5: False}
    assert mismatch(3, schema={"anyOf": forms}) is None
    assert mismatch(0.5, schema={"anyOf": forms}) is not None


@pytest.mark.parametrize("reference", ["https://example.com/schema", "#/nowhere", "other.json"])
def test_a_reference_that_leads_nowhere_is_not_followed(reference: str) -> None:
    assert mismatch(5, schema={"$ref": reference}) is None


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False}
    assert mismatch({"next": {"next": {}}}, schema=tree) is None
    assert mismatch({"next": {"next": {"x": 1}}}, schema=tree) == Mismatch(
        "next.next.x", "is not allowed"
    )
    assert mismatch(1, schema={"$ref": "#"}) is None
    bomb = {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}] * 4}}, "$ref": "#/$defs/a"}
    assert mismatch(1, schema=bomb) is None


def test_a_pattern_that_could_hang_does_not() -> None:
    assert mismatch("a" * 4_000 + "b", schema={"pattern": "^(a+)+$"}) is not None
    assert mismatch("ab", schema={"pattern": "(?=a)b"}) is None


@given(values)
def test_equal_values_have_one_canonical_text(value: object) -> None:
    text = canonical_json(value)
    parsed, found = read_json(text)
    assert found
    assert canonical_json(parsed) == text
    assert canonical_json([value]) != text


def test_only_strict_json_is_read() -> None:
    for text in ("NaN", "{'a': 1}", "", "[" * 5_000, "{" * 300 + "}" * 300, "1" * 5_000):
        assert read_json(text) == (None, False)
    assert read_json("null") == (None, True)
    assert read_json("[" * 150 + "]" * 150)[1]
