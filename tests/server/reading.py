"""Reads what a tool answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from mcp.types import CallToolResult, TextContent


def text_of(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


def body_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


def leaves(value: object, *, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value that is no object or list, with the key it is under."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield from leaves(inner, key=name)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from leaves(inner, key=key)
    else:
        yield key, value


def objects(value: object) -> Iterator[dict[str, object]]:
    """Yield every object in a JSON value, the outermost first."""
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        yield found
        for inner in found.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from objects(inner)
