"""Text for a model or a person, without what a terminal obeys or what reorders what is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

_UNSEEN = "\N{REPLACEMENT CHARACTER}"
# All controls but line feed and tab.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BLANKS = re.compile(r"\s+")


def plain(text: str) -> str:
    """Replace control characters in text of several lines; a carriage return ends a line."""
    return _CONTROLS.sub(_UNSEEN, text.replace("\r\n", "\n").replace("\r", "\n"))


def label(text: str) -> str:
    """Make a name that somebody gave fit for one line beside others."""
    if text.isprintable():
        return text
    return _MARKS.sub(_UNSEEN, _CONTROLS.sub(_UNSEEN, _BLANKS.sub(" ", text)))


def labelled(body: Mapping[str, object]) -> dict[str, Any]:
    """Apply `label` to every text in a JSON object, names of keys as well."""
    return {label(name): _labelled(inner) for name, inner in body.items()}


def _labelled(value: object) -> object:
    if isinstance(value, str):
        return label(value)
    if isinstance(value, dict):
        return labelled(cast("dict[str, object]", value))
    if isinstance(value, list):
        return [_labelled(one) for one in cast("list[object]", value)]
    return value


def escaped(document: str) -> str:
    """Write in a JSON document as escapes what JSON would let stand: nothing of it is lost."""
    return _MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
