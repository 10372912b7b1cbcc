"""The data files of this room: patterns and word lists in many languages, compiled on first use."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Table = Literal["asks", "phrases", "words"]

_PART = re.compile(r"<([a-z_]+)>")


@cache
def table(name: Table) -> dict[str, Any]:
    """Read one data file: sections of lists."""
    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def pattern(name: Table, section: str, key: str) -> re.Pattern[str]:
    """Compile one list of a data file as alternatives."""
    return re.compile(alternatives(name, section, key))


def alternatives(name: Table, section: str, key: str) -> str:
    """Join one list of a data file as alternatives, with the parts that it names filled in."""
    parts: dict[str, list[str]] = table(name).get("parts", {})
    joined = "|".join(table(name)[section][key])
    while _PART.search(joined):
        joined = _PART.sub(lambda found: f"(?:{'|'.join(parts[found[1]])})", joined)
    return joined


@cache
def words(section: str, key: str) -> frozenset[str]:
    """Return one word list as a set."""
    return frozenset(" ".join(table("words")[section][key]).split())
