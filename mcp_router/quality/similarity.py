"""How alike texts are, by the words and pairs of words they share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from mcp_router.routing.text import fold

_READ = 8_000
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")


def similarity(one: str, other: str) -> float:
    """Compare two texts: 1.0 for the same words in the same order, 0.0 for none in common.

    The mean of the weighted Jaccard indices of words and of pairs of neighbours; the first 8,000
    characters count. Symmetric.
    """
    first, second = _words(one), _words(other)
    if first == second:
        return 1.0
    return (_jaccard(first, second) + _jaccard(_pairs(first), _pairs(second))) / 2


def mean_similarity(texts: Sequence[str]) -> float:
    """Average the similarity over all pairs of texts; 1.0 for fewer than two."""
    pairs = [(one, other) for at, one in enumerate(texts) for other in texts[:at]]
    return sum(similarity(*pair) for pair in pairs) / len(pairs) if pairs else 1.0


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text[:_READ]))


def _pairs(words: list[str]) -> list[str]:
    return [f"{one} {other}" for one, other in pairwise(words)]


def _jaccard(one: list[str], other: list[str]) -> float:
    first, second = Counter(one), Counter(other)
    union = (first | second).total()
    return (first & second).total() / union if union else 0.0
