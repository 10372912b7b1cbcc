"""Dates as people write them in many languages, read as one ISO 8601 text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache

from mcp_router.quality.tables import table
from mcp_router.routing.text import fold

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:t\d\d.*)?")
_SIGNS = re.compile(r"(\d{4})[年년]\s?(\d{1,2})[月월]\s?(\d{1,2})[日일]")
_DOTS = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DAY_FIRST = re.compile(
    r"(?:\w+,\s)?(\d{1,2})(?:st|nd|rd|th|er|\.|º)?\s(?:of\s|de\s)?([^\W\d_]+)\.?,?\s(?:de\s)?(\d{4})"
)
_MONTH_FIRST = re.compile(r"(?:\w+,\s)?([^\W\d_]+)\.?\s(\d{1,2})(?:st|nd|rd|th)?,?\s(\d{4})")


def read_date(text: str) -> str | None:
    """Read a text that is one date, as YYYY-MM-DD; None for anything else.

    "03/04/2024" is two different days on the two sides of the Atlantic, so it is no date here.
    """
    bare = fold(text.strip(" \t\n*_`\"'.;:!()"))
    for pattern, (year, month, day) in (
        (_ISO, (1, 2, 3)),
        (_SIGNS, (1, 2, 3)),
        (_DOTS, (3, 2, 1)),
        (_DAY_FIRST, (3, 2, 1)),
        (_MONTH_FIRST, (3, 1, 2)),
    ):
        if (found := pattern.fullmatch(bare)) is not None:
            return _iso(found[year], found[month], found[day])
    if (slashes := _SLASHES.fullmatch(bare)) is not None:
        return _unambiguous(int(slashes[1]), int(slashes[2]), slashes[3])
    return None


def _unambiguous(one: int, other: int, year: str) -> str | None:
    if one <= 12 and other <= 12 and one != other:
        return None
    month, day = (one, other) if one <= 12 else (other, one)
    return _iso(year, str(month), str(day))


def _iso(year: str, month: str, day: str) -> str | None:
    number = int(month) if month.isdecimal() else _months().get(month, 0)
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return None


@cache
def _months() -> Mapping[str, int]:
    return {
        name: at + 1
        for at, names in enumerate(table("words")["months"]["names"])
        for name in names.split()
    }
