"""Text for people: safe to show on a terminal, measured in its cells, and figures in words."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

UNKNOWN = "unknown"

# Joiners hold emoji and some scripts together; they move nothing on a terminal.
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    """Make text safe on one line: blanks of any kind become spaces, controls become escapes.

    A terminal obeys control characters, and bidirectional marks reorder what is read.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def shown(text: str) -> str:
    """Make text of several lines safe to show on a terminal; lines and tabs stay as they are.

    Carriage returns, with which a line could overwrite what it said before, are left out.
    """
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" else _shown(c) for c in text if c != "\r")


def mended(text: str) -> str:
    """Join halves of surrogate pairs and replace lone ones, which no encoding can write."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def width(text: str) -> int:
    """Count the terminal cells of text that `clean` has passed."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def shortened(text: str, *, cells: int) -> str:
    """Cut text to a number of cells, with an ellipsis where something was cut off."""
    # Cleaning a megabyte to show a line of it would take a noticeable time.
    text = text.strip()
    line = clean(text[: 4 * cells])
    if width(line) <= cells and len(text) <= 4 * cells:
        return line
    return _head(line, cells=cells - 1).rstrip() + "…"


def wrapped(text: str, *, cells: int) -> list[str]:
    """Break text into lines of at most so many cells, at blanks or joints where there are any."""
    lines = [""]
    for word in _pieces(text, cells=cells):
        gap = " " if lines[-1] else ""
        if width(lines[-1]) + len(gap) + width(word) <= cells:
            lines[-1] += gap + word
        else:
            lines.append(word)
    return lines


def usd(amount: Decimal | None) -> str:
    """Write an amount with three significant digits: "$0.000768", "-$1.2", or "unknown"."""
    if amount is None:
        return UNKNOWN
    from mcp_router.money import short_usd, to_nanos

    sign = "-" if amount < 0 else ""
    return f"{sign}${short_usd(abs(to_nanos(amount)))}"


def share(part: Decimal, *, of: Decimal) -> str:
    """Write what part of a whole something is: "98.4%", or "" of nothing."""
    return f"{100 * part / of:.1f}%" if of else ""


def duration(milliseconds: int) -> str:
    """Write a time: "590 ms", "5.2 s" or "2 min 5 s"."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, rest = divmod(milliseconds // 1000, 60)
    return f"{minutes:,} min {rest} s"


def rough_duration(milliseconds: int) -> str:
    """Write a time for a narrow column: "590 ms", "5.2 s" or "2.1 min"."""
    return duration(milliseconds) if milliseconds < 60_000 else f"{milliseconds / 60_000:,.1f} min"


def rounded_tokens(count: int) -> str:
    """Write a token count briefly: "512", "128k", "1.05M"."""
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count // 1000}k"
    return f"{count / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"


def spoken(name: str) -> str:
    """Write an identifier in words: "code_review" is "code review"."""
    return clean(name.replace("_", " "))


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character.isspace() else ascii(character)[1:-1]


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _head(text: str, *, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _cells(character)
        if used > cells:
            return text[:index]
    return text


def _joint(head: str) -> str:
    """Cut where a name has a joint, unless that would leave less than half of the room used."""
    end = 1 + max(head.rfind(sign) for sign in "-_/.")
    return head[:end] if 2 * end >= len(head) else head


def _pieces(text: str, *, cells: int) -> Iterator[str]:
    for word in text.split():
        rest = word
        while width(rest) > cells:
            head = _joint(_head(rest, cells=cells) or rest[0])
            yield head
            rest = rest[len(head) :]
        if rest:
            yield rest
