"""The shape of the settings, read off the field definitions: keys, types, ranges, meanings."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Literal,
    NamedTuple,
    TypeGuard,
    Union,
    get_args,
    get_origin,
)

from pydantic.fields import FieldInfo

from mcp_router.config.settings import Settings
from mcp_router.types import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

_NOUNS: Mapping[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    Decimal: "amount in USD",
    str: "text",
}
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_<>-]+")
_KEY_PARTS = re.compile(r'"([^"]+)"|([^."]+)')


class Node(NamedTuple):
    """A setting, or a table of settings.

    `fields` are the fixed keys of a table; `item` is what stands under each name a person
    chooses, and `slot` is what such a name is called in the documentation.
    """

    type: str
    default: object = None
    meaning: str = ""
    fields: Mapping[str, Node] = {}
    item: Node | None = None
    slot: str = ""


@cache
def schema() -> Node:
    """Return the whole tree of settings."""
    return Node("table", fields=_fields(Settings))


def leaves() -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield each single setting with its path; a chosen name is written `<name>`."""
    waiting: list[tuple[tuple[str, ...], Node]] = [((), schema())]
    while waiting:
        path, node = waiting.pop()
        below = dict(node.fields)
        if node.item is not None:
            below[node.slot] = node.item
        if not below:
            yield path, node
        waiting += [((*path, key), child) for key, child in reversed(below.items())]


def find(path: Path) -> Node | None:
    """Return what the schema says of a path, or None where it says nothing."""
    node: Node | None = schema()
    for part in path:
        if node is None:
            return None
        node = node.fields.get(str(part)) or node.item
    return node


def dotted(path: Path) -> str:
    """Write a path the way TOML does: models."gpt-4.1".price, chains.mine[0]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _PLAIN_KEY.fullmatch(part) else f'"{printable(part)}"'
            text += f".{name}" if text else name
    return text


def split(key: str) -> tuple[str, ...]:
    """Take a dotted key apart: the inverse of `dotted` for keys without lists."""
    return tuple(quoted or plain for quoted, plain in _KEY_PARTS.findall(key)) or (key,)


def printable(text: str, *, limit: int = 60) -> str:
    """Shorten text and escape what a terminal or a UTF-8 stream could not take."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)


def _fields(value: type[Value]) -> dict[str, Node]:
    return {name: _node(info) for name, info in value.model_fields.items()}


def _node(info: FieldInfo) -> Node:
    inner, _ = _bare(info.annotation)
    meaning = info.description or ""
    if _is_value(inner):
        return Node("table", None, meaning, fields=_fields(inner))
    if get_origin(inner) is Mapping:
        key, item = get_args(inner)
        slot = "<capability>" if _is_enum(_bare(key)[0]) else "<name>"
        return Node("table", None, meaning, item=_item(item), slot=slot)
    default = None if info.is_required() else info.get_default(call_default_factory=False)
    return Node(_type(info.annotation, tuple(info.metadata)), default, meaning)


def _item(annotation: object) -> Node:
    inner, _ = _bare(annotation)
    if _is_value(inner):
        return Node("table", fields=_fields(inner))
    return Node(_type(annotation, ()))


def _type(annotation: object, metadata: tuple[object, ...]) -> str:
    inner, more = _bare(annotation)
    origin, args = get_origin(inner), get_args(inner)
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin is tuple:
        item = "tables" if _is_value(_bare(args[0])[0]) else _type(args[0], ())
        return f"list of {item}"
    if origin in (Union, types.UnionType):
        return f"one of {_choices(*args)}"
    if _is_enum(inner):
        return f"one of {_choices(inner)}"
    return _NOUNS[inner] + _range((*metadata, *more))


def _choices(*kinds: type[StrEnum]) -> str:
    return ", ".join(dict.fromkeys(str(member) for kind in kinds for member in kind))


def _range(metadata: tuple[object, ...]) -> str:
    text: dict[str, str] = {}
    for item in metadata:
        for bound in item.metadata if isinstance(item, FieldInfo) else (item,):
            for name, word in (("ge", "from"), ("gt", "above"), ("le", "to")):
                if hasattr(bound, name):
                    text[word] = f" {word} {round(getattr(bound, name)):,}"
    return "".join(text.values())


def _bare(annotation: object) -> tuple[object, tuple[object, ...]]:
    """Take off Annotated and `| None`; return the bare type and the metadata taken off."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        bare, more = _bare(inner)
        return bare, (*metadata, *more)
    if get_origin(annotation) in (Union, types.UnionType):
        some = [part for part in get_args(annotation) if part is not type(None)]
        if len(some) == 1:
            return _bare(some[0])
    return annotation, ()


def _is_value(kind: object) -> TypeGuard[type[Value]]:
    return isinstance(kind, type) and issubclass(kind, Value)


def _is_enum(kind: object) -> TypeGuard[type[StrEnum]]:
    return isinstance(kind, type) and issubclass(kind, StrEnum)
