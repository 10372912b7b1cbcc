"""What an answer says in its own voice: without code, quotations and what it cites."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from mcp_router.routing.text import fold

_HEAD = 4_000
_TAIL = 1_500
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n`]*$")


class Block(NamedTuple):
    """A fenced piece of an answer; `language` is what its fence names, lower case, or ""."""

    language: str
    text: str
    closed: bool


class Layout(NamedTuple):
    """An answer taken apart: the text between the fences, and what stands within them."""

    prose: str
    blocks: tuple[Block, ...]


def layout(answer: str) -> Layout:
    """Separate the fenced blocks of an answer from its prose; an open fence runs to the end."""
    prose: list[str] = []
    blocks: list[Block] = []
    fence, language, inside = "", "", list[str]()
    for line in answer.splitlines():
        found = _FENCE.match(line)
        if not fence and found:
            fence, language, inside = found[1], found[2].lower(), []
        elif fence and found and found[1].startswith(fence) and not found[2]:
            blocks.append(Block(language, "\n".join(inside), closed=True))
            fence = ""
        else:
            (inside if fence else prose).append(line)
    if fence:
        blocks.append(Block(language, "\n".join(inside), closed=False))
    return Layout("\n".join(prose), tuple(blocks))


def spoken_sentences(prose: str) -> tuple[str, ...]:
    """Return the folded sentences at both ends of a text that quote nobody, each at most 300 long.

    Only the first 4,000 and last 1,500 characters are read: what an answer thinks of itself it
    says at its beginning or its end.
    """
    if len(prose) > _HEAD + _TAIL:
        prose = f"{prose[:_HEAD]}\n{prose[-_TAIL:]}"
    own = _own_words(prose)
    pieces = (piece.strip(" \t*_#-\u2022>\"'") for piece in _ends().split(fold(own)))
    return tuple(piece[:300] for piece in pieces if piece)


def _own_words(prose: str) -> str:
    text = prose.strip()
    quoted = _quotes()
    if (whole := quoted.fullmatch(text)) is not None:
        # The answer as a whole stands in quotation marks: they are decoration then.
        text = whole[0][1:-1]
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(">"))
    return quoted.sub(" \u2026 ", "\n".join(lines))


@cache
def _quotes() -> re.Pattern[str]:
    pairs = ('""', "\u201c\u201d", "\u201e\u201c", "\u201e\u201d", "\u00ab\u00bb", "\u300c\u300d")
    inner = [f"{pair[0]}[^{pair}]{{1,600}}{pair[1]}" for pair in pairs]
    inner += [
        r"(?<!\w)['\u2018](?:[^'\u2018\u2019\n]|(?<=\w)['\u2019](?=\w)){2,200}['\u2019](?!\w)",
        r"`[^`\n]{1,200}`",
    ]
    return re.compile("|".join(inner))


@cache
def _ends() -> re.Pattern[str]:
    return re.compile(r"(?<=[.!?\u2026])[\"')\]*]*\s+|[\u3002\uff01\uff1f\u0964]|\n+")
