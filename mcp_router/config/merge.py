"""Lays settings of several sources over one another and remembers where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple, cast

from mcp_router.config.schema import dotted, leaves, printable
from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_router.config.schema import Path

MAX_DEPTH = 12
DEFAULT, MACHINE = "default", "machine"
"""The places of what nobody has set: what holds everywhere, or is read off this machine."""

Keys = tuple[str, ...]


class Entry(NamedTuple):
    """One given setting and the file, variable or argument it came from."""

    value: object
    place: str


def flatten(table: Mapping[str, object], *, place: str) -> dict[Keys, Entry]:
    """Write nested tables as one entry per setting; an empty table is an entry of its own.

    Raises:
        ConfigError: the tables are nested too deeply, or a key is not text.
    """
    return {path: Entry(value, place) for path, value in _walk(table, place)}


def lay_over(below: dict[Keys, Entry], above: Mapping[Keys, Entry]) -> dict[Keys, Entry]:
    """Merge two sources: tables are merged, anything else is replaced by what lies above."""
    merged = dict(below)
    tables = {path[:end] for path in below for end in range(1, len(path))}
    for path, entry in above.items():
        if entry.value == {} and path in tables:
            continue
        around = [path[:end] for end in range(1, len(path))]
        tables.update(around)
        for outer in around:
            merged.pop(outer, None)
        if path in tables:
            merged = {key: kept for key, kept in merged.items() if key[: len(path)] != path}
        merged[path] = entry
    return merged


def nest(entries: Mapping[Keys, Entry]) -> dict[str, object]:
    """Turn entries back into nested tables."""
    result: dict[str, object] = {}
    for path, entry in entries.items():
        table = result
        for key in path[:-1]:
            table = cast("dict[str, object]", table.setdefault(key, {}))
        table[path[-1]] = entry.value
    return result


def sources(entries: Mapping[Keys, Entry]) -> dict[str, str]:
    """Say for each setting, by its dotted key, which place it came from."""
    fixed = [path for path, _ in leaves() if not any(part.startswith("<") for part in path)]
    places = dict.fromkeys(fixed, DEFAULT)
    places |= {path: entry.place for path, entry in entries.items()}
    return {dotted(path): place for path, place in places.items()}


def nearest_place(path: Path, places: Mapping[str, str]) -> str:
    """Find in `sources` where a setting came from, or else what stands nearest around it."""
    names = tuple(part for part in path if isinstance(part, str))
    given = {key: place for key, place in places.items() if place != DEFAULT}
    for length in range(len(names), 0, -1):
        around = dotted(names[:length])
        for key, place in given.items():
            if key == around or key.startswith(f"{around}."):
                return place
    return "settings"


def _walk(table: Mapping[str, object], place: str) -> Iterator[tuple[Keys, object]]:
    waiting: list[tuple[Keys, object]] = [((), table)]
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, Mapping):
            _refuse_deep_lists(value, path, place)
            yield path, str(value) if isinstance(value, PurePath) else value
        elif value or not path:
            inner = cast("Mapping[object, object]", value)
            waiting += [((*path, _key(key, path, place)), inner[key]) for key in reversed(inner)]
        else:
            yield path, {}


def _key(key: object, path: Keys, place: str) -> str:
    if not isinstance(key, str):
        problem = f"the key {printable(repr(key))} is not text"
        raise ConfigError(place=place, key=dotted(path), problem=problem)
    if len(path) >= MAX_DEPTH:
        raise ConfigError(place=place, key=dotted(path[:2]), problem="it is nested too deeply")
    return key


def _refuse_deep_lists(value: object, path: Keys, place: str) -> None:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise ConfigError(place=place, key=dotted(path[:2]), problem="it is nested too deeply")


def _inside(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(cast("Mapping[object, object]", value).values())
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else []
