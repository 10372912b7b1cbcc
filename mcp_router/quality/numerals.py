"""Small numbers as people write them in an instruction: digits, or words in nine languages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from mcp_router.quality.tables import table


def numeral(word: str) -> int | None:
    """Read a folded word or digits as a number; None when it is neither."""
    return int(word) if word.isdecimal() and len(word) < 7 else numeral_words().get(word)


@cache
def numeral_words() -> Mapping[str, int]:
    """Map each known word to its number."""
    return {
        word: at + 1
        for at, words in enumerate(table("words")["numerals"]["words"])
        for word in words.split()
    }
