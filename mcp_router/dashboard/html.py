"""HTML built from elements, so that text cannot become markup by being forgotten."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

# Controls are no XML; bidirectional marks would let a name reorder what stands beside it.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_VOID = frozenset({"meta", "input", "br"})


class Html(str):
    """Text that is markup already; only this room makes it."""

    __slots__ = ()


Child = str | Html | None | Iterable["Child"]
"""Plain text is escaped where it becomes part of an element; None is nothing."""


def plain(text: str) -> str:
    """Replace what must not reach a page even as text: controls and bidirectional marks."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def escaped(text: str) -> Html:
    """Turn text into markup that shows it."""
    return Html(html.escape(plain(text)))


def element(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Build an element; an underscore at the end of an attribute is dropped, others are hyphens.

    >>> element("a", "1 < 2", class_="x", aria_label='"')
    '<a class="x" aria-label="&quot;">1 &lt; 2</a>'
    """
    opening = "".join(map(_attribute, attributes, attributes.values()))
    if name in _VOID:
        return Html(f"<{name}{opening}>")
    return Html(f"<{name}{opening}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Put markup and text one after the other."""
    return Html("".join(map(_child, children)))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    return escaped(child) if isinstance(child, str) else joined(*child)


def _attribute(name: str, value: str | bool | None) -> str:
    key = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {key}" if value is True else f' {key}="{escaped(value)}"'
