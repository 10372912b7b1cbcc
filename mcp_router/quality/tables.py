"""The data files of this room: patterns and word lists in many languages, compiled on first use."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Table = Literal["asks", "phrases", "words"]

_PART = re.compile(r"<([a-z_]+)>")
_ESCAPED_OR_SET = re.compile(r"\\.|\[(?:\\.|[^]\\])*\]", re.DOTALL)
_INNERMOST = re.compile(r"\([^()]*\)")
_EDGE = r"\b"


@cache
def table(name: Table) -> dict[str, Any]:
    """Read one data file: sections of lists."""
    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def pattern(name: Table, section: str, key: str) -> re.Pattern[str]:
    """Compile one list of a data file as alternatives, which are tried in any order.

    Those that begin at the edge of a word stand behind one look for it: each with its own would
    be tried at every letter, which takes ten times as long.
    """
    each = [_filled(one, table(name)) for one in table(name)[section][key]]
    at_edge = [one[len(_EDGE) :] for one in each if one.startswith(_EDGE) and not _has_bar(one)]
    others = [one for one in each if not one.startswith(_EDGE) or _has_bar(one)]
    first = [rf"{_EDGE}(?:{'|'.join(at_edge)})"] if at_edge else []
    return re.compile("|".join((*first, *others)))


def alternatives(name: Table, section: str, key: str) -> str:
    """Join one list of a data file as alternatives, with the parts that it names filled in."""
    return _filled("|".join(table(name)[section][key]), table(name))


def _filled(given: str, lists: dict[str, Any]) -> str:
    parts: dict[str, list[str]] = lists.get("parts", {})
    while _PART.search(given):
        given = _PART.sub(lambda found: f"(?:{'|'.join(parts[found[1]])})", given)
    return given


def _has_bar(regex: str) -> bool:
    """Tell whether alternatives stand outside of every group."""
    left, last = _ESCAPED_OR_SET.sub("", regex), ""
    while left != last:
        left, last = _INNERMOST.sub("", left), left
    return "|" in left


@cache
def words(section: str, key: str) -> frozenset[str]:
    """Return one word list as a set."""
    return frozenset(" ".join(table("words")[section][key]).split())
