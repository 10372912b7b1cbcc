"""Turns what pydantic finds wrong with the settings into one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from mcp_router.config.merge import nearest_place, sources
from mcp_router.config.nearest import nearest
from mcp_router.config.schema import dotted, find, leaves, printable
from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from mcp_router.config.merge import Entry, Keys
    from mcp_router.config.schema import Path

_SECRETS = frozenset({"apikey", "key", "token", "secret", "password", "authorization"})
_SAID: Mapping[str, str] = {
    "missing": "this is required",
    "too_short": "this may not be empty",
    "string_too_short": "this may not be empty",
    "string_too_long": "this is too long",
    "string_unicode": "this is not valid text",
}
_EXPECTED: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "model": "a table",
    "mapping": "a table",
    "enum": "one of the choices",
    "literal": "one of the choices",
    "greater": "in range",
    "less": "in range",
}


class _Complaint(NamedTuple):
    problem: str
    allowed: str = ""


def complaint(
    error: ValidationError, *, data: Mapping[str, object], entries: Mapping[Keys, Entry]
) -> ConfigError:
    """Build the error for the first thing that is wrong in `data`; further ones are counted.

    A value is repeated only where it cannot be a secret.
    """
    details = error.errors(include_url=False)
    paths = [_path(detail, data) for detail in details]
    said = _complaint(details[0], paths[0])
    more = len(set(paths)) - 1
    also = f" (and {more} more {'problem' if more == 1 else 'problems'})" if more else ""
    return ConfigError(
        place=nearest_place(paths[0], sources(entries)),
        key=dotted(paths[0]),
        problem=said.problem + also,
        allowed=said.allowed,
    )


def _path(detail: ErrorDetails, data: object) -> Path:
    """Keep of a location what stands in the data; pydantic adds union branches and [key] marks."""
    path: list[str | int] = []
    for part in detail["loc"]:
        try:
            data = cast("Mapping[str | int, object]", data)[part]
        except (KeyError, IndexError, TypeError):
            return (*path, part) if detail["type"] == "missing" else tuple(path)
        path.append(part)
    return tuple(path)


def _complaint(detail: ErrorDetails, path: Path) -> _Complaint:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "setting":
        return _Complaint(context["problem"], context["allowed"] or _type(path))
    if detail["loc"][-1] == "[key]":
        return _Complaint("this name is not allowed", context.get("expected", ""))
    if kind == "value_error":
        return _Complaint(str(context["error"]), _type(path))
    expected = _EXPECTED.get(kind.split("_")[0], "allowed")
    problem = _SAID.get(kind) or f"{_shown(detail['input'])} is not {expected}"
    return _Complaint(problem, _type(path))


def _unknown(path: Path) -> _Complaint:
    key = str(path[-1])
    if key.replace("_", "").lower() in _SECRETS:
        allowed = 'api_key_env = "NAME_OF_THE_VARIABLE" under [providers.NAME]'
        return _Complaint("keys are never kept in the settings", allowed)
    above = find(path[:-1])
    known = list(above.fields) if above else []
    elsewhere = [dotted(leaf) for leaf, _ in leaves() if leaf[-1] == key and "<name>" not in leaf]
    close = (*nearest(key, known, cutoff=0.6), *elsewhere)
    also = f", the nearest is {close[0]}" if close else ""
    # Only a whole list may pass for one.
    allowed = f"keys such as {', '.join(close)}" if close else ", ".join(known)
    return _Complaint(f"there is no such setting{also}", allowed)


def _type(path: Path) -> str:
    while path and isinstance(path[-1], int):
        path = path[:-1]
    node = find(path)
    if node is None:
        return ""
    keys = ", ".join(node.fields)
    return f"a table with {keys}" if keys else node.type


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(cast('list[object]', value))}"
    if isinstance(value, int) and abs(value) >= 10**15:
        return "so large a number"
    return printable(repr(value), limit=40)
