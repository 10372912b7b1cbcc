"""Fitting a JSON schema to what providers accept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

Schema = Mapping[str, Any]

# Keywords that Anthropic's structured output answers with a 400; the caller checks them himself.
# Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_UNENFORCED = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties"),
}
# Under these keys the names are the user's own, not keywords.
_NAMED = frozenset(("properties", "$defs", "definitions"))
_NESTED = frozenset(("items", "anyOf", "oneOf", "allOf", "prefixItems"))


def is_strict(schema: Schema) -> bool:
    """Say whether OpenAI's strict mode takes a schema: closed objects, every property required.

    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    strict = True

    def check(node: dict[str, Any]) -> dict[str, Any]:
        nonlocal strict
        if _is_object(node):
            named, required = node.get("properties", {}), node.get("required", [])
            closed = node.get("additionalProperties") is False
            strict = strict and closed and _names(named) == _names(required)
        return node

    _walk(schema, check)
    return strict and _is_object(schema)


def is_closable(schema: Schema) -> bool:
    """Say whether closing the objects of a schema leaves its meaning: none is a map of any keys."""
    closable = True

    def check(node: dict[str, Any]) -> dict[str, Any]:
        nonlocal closable
        closable = closable and node.get("additionalProperties") in (None, False)
        return node

    _walk(schema, check)
    return closable and _is_object(schema)


def closed(schema: Schema) -> dict[str, Any]:
    """Rewrite a schema for Anthropic: objects are closed, value limits are left out."""

    def close(node: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in node.items() if key not in _UNENFORCED}
        return {**kept, "additionalProperties": False} if _is_object(kept) else kept

    return _walk(schema, close)


def _is_object(node: Schema) -> bool:
    return node.get("type") == "object" or "properties" in node


def _names(listed: object) -> set[str]:
    """Give the names in `properties` or `required`; what is no schema at all has none."""
    if not isinstance(listed, Mapping | list | tuple):
        return set()
    return {one for one in cast(Iterable[object], listed) if isinstance(one, str)}


def _walk(node: Schema, visit: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    walked = dict(node)
    for key, value in node.items():
        if key in _NAMED and isinstance(value, Mapping):
            named = cast(Schema, value)
            walked[key] = {name: _walk_any(one, visit) for name, one in named.items()}
        elif key in _NESTED:
            walked[key] = _walk_any(value, visit)
    return visit(walked)


def _walk_any(value: object, visit: Callable[[dict[str, Any]], dict[str, Any]]) -> object:
    if isinstance(value, Mapping):
        return _walk(cast(Schema, value), visit)
    if isinstance(value, list | tuple):
        return [_walk_any(one, visit) for one in cast(list[object], value)]
    return value
