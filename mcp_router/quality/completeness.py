"""How much of what was asked an answer covers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mcp_router.quality.asked import asked
from mcp_router.routing.text import fold
from mcp_router.types import Request

_QUESTION = re.compile(r"[^.?!\n]*\?|^\s*(?:\d{1,2}[.)]|[-*\u2022])\s+[^\n]+", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{4,}")
# Longer than the others by more than this adds nothing.
_FULL = 0.8


def completeness(
    request: Request, answer: str, *, finish_reason: str = "stop", others: Sequence[str] = ()
) -> float:
    """Estimate from 0 to 1 how complete an answer is.

    Half is whether each question or point of the request is taken up, half its length beside the
    median of the `others`; an answer that was cut counts half.
    """
    points = _QUESTION.findall(asked(request).text)[:20]
    said = fold(answer)
    covered = [_covers(said, point) for point in points]
    share = sum(covered) / len(covered) if covered else float(bool(answer.strip()))
    full = _relative_length(answer, others)
    whole = (share + full) / 2 if answer.strip() else 0.0
    return whole / 2 if finish_reason in {"length", "content_filter"} else whole


def _covers(said: str, point: str) -> bool:
    words = {word[:6] for word in _WORD.findall(fold(point))}
    return len(words) < 2 or sum(word in said for word in words) * 4 >= len(words)


def _relative_length(answer: str, others: Sequence[str]) -> float:
    lengths = sorted(len(other.strip()) for other in others if other.strip())
    if not lengths:
        return 1.0
    median = lengths[len(lengths) // 2]
    return min(1.0, len(answer.strip()) / max(1.0, _FULL * median))
