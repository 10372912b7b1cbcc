"""Numbers and quantities as people write them, read as exact values in base units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from mcp_router.quality.numerals import numeral
from mcp_router.quality.tables import table
from mcp_router.routing.text import fold

_COMMA_IS_POINT = frozenset(
    {"de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "id", "vi", "sv", "el"}
)
_SHORT_SCALE = frozenset({"en", "pt", "tr", "ru", "zh", "ja", "ko"})
_PERCENT = re.compile(
    r"(?:%|percent|pct|per cent|prozent|procent\w?|pour ?cent|por ciento|per cento|por cento|"
    r"\u043f\u0440\u043e\u0446\u0435\u043d\u0442\w*)"
)
_NUMBER = r"[+\-\u2212]?(?:\d[\d.,'\u2019_\u00a0\u202f]*\d|\d|\.\d+)(?:[eE][+-]?\d{1,3})?"
_FRACTION = re.compile(rf"^(?:({_NUMBER})\s+)?([+\-\u2212]?\d{{1,15}})\s*[/\u2044]\s*(\d{{1,15}})")
_QUANTITY = re.compile(rf"({_NUMBER}(?:(?: \d{{3}}(?!\d))+(?:[.,]\d+)?)?)")
_ABOUT = (
    r"(?:about|approximately|approx\.?|around|roughly|exactly|~|\u2248|=|ca\.?|etwa|environ|circa|"
    r"cerca de|unos|ungefahr)"
)


class Quantity(NamedTuple):
    """A number with its unit, as canonical text.

    `value` is in the base unit of the dimension `unit` ("" for a plain number, percent divided by
    100), to nine significant digits; `face` is the number as it was written.
    """

    value: str
    unit: str
    face: str


def read_quantity(text: str, *, language: str | None = None) -> Quantity | None:
    """Read a text that is one number with an optional unit; None where it is anything else.

    `language` (ISO 639-1) decides what "1,234" means; None reads as English does.
    """
    bare = re.sub(rf"^\s*{_ABOUT}\s*", "", text.strip(" \t\n*_`\"'.;:!()[]\\"), flags=re.IGNORECASE)
    currency = re.match(r"[$\u20ac\u00a3\u00a5]\s*", bare)
    bare = bare[currency.end() :] if currency else bare
    number, rest = _number(bare, language)
    if number is None or len(rest.split()) > 3:
        return None
    scale, rest = _scale(rest.strip(), language)
    face = canonical(number * scale)
    if _PERCENT.fullmatch(rest.rstrip(".").lower()):
        return Quantity(canonical(number * scale / 100), "", face)
    unit, size = _unit(rest) if not currency else _units()[currency[0].strip()]
    return Quantity(canonical(number * scale * size), unit, face)


def decimal(text: str, *, language: str | None = None) -> Fraction | None:
    """Read digits with group and decimal signs; None where they make no number."""
    digits, _, power = text.replace("\u2212", "-").lower().partition("e")
    digits = re.sub(r"['\u2019_\s]", "", digits)
    if len(digits) > 60 or not re.fullmatch(r"[+-]?(?:\d+(?:[.,]\d+)*|[.,]\d+)", digits):
        return None
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        digits = _with_point(digits, last, language)
    return Fraction(digits) * Fraction(10) ** int(power or 0)


def canonical(number: Fraction) -> str:
    """Write a number as one text for all that are equal to nine significant digits."""
    if number.denominator == 1 and abs(number) < 10**30:
        return str(number.numerator)
    return f"{float(number):.9g}" if abs(number) < 10**300 else str(number)


def _with_point(digits: str, last: int, language: str | None) -> str:
    sign = digits[last]
    other = "," if sign == "." else "."
    tail = len(digits) - last - 1
    head = digits[:last].lstrip("+-")
    grouped = digits.count(sign) > 1
    if (
        not grouped
        and other not in digits
        and tail == 3
        and head not in {"", "0"}
        and len(head) < 4
    ):
        # "1,234" and "1.234": only the language tells.
        grouped = (sign == ",") != (language in _COMMA_IS_POINT)
    bare = digits.replace(other, "")
    return bare.replace(sign, "") if grouped else bare.replace(sign, ".")


def _number(text: str, language: str | None) -> tuple[Fraction | None, str]:
    if (found := _FRACTION.match(text)) is not None and int(found[3]):
        whole = decimal(found[1], language=language) if found[1] else Fraction(0)
        part = Fraction(int(found[2].replace("\u2212", "-")), int(found[3]))
        negative = found[1] is not None and found[1].startswith(("-", "\u2212"))
        total = None if whole is None else whole - part if negative else whole + part
        return total, text[found.end() :]
    if (match := _QUANTITY.match(text)) is not None:
        return decimal(match[1], language=language), text[match.end() :]
    sign = text[:1]
    if sign and unicodedata.category(sign) == "No":
        return Fraction(unicodedata.numeric(sign)).limit_denominator(100), text[1:]
    word, _, rest = fold(text).partition(" ")
    named = numeral(word)
    return (None if named is None else Fraction(named)), rest


def _scale(rest: str, language: str | None) -> tuple[int, str]:
    word = re.match(r"[^\W\d_]+|[\u4e07\u4ebf\u5104]", rest)
    if word is None:
        return 1, rest
    name = word[0] if word[0] == "M" else fold(word[0])
    left = rest[word.end() :].strip()
    if name in _scales()[None]:
        return 10**9 if language is None or language in _SHORT_SCALE else 10**12, left
    size = next((size for size, names in _scales().items() if size and name in names), 0)
    return (size, left) if size else (1, rest)


def _unit(rest: str) -> tuple[str, Fraction]:
    """Find a unit by its sign, or by its name in any case; other words are no unit."""
    name = rest.strip().rstrip(".")
    first = name.split(" ")[0]
    for text in (name, first, first.rstrip(".,;")):
        known = _units().get(text) or (_units().get(text.lower()) if len(text) > 2 else None)
        if known is not None:
            return known
    return "", Fraction(1)


@cache
def _units() -> Mapping[str, tuple[str, Fraction]]:
    """Map the names of units to their dimension and their size in its base unit."""
    every: dict[str, tuple[str, Fraction]] = {}
    for dimension, sizes in table("words")["units"].items():
        for size, names in sizes.items():
            own = dimension == "signs"
            unit = (size, Fraction(1)) if own else (dimension, Fraction(size))
            every |= dict.fromkeys(names.split(), unit)
    return every


@cache
def _scales() -> Mapping[int | None, frozenset[str]]:
    """Map factors to the words for them; None to those that mean different ones."""
    rows = table("words")["scales"].items()
    return {
        int(size) if size.isdecimal() else None: frozenset(names.split()) for size, names in rows
    }
