"""Reads TOML and JSON files into tables; what is wrong with one is a ConfigError saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from mcp_router.config.content import content_of
from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_MEGABYTE = 1_000_000


class Document(NamedTuple):
    """The table that a file holds, and whether it was written as JSON."""

    table: dict[str, object]
    is_json: bool


def read_document(path: Path, *, place: str, most: int) -> Document:
    """Read a file of at most `most` bytes; `place` is how messages name it.

    JSON is what is named so, or begins with a brace; anything else is TOML.

    Raises:
        ConfigError: it cannot be read, is too large, or is not TOML or JSON.
    """
    text = _text(path, place=place, most=most)
    if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
        return Document(_json(text, place), is_json=True)
    return Document(_toml(text, place), is_json=False)


def _size(most: int) -> str:
    return "a megabyte" if most == _MEGABYTE else f"{most // _MEGABYTE} megabytes"


def _text(path: Path, *, place: str, most: int) -> str:
    try:
        content = content_of(path, most=most + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a usable path"
        problem = f"it cannot be read ({reason})"
        allowed = "a TOML or JSON file that you may read"
        raise ConfigError(place=place, key="", problem=problem, allowed=allowed) from error
    if len(content) > most:
        raise ConfigError(place=place, key="", problem=f"it is larger than {_size(most)}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(place=place, key="", problem="it is not UTF-8 text") from error


def _toml(text: str, place: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(place=place, key="", problem="it is nested too deeply") from error
    except ValueError as error:
        said = str(error).removesuffix(" (at end of document)")
        lines = text.split("\n")
        end = f" (at line {len(lines)}, column {len(lines[-1]) + 1})"
        where = end if said != str(error) else ""
        raise ConfigError(place=place, key="", problem=f"not TOML: {said}{where}") from error


def _json(text: str, place: str) -> dict[str, object]:
    import json

    try:
        found: object = json.loads(text, object_pairs_hook=without_repeats)
    except RecursionError as error:
        raise ConfigError(place=place, key="", problem="it is nested too deeply") from error
    except json.JSONDecodeError as error:
        problem = f"not JSON: {error.msg} (at line {error.lineno}, column {error.colno})"
        raise ConfigError(place=place, key="", problem=problem) from error
    except ValueError as error:
        raise ConfigError(place=place, key="", problem=f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(place=place, key="", problem="it does not hold one JSON object")
    return cast("dict[str, object]", found)


def without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build one table of JSON, in which no name may stand twice.

    Raises:
        ValueError: one does; a reader that took the last would drop what is said first.
    """
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:60]!r} stands twice in one table")
    return table
