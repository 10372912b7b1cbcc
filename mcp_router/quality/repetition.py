"""Loops: an answer that goes round in circles, as models do when their sampling collapses."""

from __future__ import annotations

import re
from collections import Counter

from mcp_router.quality.signals import Signal

_TAIL = 1_200
_READ = 20_000
_WORD = re.compile(r"[^\W\d_]{2}")
# A unit that comes so often in a row, over so many characters, is no style.
_ROUNDS = 4
_SPAN = 120


def repetition(answer: str) -> Signal | None:
    """Find an answer that ends in a loop or says the same sentences over and over.

    Rules of tables and other signs without letters are no loop.
    """
    rounds = _rounds_at_end(answer.rstrip()[-_TAIL:])
    if rounds:
        return Signal("repetition", 1.0, f"ends in a loop of {rounds} rounds or more")
    sentences = [part.strip() for part in re.split(r"[.!?\u3002\n]+", answer[:_READ])]
    long = Counter(part for part in sentences if len(part) >= 20 and _WORD.search(part))
    total = sum(long.values())
    repeated = sum(count for count in long.values() if count >= 3)
    share = repeated / total if total >= 6 else 0.0
    # A poem may repeat every other line.
    if share < 0.6:
        return None
    return Signal("repetition", share, "says the same sentences again and again")


def _rounds_at_end(tail: str) -> int:
    """Count how often the text's last unit stands there in a row; 0 when that is no loop.

    The failure function of Knuth, Morris and Pratt on the reversed text gives the period of every
    ending in linear time.
    """
    text = tail[::-1]
    best = 0
    border = 0
    borders = [0] * len(text)
    for at in range(1, len(text)):
        while border and text[at] != text[border]:
            border = borders[border - 1]
        border += text[at] == text[border]
        borders[at] = border
        length, period = at + 1, at + 1 - border
        if length >= _SPAN and length >= _ROUNDS * period and any(map(str.isalnum, text[:period])):
            best = max(best, length // period)
    return best
