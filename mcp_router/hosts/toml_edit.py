"""Changes one entry of a TOML text and leaves comments, order and layout as they stand."""

from __future__ import annotations

import re
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, cast

from mcp_router.hosts.jsonc import SyntaxProblem

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, MutableMapping

    from tomlkit import TOMLDocument

_HEADER = re.compile(r"^[ \t]*\[[^\n]*$", re.MULTILINE)
# Blank lines and comments at the end of a block belong to what comes next.
_TAIL = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\n)*\Z", re.MULTILINE)


class _Block(NamedTuple):
    """The lines from a header to the next one; `keys` are those of the header."""

    keys: tuple[str, ...]
    start: int
    end: int


def parse(text: str) -> dict[str, object]:
    """Read a TOML text.

    Raises:
        SyntaxProblem: it is not TOML; the message names the line and column.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise SyntaxProblem("nested too deeply") from error
    except ValueError as error:
        raise SyntaxProblem(f"not TOML: {error}") from error


def put(text: str, *, table: str, name: str, entry: Mapping[str, object]) -> str:
    """Return the text with `[table.name]` holding the keys of `entry` besides its other keys.

    Raises:
        SyntaxProblem: it is not TOML, or `table` is something else than a table.
    """
    data = parse(text)
    there = _entries(data, table=table)
    old = cast("Mapping[str, object]", there.get(name, {}))
    wanted = {**data, table: {**there, name: {**old, **entry}}}
    plain, line_end = _plain(text)
    changed = _changed if name in there else _appended
    result = changed(plain, table=table, name=name, entry=entry)
    if not _says(result, wanted):
        result = _in_place(plain, table=table, name=name, entry=entry)
    return result.replace("\n", line_end)


def drop(text: str, *, table: str, name: str) -> str:
    """Return the text without `[table.name]`, or as it is if there is none.

    Raises:
        SyntaxProblem: it is not TOML, or `table` is something else than a table.
    """
    data = parse(text)
    there = _entries(data, table=table)
    if name not in there:
        return text
    left = {key: value for key, value in there.items() if key != name}
    rest = {key: value for key, value in data.items() if key != table}
    plain, line_end = _plain(text)
    result = _cut(plain, table=table, name=name)
    if not _says(result, {**rest, table: left}) and (left or not _says(result, rest)):
        result = _without(plain, table=table, name=name)
    return result.replace("\n", line_end)


def _entries(data: Mapping[str, object], *, table: str) -> dict[str, object]:
    entries = data.get(table, {})
    if not isinstance(entries, dict):
        raise SyntaxProblem(f"{table!r} is not a table")
    return cast("dict[str, object]", entries)


def _plain(text: str) -> tuple[str, str]:
    """Return the text with line feeds only where it has one kind of line end, and that kind."""
    pairs = text.count("\r\n")
    if not pairs or pairs < text.count("\n"):
        return text, "\n"
    return text.replace("\r\n", "\n"), "\r\n"


def _says(text: str, data: Mapping[str, object]) -> bool:
    try:
        return tomllib.loads(text) == data
    except tomllib.TOMLDecodeError:
        return False


def _appended(text: str, *, table: str, name: str, entry: Mapping[str, object]) -> str:
    """Add the table at the end; not TOML any more where all tables are within braces."""
    import tomlkit

    inner = tomlkit.table()
    for key, value in entry.items():
        inner.append(key, value)
    outer = tomlkit.table(is_super_table=True)
    outer.append(name, inner)
    block = tomlkit.document()
    block.append(table, outer)
    gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + block.as_string()


def _changed(text: str, *, table: str, name: str, entry: Mapping[str, object]) -> str:
    """Change keys within the lines of the table alone."""
    block = next((b for b in _blocks(text) if b.keys == (table, name)), None)
    if block is None:
        # Only tables below it have headers, and TOML lets its own one follow.
        return _appended(text, table=table, name=name, entry=entry)
    lines = text[block.start : block.end]
    new = _in_place(lines, table=table, name=name, entry=entry)
    return text[: block.start] + new + text[block.end :]


def _cut(text: str, *, table: str, name: str) -> str:
    """Remove the lines of the table and of the tables below it."""
    for block in reversed([*_blocks(text)]):
        if block.keys[:2] == (table, name):
            lines = text[block.start : block.end]
            tail = _TAIL.search(lines)
            kept = tail[0] if tail and block.end < len(text) else ""
            text = text[: block.start] + kept + text[block.end :]
    return text


def _blocks(text: str) -> Iterator[_Block]:
    found = [(match.start(), keys) for match in _HEADER.finditer(text) if (keys := _keys(match[0]))]
    ends = [start for start, _ in found[1:]] + [len(text)]
    for (start, keys), end in zip(found, ends, strict=True):
        yield _Block(keys, start, end)


def _keys(line: str) -> tuple[str, ...]:
    """Return the keys of a header, or () for a line that only looks like one."""
    try:
        inner: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(cast("dict[str, object]", inner).items()))
        keys.append(key)
    return tuple(keys)


def _in_place(text: str, *, table: str, name: str, entry: Mapping[str, object]) -> str:
    import tomlkit

    with _edited(text) as document:
        entries = cast("MutableMapping[str, MutableMapping[str, object]]", document[table])
        if name not in entries:
            entries[name] = tomlkit.inline_table()
        for key, value in entry.items():
            if entries[name].get(key) != value:
                entries[name][key] = value
        return document.as_string()


def _without(text: str, *, table: str, name: str) -> str:
    with _edited(text) as document:
        entries = cast("MutableMapping[str, object]", document[table])
        del entries[name]
        if not entries:
            del document[table]
        return document.as_string()


@contextmanager
def _edited(text: str) -> Generator[TOMLDocument]:
    """Give a text to edit, and refuse what tomlkit cannot follow, such as scattered tables."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        yield tomlkit.parse(text)
    except (TOMLKitError, KeyError) as error:
        raise SyntaxProblem("TOML that cannot be edited here") from error
