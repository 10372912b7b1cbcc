"""Checks JSON values against a JSON schema, as far as schemas for answers of models go.

Knows the keywords of draft 2020-12 for types, numbers, strings, arrays, objects, combinations and
references within the document; others (format, contentEncoding, unevaluated …) are ignored, as the
standard allows, and so are keywords whose value is none that the standard gives them.
Source: json-schema.org/draft/2020-12. Nothing is ever fetched, and patterns that could hang are not
run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, cast

from mcp_router.quality.json_text import canonical_json
from mcp_router.quality.patterns import PatternError, safe_pattern

_DEEPEST = 60
_MOST_STEPS = 50_000

Schema = Mapping[str, Any] | bool


class Mismatch(NamedTuple):
    """Where a value differs from its schema, as in `items[2].price`, and how."""

    place: str
    problem: str


class _Budget:
    """How many checks may still be made, since references can multiply."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.left = _MOST_STEPS


def mismatch(value: object, *, schema: Schema) -> Mismatch | None:
    """Return the first way in which a JSON value differs from a schema; None when it fits."""
    return next(_check(value, schema, place="", budget=_Budget(schema), depth=0), None)


def _check(
    value: object, schema: object, *, place: str, budget: _Budget, depth: int
) -> Iterator[Mismatch]:
    budget.left -= 1
    if depth > _DEEPEST or budget.left < 0:
        return
    if schema is False:
        yield Mismatch(place, "is not allowed")
    if not isinstance(schema, Mapping):
        return
    written = cast("Mapping[str, Any]", schema).items()
    rules = {key: rule for key, rule in written if _has_form(key, rule)}

    def inner(part: object, under: object, step: str = "") -> Iterator[Mismatch]:
        return _check(part, under, place=_joined(place, step), budget=budget, depth=depth + 1)

    for keyword, check in _PLAIN.items():
        if keyword in rules and (problem := check(value, rules[keyword])):
            yield Mismatch(place, problem)
    yield from _combined(value, rules, inner, place, budget)
    if isinstance(value, list):
        yield from _array(cast("list[object]", value), rules, inner, place)
    elif isinstance(value, Mapping):
        yield from _object(cast("Mapping[str, object]", value), rules, inner, place)


_Inner = Callable[..., Iterator[Mismatch]]


def _combined(
    value: object, rules: Mapping[str, Any], inner: _Inner, place: str, budget: _Budget
) -> Iterator[Mismatch]:
    def fits(schema: object) -> bool:
        return next(inner(value, schema), None) is None

    if "$ref" in rules:
        yield from inner(value, _resolved(budget.root, rules["$ref"]))
    for schema in rules.get("allOf", ()):
        yield from inner(value, schema)
    if "anyOf" in rules and not any(map(fits, rules["anyOf"])):
        yield Mismatch(place, "fits none of the allowed forms")
    if "oneOf" in rules and sum(map(fits, rules["oneOf"])) != 1:
        yield Mismatch(place, "does not fit exactly one of the allowed forms")
    if "not" in rules and fits(rules["not"]):
        yield Mismatch(place, "has a form that is not allowed")
    if "if" in rules:
        yield from inner(value, rules.get("then" if fits(rules["if"]) else "else", True))


def _array(
    value: list[object], rules: Mapping[str, Any], inner: _Inner, place: str
) -> Iterator[Mismatch]:
    first = rules.get("prefixItems", ())
    for at, item in enumerate(value):
        schema = first[at] if at < len(first) else rules.get("items", True)
        yield from inner(item, schema, f"[{at}]")
    if rules.get("uniqueItems") is True:
        keys = [canonical_json(item) for item in value]
        if len(set(keys)) < len(keys):
            yield Mismatch(place, "holds an item twice")
    if "contains" in rules:
        found = sum(next(inner(item, rules["contains"]), None) is None for item in value)
        if not rules.get("minContains", 1) <= found <= rules.get("maxContains", len(value)):
            yield Mismatch(place, "does not contain what it should")


def _object(
    value: Mapping[str, object], rules: Mapping[str, Any], inner: _Inner, place: str
) -> Iterator[Mismatch]:
    for name in rules.get("required", ()):
        if isinstance(name, str) and name not in value:
            yield Mismatch(place, f"lacks {name}")
    known: Mapping[str, Any] = rules.get("properties", {})
    patterns: Mapping[str, Any] = rules.get("patternProperties", {})
    for name, part in value.items():
        schemas = [known[name]] if name in known else []
        schemas += [schema for pattern, schema in patterns.items() if _matches(name, pattern)]
        for schema in schemas or [rules.get("additionalProperties", True)]:
            yield from inner(part, schema, name)
        yield from inner(name, rules.get("propertyNames", True))
    for name, others in rules.get("dependentRequired", {}).items():
        if name not in value or not isinstance(others, list | tuple):
            continue
        missing = [one for one in map(str, cast("list[object]", others)) if one not in value]
        if missing:
            yield Mismatch(place, f"lacks {missing[0]}, which {name} needs")


def _resolved(root: Schema, reference: str) -> object:
    """Follow a JSON pointer within the document; whatever it does not lead to allows everything."""
    found: object = root
    if reference[:1] not in {"", "#"}:
        return True
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return True
        found = cast("Mapping[str, object]", found)[name]
    return found


def _joined(place: str, step: str) -> str:
    return f"{place}{step}" if not place or not step or step.startswith("[") else f"{place}.{step}"


def _is_type(value: object, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in {"number", "integer"}:
        # An integer of any length is one, though no float is as large.
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return number and (kind == "number" or whole)
    types = {"string": str, "boolean": bool, "array": list, "object": Mapping, "null": type(None)}
    return kind not in types or isinstance(value, types[kind])


def _type(value: object, kinds: str | list[object]) -> str:
    wanted = [kinds] if isinstance(kinds, str) else kinds
    named = [kind for kind in wanted if isinstance(kind, str)]
    fits = not named or any(_is_type(value, kind) for kind in named)
    return "" if fits else f"is no {' or '.join(named)}"


def _within(value: object, check: Callable[[float], bool], says: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return "" if check(value) else says


def _sized(value: object, kind: type | tuple[type, ...], check: Callable[[int], bool]) -> bool:
    return not isinstance(value, kind) or check(len(cast("str", value)))


def _multiple(value: float, of: float) -> bool:
    if of <= 0 or (isinstance(value, float) and not math.isfinite(value)):
        return True
    return (Fraction(str(value)) / Fraction(str(of))).denominator == 1


def _matches(text: str, pattern: str) -> bool:
    try:
        return safe_pattern(pattern).search(text) is not False
    except PatternError:
        return True


_NUMBERS = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"),
    *("minProperties", "maxProperties"),
)
_NUMBER = (int, float)
_LISTS = ("enum", "allOf", "anyOf", "oneOf", "prefixItems", "required")
_NAMED = ("properties", "patternProperties", "dependentRequired")
_FORMS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_NUMBERS, _NUMBER),
    **dict.fromkeys(_LISTS, (list, tuple)),
    **dict.fromkeys(_NAMED, Mapping),
    "pattern": str,
    "$ref": str,
    "type": (str, list, tuple),
}
"""What the value of a keyword must be for the keyword to count."""


def _has_form(keyword: str, rule: object) -> bool:
    wanted = _FORMS.get(keyword, object)
    if wanted is _NUMBER:
        endless = isinstance(rule, float) and not math.isfinite(rule)
        return isinstance(rule, _NUMBER) and not (isinstance(rule, bool) or endless)
    return isinstance(rule, wanted)


_PLAIN: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "enum": lambda v, k: (
        "" if canonical_json(v) in set(map(canonical_json, k)) else "is none of the values"
    ),
    "const": lambda v, k: (
        "" if canonical_json(v) == canonical_json(k) else "is not the one value allowed"
    ),
    "minimum": lambda v, k: _within(v, lambda n: n >= k, f"is below {k}"),
    "maximum": lambda v, k: _within(v, lambda n: n <= k, f"is above {k}"),
    "exclusiveMinimum": lambda v, k: _within(v, lambda n: n > k, f"is not above {k}"),
    "exclusiveMaximum": lambda v, k: _within(v, lambda n: n < k, f"is not below {k}"),
    "multipleOf": lambda v, k: _within(v, lambda n: _multiple(n, k), f"is no multiple of {k}"),
    "minLength": lambda v, k: "" if _sized(v, str, lambda n: n >= k) else f"is under {k} long",
    "maxLength": lambda v, k: "" if _sized(v, str, lambda n: n <= k) else f"is over {k} long",
    "minItems": lambda v, k: "" if _sized(v, list, lambda n: n >= k) else f"has under {k} items",
    "maxItems": lambda v, k: "" if _sized(v, list, lambda n: n <= k) else f"has over {k} items",
    "minProperties": lambda v, k: (
        "" if _sized(v, dict, lambda n: n >= k) else f"has under {k} fields"
    ),
    "maxProperties": lambda v, k: (
        "" if _sized(v, dict, lambda n: n <= k) else f"has over {k} fields"
    ),
    "pattern": lambda v, k: (
        "" if not isinstance(v, str) or _matches(v, k) else f"does not match {k}"
    ),
}
