"""JSON as hosts write it: with comments and trailing commas where they allow them, and places."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
# A comma with nothing before it is no trailing comma, so the second branch leaves it standing.
_TRAILING = re.compile(rf"{_STRING}|([\[{{,:]\s*),|,(?=\s*[}}\]])", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n]*")
_VALUES = json.JSONDecoder()


class Dialect(NamedTuple):
    """What a host reads besides strict JSON."""

    comments: bool = False
    trailing_commas: bool = False


class SyntaxProblem(ValueError):
    """The text is not JSON of this dialect; the message names the line and column."""


class Member(NamedTuple):
    """A key of an object: the offsets of the key, of its value, and the end of that value."""

    key: str
    start: int
    value_start: int
    end: int


class Table(NamedTuple):
    """An object: the offset of its brace, the offset behind its closing brace, its members."""

    start: int
    end: int
    members: tuple[Member, ...]

    def member(self, key: str) -> Member | None:
        """Return the member that counts, which is the last one of this name."""
        return next((found for found in reversed(self.members) if found.key == key), None)


class Document(NamedTuple):
    """A parsed text; the two maskings are as long as it, so that offsets hold for all three.

    `uncommented` has blanks for comments; `strict` also for trailing commas, and is plain JSON.
    """

    text: str
    uncommented: str
    strict: str
    value: dict[str, object]


def parse(text: str, *, dialect: Dialect) -> Document:
    """Parse the text of a settings file; a blank one counts as an empty object.

    Raises:
        SyntaxProblem: it is not JSON of this dialect, or holds something else than an object.
    """
    if not text.strip():
        text = "{}"
    uncommented = _COMMENT.sub(_blanked, text) if dialect.comments else text
    strict = _TRAILING.sub(_closed, uncommented) if dialect.trailing_commas else uncommented
    try:
        value: object = json.loads(strict, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise SyntaxProblem(f"not JSON: {_said(error, text)}") from error
    except RecursionError as error:
        raise SyntaxProblem("nested too deeply") from error
    except ValueError as error:
        raise SyntaxProblem(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SyntaxProblem("not a JSON object")
    return Document(text, uncommented, strict, value)


def root(document: Document) -> Table:
    """Return the outermost object."""
    return _table(document.strict, _after_blanks(document.strict, 0))


def descend(document: Document, *, path: Sequence[str]) -> tuple[Table, int]:
    """Follow keys from the root as far as they exist.

    Returns:
        The last object found, and how many of the keys lead to it.

    Raises:
        SyntaxProblem: a key on the way holds something else than an object.
    """
    table = root(document)
    for depth, key in enumerate(path):
        member = table.member(key)
        if member is None:
            return table, depth
        if document.strict[member.value_start] != "{":
            raise SyntaxProblem(f"{key!r} is not an object")
        table = _table(document.strict, member.value_start)
    return table, len(path)


def _table(strict: str, start: int) -> Table:
    members = tuple(_members(strict, start))
    last = members[-1].end if members else start + 1
    return Table(start, _after_blanks(strict, last) + 1, members)


def _members(strict: str, start: int) -> Iterator[Member]:
    # `strict` has been parsed as a whole, so nothing here can be missing.
    place = _after_blanks(strict, start + 1)
    while strict[place] != "}":
        key, end = _VALUES.raw_decode(strict, place)
        value_start = _after_blanks(strict, strict.index(":", end) + 1)
        _, end = _VALUES.raw_decode(strict, value_start)
        yield Member(key, place, value_start, end)
        place = _after_blanks(strict, end)
        if strict[place] == ",":
            place = _after_blanks(strict, place + 1)


def _after_blanks(strict: str, place: int) -> int:
    found = _BLANKS.match(strict, place)
    return found.end() if found else place


def _blanked(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else " " * len(match[0])


def _closed(match: re.Match[str]) -> str:
    return " " if match[0] == "," else match[0]


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number in it")


def _said(error: json.JSONDecodeError, text: str) -> str:
    # Masked comments hide line ends, so the place is counted in the text itself.
    line = text.count("\n", 0, error.pos) + 1
    column = error.pos - text.rfind("\n", 0, error.pos)
    return f"{error.msg} (at line {line}, column {column})"
