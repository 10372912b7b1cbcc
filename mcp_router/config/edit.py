"""Changes single settings in the text of a settings file; comments and layout stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from mcp_router.config.camel import snake_case_keys
from mcp_router.config.documents import without_repeats

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Item

Keys = tuple[str, ...]
Given = Decimal | str | bool | tuple[str, ...]
Setting = Given | None
"""A number, a text, a switch or a list of texts; None takes the setting out."""

_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class EditProblem(ValueError):
    """The text is laid out in a way that cannot be changed here."""


def edit_toml(text: str, *, changes: Mapping[Keys, Setting]) -> str:
    """Return a TOML text with these settings put in or taken out.

    A new key comes after the last one of its table, a new table after the last one of its kind.

    Raises:
        EditProblem: a setting stands where it cannot be changed without touching others.
        ValueError: it is not TOML.
    """
    line_end = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    for path, value in changes.items():
        text = _with(text, path, value)
    return text.replace("\n", line_end)


def edit_json(text: str, *, changes: Mapping[Keys, Setting]) -> str:
    """Return a JSON text with these settings put in or taken out, indented as it was.

    A setting that stands there under another of its names, such as dailyLimit, keeps that name.

    Raises:
        EditProblem: something else than a table stands where one must be.
        ValueError: it is not JSON.
    """
    data: object = json.loads(text, object_pairs_hook=without_repeats) if text.strip() else {}
    if not isinstance(data, dict):
        raise EditProblem("it does not hold a table of settings")
    data = cast("dict[str, object]", data)
    for path, value in changes.items():
        keys = _spelled(data, path)
        _put(data, keys, None if value is None else _json_value(value))
        for end in range(len(keys) - 1, 1, -1):
            if _value_at(data, keys[:end]) == {}:
                _put(data, keys[:end], None)
    found = _INDENT.search(text)
    indent = (found[1] if found else "  ") if "\n" in text.strip() or not text.strip() else None
    return json.dumps(data, ensure_ascii=False, indent=indent) + "\n"


def _with(text: str, path: Keys, value: Setting) -> str:
    data = tomllib.loads(text)
    wanted = tomllib.loads(text)
    if value is None and _value_at(data, path) is None:
        return text
    _put(wanted, path, None if value is None else tomllib.loads(f"x = {_literal(value)}")["x"])
    for way in (_cut, _inserted, _beside, _appended, _assigned):
        result = way(text, path, value)
        if result is not None and _parsed(result) == _without_empty(wanted):
            return result
    raise EditProblem(f"{'.'.join(path)} cannot be changed in this layout")


def _cut(text: str, path: Keys, value: Setting) -> str | None:
    """Take the line of a key out of its table; tomlkit would take some comments along."""
    lines = text.split("\n")
    bare = [line.split("#")[0].rstrip() for line in lines]
    header = _header(path[:-1])
    if value is not None or header not in bare:
        return None
    written = re.compile(rf"\s*{re.escape(_key(path[-1]))}\s*=")
    for place in range(bare.index(header) + 1, len(lines)):
        if bare[place].startswith("["):
            return None
        if written.match(lines[place]):
            return _without_header("\n".join(lines[:place] + lines[place + 1 :]), path[:-1])
    return None


def _inserted(text: str, path: Keys, value: Setting) -> str | None:
    """Put a new key on a line of its own behind the last one of its table."""
    from tomlkit.items import Table

    document = _document(text)
    table = _value_at(document, path[:-1])
    if value is None or not isinstance(table, Table) or path[-1] in table:
        return None
    if table.is_super_table():
        return None
    plain = [item for key, item in table.value.body if key and not isinstance(item, Table)]
    before: Item = plain[-1] if plain else table
    indent = plain[-1].trivia.indent if plain else ""
    gap = "" if before.trivia.trail.endswith("\n") else "\n"
    before.trivia.trail += f"{gap}{indent}{_key(path[-1])} = {_literal(value)}\n"
    return document.as_string()


def _beside(text: str, path: Keys, value: Setting) -> str | None:
    """Put a new table with the key behind the last one of its kind.

    Lines are looked at one by one, which a text of several lines may deceive; the caller checks.
    """
    lines = text.split("\n")
    headers = [number for number, line in enumerate(lines) if line.startswith("[")]
    kin = _kin(lines, path)
    following = [number for number in headers if kin and number > kin[-1]]
    if value is None or not following or _value_at(tomllib.loads(text), path) is not None:
        return None
    end = following[0]
    # Comments right above a header belong to it.
    while lines[end - 1].startswith("#"):
        end -= 1
    while not lines[end - 1].strip():
        end -= 1
    lines[end:end] = ["", *_table(path, value)]
    return "\n".join(lines)


def _kin(lines: list[str], path: Keys) -> list[int]:
    """Find the headers that share most with a path: tables parted from theirs can hardly be read.

    TOML allows [a.b.c], [a.d], [a.b.e] in this order, and tomlkit does not.
    """
    for depth in range(len(path) - 1, 0, -1):
        start = re.escape(".".join(map(_key, path[:depth])))
        kin = [n for n, line in enumerate(lines) if re.match(rf"\[{start}[.\]]", line)]
        if kin:
            return kin
    return []


def _appended(text: str, path: Keys, value: Setting) -> str | None:
    """Put a new table with the key at the end."""
    if value is None or _value_at(tomllib.loads(text), path) is not None:
        return None
    gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + "\n".join([*_table(path, value), ""])


def _table(path: Keys, value: Given) -> list[str]:
    return [_header(path[:-1]), f"{_key(path[-1])} = {_literal(value)}"]


def _assigned(text: str, path: Keys, value: Setting) -> str | None:
    """Change or take out what stands there, wherever that is."""
    import tomlkit

    document = _document(text)
    if value is None:
        _put(cast("dict[str, object]", document), path, None)
        return document.as_string()
    item = tomlkit.parse(f"x = {_literal(value)}").item("x")
    _put(cast("dict[str, object]", document), path, item)
    result = document.as_string()
    return result if not result or result.endswith("\n") else f"{result}\n"


def _without_header(text: str, path: Keys) -> str:
    """Take out the header of an inner table that holds nothing any more, and the gap above it."""
    lines = text.split("\n")
    header = _header(path)
    if len(path) < 2 or header not in lines or _value_at(tomllib.loads(text), path) != {}:
        return text
    place = lines.index(header)
    start = place - 1 if place and not lines[place - 1].strip() else place
    return "\n".join(lines[:start] + lines[place + 1 :])


def _document(text: str) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise EditProblem("this TOML cannot be changed here") from error


def _parsed(text: str) -> object:
    try:
        return _without_empty(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return None


def _without_empty(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    table = cast("Mapping[str, object]", value)
    inner = {name: _without_empty(each) for name, each in table.items()}
    return {name: each for name, each in inner.items() if each != {}}


def _put(table: MutableMapping[str, object], path: Keys, value: object) -> None:
    """Set a value in nested tables; None takes it out."""
    name, *rest = path
    if not rest:
        if value is not None:
            table[name] = value
        elif name in table:
            del table[name]
        return
    inner = table.get(name)
    if inner is None:
        if value is None:
            return
        table[name] = {}
        inner = table[name]
    if not isinstance(inner, MutableMapping):
        raise EditProblem(f"{name} is no table")
    below = cast("MutableMapping[str, object]", inner)
    _put(below, tuple(rest), value)


def _value_at(table: Mapping[str, object], path: Keys) -> object:
    inner: object = table.get(path[0]) if path else table
    if len(path) < 2:
        return inner
    if not isinstance(inner, Mapping):
        return None
    return _value_at(cast("Mapping[str, object]", inner), path[1:])


def _spelled(data: Mapping[str, object], path: Keys) -> Keys:
    """Find the keys under which a setting stands in JSON, or the table it belongs in."""
    written = {_plain(keys): keys for keys in _paths(data)}
    for end in range(len(path), 0, -1):
        if path[:end] in written:
            return (*written[path[:end]], *path[end:])
    return path


def _paths(table: Mapping[str, object], above: Keys = ()) -> Iterator[Keys]:
    for name, value in table.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from _paths(cast("Mapping[str, object]", value), (*above, name))


def _plain(keys: Keys) -> Keys:
    nested: dict[str, object] = {}
    for name in reversed(keys):
        nested = {name: nested}
    found, path = snake_case_keys(nested, place=""), list[str]()
    while found:
        name, inner = next(iter(found.items()))
        path.append(name)
        found = cast("dict[str, object]", inner)
    return tuple(path)


def _literal(value: Given) -> str:
    # The basic strings, lists and switches of TOML are written as in JSON.
    if not isinstance(value, Decimal):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _json_value(value: Given) -> object:
    if not isinstance(value, Decimal):
        return list(value) if isinstance(value, tuple) else value
    text = _literal(value)
    # What a binary float cannot say exactly is written as text, which settings take as well.
    return int(text) if "." not in text else float(text) if str(float(text)) == text else text


def _header(path: Keys) -> str:
    return f"[{'.'.join(map(_key, path))}]"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
