"""Changes one member of a JSON text and leaves every other character as it stands."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.hosts.jsonc import Document, Member, Table, descend, root

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDENT = "  "
_LINE_END = re.compile(r"[ \t]*\r?\n")


class _Style(NamedTuple):
    """How a text is laid out: its line end and what one level of indentation is."""

    line_end: str
    unit: str


def put(document: Document, *, path: Sequence[str], value: object) -> str:
    """Return the text with `value` at `path`; objects that are missing on the way are added.

    A new member comes last in its object, in the layout of what stands before it. Text between
    the members, comments and a habit of trailing commas are kept.

    Raises:
        SyntaxProblem: a key on the way holds something else than an object.
    """
    table, depth = descend(document, path=path[:-1])
    for key in reversed(path[depth + 1 :]):
        value = {key: value}
    member = table.member(path[depth])
    if member is not None:
        return _replaced(document, member=member, value=value)
    if _on_one_line(document, table):
        return _added_inline(document, table=table, key=path[depth], value=value)
    return _added_line(document, table=table, key=path[depth], value=value)


def drop(document: Document, *, path: Sequence[str]) -> str:
    """Return the text without the member at `path`, or as it is if there is none.

    Raises:
        SyntaxProblem: a key on the way holds something else than an object.
    """
    table, depth = descend(document, path=path[:-1])
    member = table.member(path[-1]) if depth == len(path) - 1 else None
    if member is None:
        return document.text
    text, bare = document.text, document.uncommented
    comma = _comma_after(document, table=table, member=member)
    # A comment before the comma may be about something else, so it stays.
    comment = "" if comma is None else text[member.end : comma]
    start, end = _reach(text, start=member.start, end=member.end if comma is None else comma + 1)
    if comment.strip():
        start = member.start
    elif not (text[table.start + 1 : start] + text[end : table.end - 1]).strip():
        return text[: table.start] + "{}" + text[table.end :]
    index = table.members.index(member)
    if comma is not None or index == 0:
        return text[:start] + comment + text[end:]
    # The last of several has no comma of its own: the one before it goes instead.
    before = bare.index(",", table.members[index - 1].end)
    between = text[before + 1 : start]
    return text[:before] + between.rstrip(" \t") + text[end:]


def _replaced(document: Document, *, member: Member, value: object) -> str:
    text = document.text
    old = text[member.value_start : member.end]
    if "\n" in old:
        indent = _indent(document, member.start) or ""
        new = _laid_out(value, style=_style(document), indent=indent)
    else:
        new = json.dumps(value, ensure_ascii=False)
    return text[: member.value_start] + new + text[member.end :]


def _added_inline(document: Document, *, table: Table, key: str, value: object) -> str:
    text = document.text
    dense = " " not in document.strict and "\t" not in document.strict
    separators = (",", ":") if dense else (", ", ": ")
    added = json.dumps({key: value}, ensure_ascii=False, separators=separators)[1:-1]
    if not table.members:
        return text[: table.start + 1] + added + text[table.end - 1 :]
    last = table.members[-1]
    comma = _comma_after(document, table=table, member=last)
    if comma is None:
        return text[: last.end] + separators[0] + added + text[last.end :]
    return text[:comma] + separators[0] + added + text[comma:]


def _added_line(document: Document, *, table: Table, key: str, value: object) -> str:
    text, style = document.text, _style(document)
    outer = _line_indent(document, table.start)
    own = _indent(document, table.members[-1].start) if table.members else None
    indent = outer + style.unit if own is None else own
    laid_out = _laid_out(value, style=style, indent=indent)
    added = f"{style.line_end}{indent}{json.dumps(key, ensure_ascii=False)}: {laid_out}"
    if table.members:
        return _after_last(document, table=table, added=added)
    inner = text[table.start + 1 : table.end - 1]
    kept = inner.rstrip()
    tail = inner[len(kept) :] if "\n" in inner[len(kept) :] else style.line_end + outer
    return text[: table.start + 1] + kept + added + tail + text[table.end - 1 :]


def _after_last(document: Document, *, table: Table, added: str) -> str:
    text, bare = document.text, document.uncommented
    end = table.members[-1].end
    comma = _comma_after(document, table=table, member=table.members[-1])
    if comma is not None:
        place = _line_break(bare, start=comma + 1, stop=table.end - 1)
        return text[:place] + added + "," + text[place:]
    place = _line_break(bare, start=end, stop=table.end - 1)
    return text[:end] + "," + text[end:place] + added + text[place:]


def _line_break(bare: str, *, start: int, stop: int) -> int:
    """Find the end of the line, behind a comment that belongs to what stands before it."""
    found = bare.find("\n", start, stop)
    if found < 0:
        return start
    return found - 1 if bare[found - 1] == "\r" else found


def _comma_after(document: Document, *, table: Table, member: Member) -> int | None:
    following = document.uncommented[member.end : table.end - 1]
    blanks = len(following) - len(following.lstrip())
    return member.end + blanks if following[blanks:].startswith(",") else None


def _reach(text: str, *, start: int, end: int) -> tuple[int, int]:
    """Widen a range to the line it has for itself, or to the blanks that follow it."""
    before = text[:start].rstrip(" \t")
    behind = _LINE_END.match(text, end)
    if before.endswith("\n") and behind:
        return len(before) - (2 if before.endswith("\r\n") else 1), end
    if not behind:
        end += len(text[end:]) - len(text[end:].lstrip(" \t"))
    return start, end


def _on_one_line(document: Document, table: Table) -> bool:
    if table.members:
        return "\n" not in document.text[table.start : table.members[-1].end]
    if document.text[table.start + 1 : table.end - 1].strip():
        return False  # A comment, which may run to the end of its line.
    whole = document.text.strip()
    return "\n" not in whole and whole != document.text[table.start : table.end]


def _style(document: Document) -> _Style:
    line_end = "\r\n" if "\r\n" in document.text else "\n"
    outermost = root(document)
    first = outermost.members[0] if outermost.members else None
    return _Style(line_end, (first and _indent(document, first.start)) or _INDENT)


def _indent(document: Document, place: int) -> str | None:
    """Return what stands before `place` on its line, or None if that is more than blanks."""
    before = document.text[document.text.rfind("\n", 0, place) + 1 : place]
    return None if before.strip() else before


def _line_indent(document: Document, place: int) -> str:
    line = document.text[document.text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip())]


def _laid_out(value: object, *, style: _Style, indent: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=style.unit).split("\n")
    return f"{style.line_end}{indent}".join(lines)
