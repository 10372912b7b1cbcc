"""Features: everything that is found in a request before any task type is scored."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from mcp_router.routing.cues import Evidence, Found, find_cues
from mcp_router.routing.marks import Marks, find_marks
from mcp_router.routing.text import Reading, read
from mcp_router.routing.tokens import RequestCounts, input_tokens
from mcp_router.types import Family, Request, TaskType

# In tokens: from here on a prompt is a document with a question, and surely one.
_LONG = 5_000
_VERY_LONG = 25_000
_GREETING_WORDS = 6
ON_MATERIAL = (
    TaskType.SUMMARIZATION.value,
    TaskType.EXTRACTION.value,
    TaskType.CLASSIFICATION.value,
    TaskType.TRANSLATION.value,
)
"""Kinds of tasks in which most of what people send is what the work is done on."""

# How much the system prompt and, where the ask is short, the ask before it count.
_SYSTEM_SHARE = 0.3
_EARLIER_SHARE = 0.6
_FOLLOW_UP_WORDS = 8
_ASIDE_MIN = 2.0
_SMALL = frozenset({TaskType.CHAT.value, TaskType.SIMPLE_TASK.value})
_SMALL_WORDS = 14


class Features(NamedTuple):
    """What was found in a request; `traits` are summed weights of words that are no task type.

    `tokens` are the words and marks of punctuation of the ask, in order.
    """

    reading: Reading
    prose: str
    words: int
    marks: frozenset[str]
    traits: Mapping[str, float]
    languages: Mapping[str, float]
    evidence: tuple[Evidence, ...]
    input_tokens: int
    tokens: Sequence[str] = ()


def find_features(request: Request, *, counts: RequestCounts) -> Features:
    """Find what speaks for each task type in a request, and how large it is."""
    reading = read(request)
    tokens = input_tokens(counts, Family.O200K)
    marks = find_marks(reading.ask)
    found = find_cues(marks.prose)
    names = dict.fromkeys(
        (*marks.names, *_context_marks(request, reading=reading, marks=marks, found=found))
    )
    evidence = [_toned(piece, words=marks.words) for piece in found.evidence]
    evidence += (Evidence("marks", name, 1.0, name) for name in names)
    asked = any(piece.table == "pairs" for piece in found.evidence)
    # Where people ask for nothing, a system prompt of such a kind says what is to be done.
    standing = () if asked or request.tools else ON_MATERIAL
    evidence += _aside(reading.system, share=_SYSTEM_SHARE, whole=standing)
    traits = found.traits
    if marks.words <= _FOLLOW_UP_WORDS and reading.earlier:
        # "Yes, go on" is as hard as what it answers.
        earlier = find_cues(find_marks(reading.earlier).prose)
        silent = all(piece.table == "marks" for piece in evidence)
        evidence += _aside(reading.earlier, share=1.0 if silent else _EARLIER_SHARE)
        traits = {**earlier.traits, **traits}
    return Features(
        reading=reading,
        prose=marks.prose,
        words=max(marks.words, reading.length // 12 if reading.length > len(reading.ask) else 0),
        marks=frozenset(names),
        traits=traits,
        languages=found.languages,
        evidence=tuple(evidence),
        input_tokens=tokens,
        tokens=found.tokens,
    )


def _toned(piece: Evidence, *, words: int) -> Evidence:
    """Weaken small talk and trifles in a long ask: there a "hi" or "just" is only politeness."""
    if piece.name not in _SMALL or words <= _SMALL_WORDS:
        return piece
    return piece._replace(strength=piece.strength * max(0.25, _SMALL_WORDS / words))


def _aside(text: str, *, share: float, whole: Container[str] = ()) -> list[Evidence]:
    """Find the strong cues of a text beside the ask, at a share of their weight.

    Those for a task type of `whole` keep all of it.
    """
    if not text:
        return []
    return [
        piece if piece.name in whole else piece._replace(strength=piece.strength * share)
        for piece in find_cues(text).evidence
        if piece.table == "pairs" or (piece.table == "types" and piece.strength >= _ASIDE_MIN)
    ]


def _context_marks(
    request: Request, *, reading: Reading, marks: Marks, found: Found
) -> Iterator[str]:
    kinds = {piece.name for piece in found.evidence if piece.table == "types"}
    if marks.words <= _GREETING_WORDS and TaskType.CHAT in kinds and len(kinds) == 1:
        yield "greeting only"
    # Four characters make about one token, which is exact enough here.
    if reading.length >= _LONG * 4:
        yield "long code" if marks.code_share > 0.5 else "long text"
    if reading.length >= _VERY_LONG * 4 and marks.code_share <= 0.5:
        yield "very long text"
    if request.context_tokens >= _VERY_LONG:
        yield "stated context"
    yield from _attachment_marks(reading, marks=marks, found=found)


def _attachment_marks(reading: Reading, *, marks: Marks, found: Found) -> Iterator[str]:
    attached = reading.attached
    image = any(kind.startswith(("image/", "video/")) for kind in attached)
    if image:
        yield "image"
    if any(kind.startswith("audio/") for kind in attached):
        yield "audio"
    if any(kind.startswith(("application/", "text/")) for kind in attached):
        yield "document"
    pointed = found.traits.get("attached", 0.0) > 0.0 or not re.search(r"\w{4}", marks.prose)
    if image and pointed and "code block" not in marks.names:
        yield "about the attachment"
