"""JSON from strangers: one reading of it only, and no more of it than anybody needs."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, cast

from mcp_router.errors import InvalidRequestError
from mcp_router.providers.reading import mended

_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKET = re.compile(r"[][{}]")
MAX_DEPTH = 100
"""Levels of nesting; a schema of twenty levels inside a tool needs about fifty."""


class BadJsonError(InvalidRequestError):
    """A body that is no JSON, or that two readers could take for different things."""

    def __init__(self, problem: str) -> None:
        super().__init__(field="body", problem=problem)


def read_json(body: bytes) -> object:
    """Read a body; half a character, as of a text that was cut within one, is read as U+FFFD.

    Raises:
        BadJsonError: it is no UTF-8 or JSON, names a key twice, is nested too deep, or holds a
            number that JSON does not have (NaN, Infinity).
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJsonError("is not UTF-8") from error
    if _depth(text) > MAX_DEPTH:
        raise BadJsonError(f"is nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(mended(text), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadJsonError("is not JSON") from error


def read_object(body: bytes) -> dict[str, Any]:
    """Read a body that must be one JSON object.

    Raises:
        BadJsonError: as `read_json` raises, or it is no object.
    """
    found = read_json(body)
    if not isinstance(found, dict):
        raise BadJsonError("is not a JSON object")
    return cast("dict[str, Any]", found)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Which of the two counts is what a smuggler plays on.
        raise BadJsonError("names a key twice")
    return found


def _no_constant(_name: str) -> NoReturn:
    raise BadJsonError("holds a number that JSON does not have")


def _depth(text: str) -> int:
    """Return the depth of nesting, 0 where there are too few brackets for it to matter."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    for bracket in _BRACKET.findall(_TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
