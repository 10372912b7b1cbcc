"""A linear model over hashed words and cues that votes on the task type beside the rules.

The weights are whole numbers, the sums exact and order does not matter, so every machine scores
a prompt alike. `tests/training` makes the weights and says from which data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from mcp_router.routing.features import Features
from mcp_router.routing.lexicon import WIDE

# Words that are hashed at the start and at the end of a prompt.
_HEAD = 110
_TAIL = 50
_AFFIX = 4
_STRONG = 2.0
_CUES = 7
# Multiplies the hash of the first of two words, before the last bits are dropped.
_FACTOR = 0x9E3779B1
_SHIFT = 5
_WIDE_RUN = rf"{WIDE}+"


class Hashed(NamedTuple):
    """The buckets that a request falls into: those of its words, and those of its cues."""

    words: frozenset[int]
    cues: frozenset[int]


class Weights(NamedTuple):
    """The trained model; `rows` holds one byte per bucket and task type, 128 above the weight.

    A score is `rules` times that of the rules plus `bias`, `scale` times the weights of the cues
    and `scale * reach / sqrt(n)` times those of the `n` buckets of words.
    """

    kinds: tuple[str, ...]
    buckets: int
    scale: float
    reach: float
    rules: float
    bias: tuple[float, ...]
    rows: bytes


@cache
def weights() -> Weights:
    """Load the trained weights on first use; they never change afterwards."""
    return parse(Path(__file__).with_name("types.bin").read_bytes())


def parse(data: bytes) -> Weights:
    """Read weights from a line of JSON and the bytes after it."""
    head, _, rows = data.partition(b"\n")
    raw = json.loads(head)
    return Weights(
        kinds=tuple(raw["kinds"]),
        buckets=raw["buckets"],
        scale=raw["scale"],
        reach=raw["reach"],
        rules=raw["rules"],
        bias=tuple(raw["bias"]),
        rows=rows,
    )


def hashed(features: Features, *, buckets: int) -> Hashed:
    """Hash the words and cues of a request into `buckets` (a power of two)."""
    mask = buckets - 1
    tokens = features.tokens
    if len(tokens) > _HEAD + _TAIL:
        tokens = [*tokens[:_HEAD], *tokens[-_TAIL:]]
    return Hashed(
        frozenset(_word_hashes(tokens, mask=mask)),
        frozenset([value & mask for value in _cue_hashes(features)]),
    )


def adjusted(rules: Mapping[str, float], *, found: Hashed, model: Weights) -> dict[str, float]:
    """Add the votes of the linear model to the scores of the rules."""
    words = _sums(found.words, model=model)
    cues = _sums(found.cues, model=model)
    reach = model.reach / math.sqrt(len(found.words) or 1)
    return {
        kind: model.rules * rules.get(kind, 0.0) + bias + model.scale * (cue + reach * word)
        for kind, bias, cue, word in zip(model.kinds, model.bias, cues, words, strict=True)
    }


def _sums(buckets: frozenset[int], *, model: Weights) -> list[int]:
    """Add up the weights of buckets for each task type."""
    width = len(model.kinds)
    rows = model.rows
    picked = b"".join([rows[at * width : at * width + width] for at in buckets])
    return [sum(picked[kind::width]) - 128 * len(buckets) for kind in range(width)]


def _plain(token: str) -> str:
    """Let numbers of one length meet."""
    return "0" * min(len(token), 4) if token.isdecimal() else token


def _word_hashes(tokens: Sequence[str], *, mask: int) -> list[int]:
    """Hash words, pairs of neighbours, the first and last letters, and the first two words."""
    # Of a pair no more bits than these count, and short numbers are quicker.
    low = (mask << _SHIFT) | mask
    factor = _FACTOR & low
    known: dict[str, int] = {}
    found: list[int] = []
    for token in set(tokens):
        word = _plain(token)
        whole = _crc(word, 0)
        known[token] = whole & low
        found.append(whole & mask)
        if len(word) > _AFFIX:
            found += (_crc(word[:_AFFIX], 1) & mask, _crc(word[-_AFFIX:], 2) & mask)
            if not word.isascii():
                found += (value & mask for value in _wide_pairs(word))
    for at, token in enumerate(tokens[:2]):
        found.append(_crc(_plain(token), 3 + at) & mask)
    hashes = [known[token] for token in tokens]
    found += [(left * factor ^ right) >> _SHIFT & mask for left, right in pairwise(hashes)]
    return found


def _wide_pairs(word: str) -> Iterator[int]:
    """Hash pairs of signs where a script has no blanks between words."""
    for run in re.findall(_WIDE_RUN, word):
        for left, right in pairwise(run[:200]):
            yield _crc(left + right, 5)


def _cue_hashes(features: Features) -> list[int]:
    """Hash the cues, twice where they are strong, and how long the ask is."""
    found = [_crc(f"length {features.words.bit_length()}", _CUES)]
    for piece in features.evidence:
        usual, strong = _cue_pair(piece.table, piece.name)
        found.append(usual)
        if piece.strength >= _STRONG:
            found.append(strong)
    return found


@lru_cache(maxsize=4096)
def _cue_pair(table: str, name: str) -> tuple[int, int]:
    # The lexicon has some hundred cues, and every prompt has a few dozen of them.
    return _crc(f"{table} {name}", _CUES), _crc(f"{table} {name} strong", _CUES)


def _crc(text: str, salt: int) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"), salt)
