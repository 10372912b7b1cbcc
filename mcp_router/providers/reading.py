"""Reading foreign JSON: whatever a provider sends, the wanted type or an empty one comes out."""

from __future__ import annotations

import json
import re
from typing import Any, Never, TypeGuard, cast

from pydantic import ValidationError

from mcp_router.providers.wire import BadAnswer, Json
from mcp_router.types import ToolCall

_DECODER = json.JSONDecoder()
# What is nested deeper than 255 levels, those of the result around it included, cannot be written.
_MOST_LEVELS = 128
# An escaped backslash is matched only so that what follows it is not taken for an escape.
_SURROGATE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    r"|\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def decode(text: str | bytes) -> object:
    """Decode JSON; half of a surrogate pair, which nothing can write, becomes U+FFFD.

    Raises:
        BadAnswer: it is not JSON, or is nested too deep to be an answer.
    """
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        if "\\u" in plain:
            plain = mended(plain)
        if plain.startswith("{"):
            # All else that json.loads does takes a quarter of its time on a chunk of a stream.
            found, end = _DECODER.raw_decode(plain)
            if end == len(plain):
                return cast(object, found)
        return cast(object, _DECODER.decode(plain))
    except (ValueError, RecursionError) as error:
        raise BadAnswer("the answer is not whole JSON") from error


def as_object(value: object) -> Json:
    """Give back a JSON object, or an empty one."""
    return cast(Json, value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Give back a JSON array, or an empty one."""
    return value if _is_list(value) else []


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def as_text(value: object) -> str:
    """Give back a string, or an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int:
    """Give back a count of tokens; anything else, also a negative number, is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return 0
    return int(value)


def tool_call(call_id: str, name: str, arguments: object, *, signature: str | None) -> ToolCall:
    """Build a tool call from its decoded arguments; None means that there are none.

    Raises:
        BadAnswer: it has no name, or its arguments are not a JSON object or too deep a one.
    """
    if not name:
        raise BadAnswer("a tool call has no name")
    if _is_deep(arguments):
        raise BadAnswer("the arguments of a tool call are nested too deep")
    try:
        return ToolCall(
            id=call_id,
            name=name,
            arguments=cast(Json, {} if arguments is None else arguments),
            signature=signature,
        )
    except ValidationError as error:
        raise BadAnswer("the arguments of a tool call are not a JSON object") from error


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_MOST_LEVELS):
        inside = ((*as_object(one).values(), *as_list(one)) for one in level)
        level = [inner for row in inside for inner in row]
        if not level:
            return False
    return True


def decode_arguments(text: str) -> object:
    """Decode the arguments of a tool call; models write nothing or null for no arguments.

    Raises:
        BadAnswer: they are not JSON.
    """
    if not text.strip():
        return {}
    try:
        found = cast(object, _STRICT.decode(mended(text)))
    except (ValueError, RecursionError) as error:
        raise BadAnswer("the arguments of a tool call are not JSON") from error
    return {} if found is None else found


def mended(text: str) -> str:
    """Write U+FFFD in JSON for half of a surrogate pair."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _SURROGATE.sub(_kept, text)


def _kept(match: re.Match[str]) -> str:
    return match[0] if match[0] == r"\\" or match[1] else r"\ufffd"


def _refuse(constant: str) -> Never:
    raise ValueError(constant)


# NaN and Infinity would pass here and fail where the call is stored or sent again.
_STRICT = json.JSONDecoder(parse_constant=_refuse)
