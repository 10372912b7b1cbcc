"""Statements as SQLite takes them, rewritten for PostgreSQL, and values on their way to and fro."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.adapt import Dumper, Loader
from psycopg.types.numeric import Int8Dumper

from mcp_router.assets import find
from mcp_router.storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.abc import Buffer

_MARK = re.compile(r"'(?:[^']|'')*'|--[^\n]*|::|\?(?P<number>\d+)?|(?<!\w):(?P<name>[A-Za-z_]\w*)")


# What is written for SQLite alone: elements of a JSON array, bytes of a text, and no limit at all.
_ELEMENT = re.compile(r"json_extract\(value, '\$\[(\d)\]'\)")
_ONLY_SQLITE = (("CAST(? AS TEXT)", "?"), ("LIMIT -1", ""))


class Statement(NamedTuple):
    """A statement with numbered placeholders; `names` are those of a mapping, in their order."""

    text: bytes
    names: tuple[str, ...]

    def values(self, given: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any]:
        """Put the values in the order of the placeholders."""
        return [given[name] for name in self.names] if isinstance(given, Mapping) else given


@lru_cache(maxsize=512)
def translated(sql: str) -> Statement:
    """Rewrite a statement; one that PostgreSQL has in a file of its own is taken from there."""
    names: list[str] = []
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        name, number = found["name"], found["number"]
        if name:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if number:
            return f"${number}"
        if found[0] == "?":
            count += 1
            return f"${count}"
        return found[0]

    text = _own().get(sql, sql)
    for theirs, ours in _ONLY_SQLITE:
        text = text.replace(theirs, ours)
    text = _ELEMENT.sub(lambda at: f"(value::json->>{at[1]})" + "::bigint" * (at[1] != "0"), text)
    return Statement(_MARK.sub(mark, text).encode(), tuple(names))


@cache
def _own() -> dict[str, str]:
    """Map the queries of SQLite to those that PostgreSQL needs in other words."""
    folder = find("db") / "postgres" / "queries"
    files = sorted(folder.glob("*.sql"))
    return {query(file.stem): file.read_text(encoding="utf-8") for file in files}


class _Whole(Dumper):
    """Truth values as SQLite stores them."""

    oid = Int8Dumper.oid

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _Text(Dumper):
    """Text without what PostgreSQL cannot store: NUL, and halves of a surrogate pair."""

    def dump(self, obj: str) -> Buffer:
        return obj.replace("\0", "\ufffd").encode("utf-8", "replace")


class _Number(Loader):
    """Sums of whole numbers come back as whole numbers."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


def prepare(connection: Connection[Any]) -> None:
    """Have a connection take and give values as SQLite does."""
    adapters = connection.adapters
    adapters.register_dumper(bool, _Whole)
    # One type for all whole numbers, whatever their size: one plan for each statement.
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_dumper(str, _Text)
    adapters.register_loader("numeric", _Number)
