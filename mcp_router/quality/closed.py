"""Closed answers (a number, an option, yes or no, a date, JSON) as values that can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal, NamedTuple

from mcp_router.quality.asked import Asked
from mcp_router.quality.dates import read_date
from mcp_router.quality.json_text import canonical_json, read_json
from mcp_router.quality.languages import language_of
from mcp_router.quality.quantities import Quantity, read_quantity
from mcp_router.quality.tables import pattern, words
from mcp_router.quality.voice import layout
from mcp_router.routing.text import fold

_BOXED = re.compile(r"\\boxed\{([^{}]{1,200})\}")
_HASHES = re.compile(r"^####\s*([^\n]{1,200})$", re.MULTILINE)
_OPTION = re.compile(
    r"^[\s*_(\[]*(?:option\s+|choice\s+|answer\s+)?\(?([A-J])\)?(?:[).:\]*]|\s*$)", re.IGNORECASE
)
_LISTED = re.compile(r"(?:^|\n|\s)\(?([A-J])[).:]\s+([^\n]{1,200}?)(?=\s+\(?[A-J][).:]\s|\n|$)")
_SHORT = 80
_STOPS = " ,.!?:;\uff0c\u3002\uff01\u2013\u2014-"


class Closed(NamedTuple):
    """What an answer comes down to; equal values are equal answers.

    `face` is a number as it was written, without unit: what a bare "5" and "5 km" share. Kind
    "open" is a running text, whose value says little.
    """

    kind: Literal["number", "option", "yes_no", "date", "json", "code", "words", "open"]
    value: str
    unit: str = ""
    face: str = ""


class Hint(NamedTuple):
    """What a question tells about its closed answers; the default knows nothing.

    `options` maps letters to the folded texts that the question lists under them.
    """

    language: str | None = None
    numeric: bool = False
    percent: bool = False
    polar: bool = True
    options: Mapping[str, str] = {}


NO_HINT = Hint()


def hint_of(asked: Asked) -> Hint:
    """Read from a question how its answers are to be compared."""
    listed = {found[1].upper(): _plain(found[2]) for found in _LISTED.finditer(asked.text)}
    return Hint(
        language=language_of(asked.text),
        percent=pattern("asks", "asks", "percent").search(asked.folded) is not None,
        numeric=pattern("asks", "asks", "numeric").search(asked.folded) is not None,
        polar=pattern("asks", "asks", "polar").search(asked.folded) is not None,
        options=listed if len(listed) >= 2 else {},
    )


def closed_answer(answer: str, *, hint: Hint = NO_HINT) -> Closed:
    """Bring an answer down to its value.

    Looks for JSON, then for an announced result ("The answer is …", a box), then takes a short
    answer as a whole.
    """
    parts = layout(answer)
    text = parts.prose.strip()
    if not text and len(parts.blocks) == 1:
        text = parts.blocks[0].text.strip()
        value, found = read_json(text)
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        return Closed("json", canonical_json(value)) if found else Closed("code", lines)
    if text[:1] in {"{", "["}:
        value, found = read_json(text)
        if found:
            return Closed("json", canonical_json(value))
    announced = _announced(text)
    for candidate in (announced, text if len(text) <= _SHORT else None, _first_line(text)):
        if candidate:
            known = _value(candidate, hint, alone=candidate is not announced)
            if known is not None:
                return known
    if len(text) <= _SHORT and not parts.blocks:
        return Closed("words", _plain(announced or text))
    return Closed("words", _plain(announced)) if announced else Closed("open", _plain(text)[:400])


def _announced(text: str) -> str | None:
    """Find the last announced result of a text."""
    found = [*_BOXED.findall(text), *_HASHES.findall(text)]
    if found:
        return str(found[-1]).strip()
    folded = fold(text)
    # Folding keeps places only where it keeps the length.
    source = text if len(folded) == len(text) else folded
    results = list(pattern("asks", "asks", "final").finditer(folded))
    if not results:
        return None
    last = results[-1]
    said: str = source[last.start(1) : last.end(1)].strip(" *_")
    end = re.search(r"(?<=[^\d\s.])[.!?](?:\s|$)|(?<=\d)\.\s", said)
    return said[: end.start() if end else None].strip(" .*_")


def _first_line(text: str) -> str | None:
    line = text.partition("\n")[0].strip(" *_")
    return line[:_SHORT] if line else None


def _value(text: str, hint: Hint, *, alone: bool) -> Closed | None:
    option = _option(text, hint)
    if option:
        return Closed("option", option)
    polar = _polar(text, hint)
    if polar:
        return Closed("yes_no", polar)
    if len(text) > _SHORT:
        return None
    day = read_date(text)
    if day:
        return Closed("date", day)
    # Only a number that is the whole text, or was announced as the result, is the answer.
    quantity = read_quantity(text, language=hint.language)
    if quantity is None and (hint.numeric or not alone):
        quantity = _only_number(text, hint)
    return _number(quantity, hint) if quantity else None


def _number(quantity: Quantity, hint: Hint) -> Closed:
    value, unit, face = quantity
    if hint.percent and not unit and value == face and abs(float(face)) > 1:
        # Asked for a percentage, "12" and "12 %" say the same.
        value = read_percent(face)
    return Closed("number", value, unit, face)


def read_percent(face: str) -> str:
    """Return the canonical value of a number of percents."""
    quantity = read_quantity(f"{face}%")
    return quantity.value if quantity else face


def _only_number(text: str, hint: Hint) -> Quantity | None:
    places = list(
        re.finditer(r"[$\u20ac\u00a3\u00a5]?\s?[-+]?\d[\d.,]*(?:\s?[%\w/\u00b0]+)?", text)
    )
    return read_quantity(places[0][0], language=hint.language) if len(places) == 1 else None


def _option(text: str, hint: Hint) -> str:
    found = _OPTION.match(text)
    whole = found is not None and not text[found.end() :].strip(" *_)].")
    if found and (hint.options or whole or text[found.start(1)].isupper()):
        letter = found[1].upper()
        # "I." may begin a sentence; a listed letter, or one alone, is an option.
        if letter in hint.options or (whole and not hint.options):
            return letter
    plain = _plain(text)
    return next((letter for letter, listed in hint.options.items() if listed == plain), "")


def _polar(text: str, hint: Hint) -> str:
    folded = fold(text).strip(" *_`\"'(")
    word = re.match(rf"[^\s{_STOPS}]+", folded)
    first = word[0] if word else ""
    rest = folded[len(first) :].strip(_STOPS + "*_\"')")
    said = next((side for side in ("yes", "no") if first in words("polar", side)), "")
    ends = not rest or (hint.polar and folded[len(first) :].lstrip()[:1] in set(_STOPS))
    return said if ends else ""


def _plain(text: str) -> str:
    """Write a text without case, accents, marks, articles and width variants."""
    folded = fold(unicodedata.normalize("NFKC", text))
    found = re.findall(r"[^\W_]+(?:[.'/+#-][^\W_]+)*[+#]*", folded)
    kept = [word for word in found if word not in {"the", "a", "an"}]
    return " ".join(kept or found)
