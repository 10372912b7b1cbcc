"""Near-duplicate questions: the same question in other clothes, found without sending it anywhere.

Likeness alone is never enough: "with sugar" and "without sugar" are nearly the same letters. So a
guard must be equal first, and what cannot be guarded (code, quotations, lists, material after a
colon) has no sketch at all.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache
from hashlib import blake2b
from operator import mul
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from mcp_router.quality.tables import alternatives, words
from mcp_router.storage.answer_keys import space_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.types import ModelInfo, ProviderInfo, Request

_DIMENSIONS = 256
_LONGEST = 2_000
_UNSAFE = re.compile(
    r"[\n\t:;\"`\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u2018]|(?<!\w)'|```|\s{2,}\S"
)
_TOKEN = re.compile(
    r"\d+(?:[.,/]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[^\s.,!?\u3002\uff01\uff1f\u3001\uff0c]|(?<=\d)[.,]"
)
_SHORT_FORMS = (
    (r"\bwon't\b", "will not"),
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"n't\b", " not"),
    (r"\b([Ww]hat|[Ww]ho|[Ww]here|[Hh]ow|[Ww]hen|[Ii]t|[Tt]hat|[Tt]here)'s\b", r"\1 is"),
    (r"'re\b", " are"),
    (r"\bI'm\b", "I am"),
    (r"\bI'd like\b", "I would like"),
)


class Sketch(NamedTuple):
    """A question as it is looked for: its space, its guard, and the vector of its letters."""

    space: bytes
    guard: bytes
    vector: bytes


def sketch(
    request: Request,
    *,
    model: ModelInfo,
    provider: ProviderInfo,
    scope: str = "",
) -> Sketch | None:
    """Draw the sketch of a request's last question; None where only the same request may match.

    The guard holds every word but courtesies. No sentence encoder takes its place: measured with
    a common one, questions with another answer ("metres to feet", "feet to metres") come closer
    than those with the same, see docs/cache.md.
    """
    last = request.messages[-1] if request.messages else None
    if last is None or last.role != "user" or not isinstance(last.content, str):
        return None
    text = unicodedata.normalize("NFKC", last.content).replace("\u2019", "'").strip()
    if not text or len(text) > _LONGEST or _UNSAFE.search(text):
        return None
    space = space_key(request, model=model, provider=provider, scope=scope)
    said = significant(text)
    return Sketch(_hashed(space.hex()), _hashed(*said), _packed(letters(" ".join(said))))


def similarity(one: bytes, other: bytes) -> float:
    """Compute the cosine of two packed vectors; 0.0 where they are not of one length."""
    first, second = memoryview(one).cast("b"), memoryview(other).cast("b")
    if len(first) != len(second):
        return 0.0
    size = math.sqrt(sum(map(mul, first, first)) * sum(map(mul, second, second)))
    return sum(map(mul, first, second)) / size if size else 0.0


def significant(text: str) -> list[str]:
    """List the words, numbers and signs of a question that may change its answer, in order.

    Greetings, "please", articles and short forms ("what's") are left out or written out; a capital
    counts except in a usual first word.
    """
    for short, full in _SHORT_FORMS:
        text = re.sub(short, full, text)
    bare = _courtesies().sub("", text)
    found: list[str] = []
    for match in _TOKEN.finditer(bare):
        word = match[0]
        if not found and word.lower() in words("near", "openers"):
            word = word.lower()
        if word not in {"a", "an", "the"}:
            found.append(word)
    return found


def letters(text: str) -> list[float]:
    """Embed a text as hashed groups of three letters, damped by square roots."""
    counts = [0] * _DIMENSIONS
    padded = f" {text.lower()} "
    for at in range(len(padded) - 2):
        counts[crc32(padded[at : at + 3].encode("utf-8", "surrogatepass")) % _DIMENSIONS] += 1
    return [math.sqrt(count) for count in counts]


@cache
def _courtesies() -> re.Pattern[str]:
    opening = alternatives("words", "near", "opening")
    closing = alternatives("words", "near", "closing")
    tail = r"(?: (?:in advance|very much|so much))?[.!? ]*$"
    return re.compile(f"^(?:{opening})+|[, ]+(?:{closing}){tail}", re.IGNORECASE)


def _packed(vector: Sequence[float]) -> bytes:
    most = max(map(abs, vector), default=0.0) or 1.0
    return b"".join(round(127 * one / most).to_bytes(1, "big", signed=True) for one in vector)


def _hashed(*texts: str) -> bytes:
    digest = blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
