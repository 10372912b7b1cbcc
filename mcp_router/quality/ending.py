"""Whether an answer is there at all, and whether it ends where it should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_router.quality.signals import Signal
from mcp_router.quality.tables import words
from mcp_router.quality.voice import Layout
from mcp_router.routing.text import fold

_OPEN_SIGN = re.compile(r"[,:;(\[{\-\u2013\u3001\uff0c\uff1a]$")
_MARKED = re.compile(r"\s*(?:[-*+#>|\u2022]|\d{1,3}[.)])")
_STOP = re.compile(r"\w[.!?](?=\s|$)|[\u3002\uff01\uff1f]")
_CLOSED = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u0964)\]}\"'\u201d\u00bb`*|>\u300d:]$")


def ending_signals(
    answer: str, parts: Layout, *, tool_calls: int, finish_reason: str
) -> Iterator[Signal]:
    """Find an answer that is empty, filtered or cut off.

    `finish_reason` is the provider's, as in `Completion`; without "length" the text itself must
    show that it was cut.
    """
    if finish_reason == "content_filter":
        yield Signal("filtered", 1.0, "was stopped by a content filter")
    if finish_reason == "length":
        yield Signal("truncated", 1.0, "stopped at the token limit")
    if not "".join(answer.split()).strip(".\u2026*_-\u2013\u2014"):
        if not tool_calls:
            yield Signal("empty", 1.0, "is empty")
        return
    strength = 0.0 if finish_reason == "length" or tool_calls else _cut_off(answer, parts)
    if strength:
        yield Signal("truncated", strength, "seems cut off at its end")


def _cut_off(answer: str, parts: Layout) -> float:
    if parts.blocks and not parts.blocks[-1].closed:
        return 0.8
    last = fold(answer.rstrip().rpartition("\n")[2][-80:])
    if len(answer) < 120 or _CLOSED.search(last):
        return 0.0
    final = re.findall(r"\w+$", last)
    if _OPEN_SIGN.search(last) or (final and final[0] in words("endings", "open")):
        return 0.8
    # A list or a heading may end without a full stop; in a text with full stops, prose may not.
    line = answer.rstrip().rpartition("\n")[2]
    prose = len(line.split()) >= 4 and not _MARKED.match(line)
    return 0.3 if prose and _STOP.search(answer) else 0.0
