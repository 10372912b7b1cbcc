"""What a request asks for, as far as the form of a good answer depends on it."""

from __future__ import annotations

import re
from typing import NamedTuple

from mcp_router.quality.phrases import refusal_pattern
from mcp_router.quality.tables import pattern
from mcp_router.routing.text import fold, head_and_tail, message_text
from mcp_router.types import Request


class Asked(NamedTuple):
    """What a request asks for.

    `text` is the last user message (head and tail of a long one), `folded` the same without case
    and accents, `system` the folded start of the system prompt. `codes` says that code is spoken
    of, `drafts` that words of somebody else are wanted (a letter, a story, a translation),
    `declines` that these may well refuse something, `repeats` that repetition is wanted.
    """

    text: str
    folded: str
    system: str
    codes: bool
    drafts: bool
    declines: bool
    repeats: bool


def asked(request: Request) -> Asked:
    """Read what form the answer to a request should have."""
    people = (message for message in reversed(request.messages) if message.role == "user")
    text = next((found for message in people if (found := message_text(message)).strip()), "")
    system = next((message_text(m) for m in request.messages if m.role == "system"), "")
    text = head_and_tail(text)
    folded = fold(text)
    codes = _is("codes", folded)
    return Asked(
        text=text,
        folded=folded,
        system=fold(system[:2_000]),
        codes=codes,
        drafts=not codes and _is("drafts", folded),
        declines=_is("declines", folded) or _quotes_refusal(folded),
        repeats=_is("repeats", folded),
    )


def _quotes_refusal(folded: str) -> bool:
    pieces = re.split(r"[.!?\n:\"\u201c\u201e\u00ab]\s*", folded)
    return any(refusal_pattern(sure=False).match(piece[:300]) for piece in pieces[:50])


def _is(kind: str, folded: str) -> bool:
    return pattern("asks", "kinds", kind).search(folded) is not None
