"""Signs in the wording of an answer: it refuses, hedges, or asks back instead of answering."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mcp_router.quality.asked import Asked
from mcp_router.quality.phrases import refusal_pattern
from mcp_router.quality.signals import Signal
from mcp_router.quality.tables import pattern
from mcp_router.quality.voice import Layout, spoken_sentences

# In characters: an answer this long after "I can't do X" has mostly done something else.
_SUBSTANCE = 700
_SHORT = 600
# A letter or a story is rarely as short as this, a refusal to write one often is.
_CURT = 250
# More than this beside a question asked back is an answer.
_PREAMBLE = 60
_COURTESY = re.compile(r"\b(?:help|need|happy|sure|of course|glad)\b")


def wording_signals(asked: Asked, answer: Layout) -> Iterator[Signal]:
    """Find refusals, hedges and questions asked back in what an answer says of itself.

    Quotations and code do not count, nor do the words of a character, a letter or a translation
    that was asked for.
    """
    sentences = spoken_sentences(answer.prose)
    if not sentences:
        return
    refusal = _refusal(asked, answer, sentences)
    if refusal is not None:
        yield refusal
    if asked.drafts:
        return
    hedging = _hedging(sentences)
    if hedging is not None:
        yield hedging
    if len(answer.prose) <= _SHORT and not answer.blocks and refusal is None:
        back = pattern("phrases", "back", "patterns")
        others = sum(
            len(one) for one in sentences if not (back.search(one) or _COURTESY.search(one))
        )
        if others <= _PREAMBLE and any(back.search(sentence) for sentence in sentences):
            yield Signal("asks_back", 1.0, "asks for more information instead of answering")


def _refusal(asked: Asked, answer: Layout, sentences: Sequence[str]) -> Signal | None:
    if asked.drafts and (asked.declines or len(answer.prose) > _SHORT):
        return None
    refuses = refusal_pattern(sure=asked.drafts and len(answer.prose) > _CURT)
    place = next((at for at, text in enumerate(sentences) if refuses.match(text)), None)
    if place is None:
        return None
    # One that comes late, or stands beside code or a long text, refuses only a part.
    strength = 1.0 if place < 2 else 0.4
    if answer.blocks:
        strength *= 0.4
    elif len(answer.prose) > _SUBSTANCE:
        strength *= 0.6
    return Signal("refusal", strength, f'refuses: "{_quoted(sentences[place])}"')


def _hedging(sentences: Sequence[str]) -> Signal | None:
    strong = pattern("phrases", "strong", "patterns")
    weak = pattern("phrases", "weak", "patterns")
    sure = [text for text in sentences if strong.search(text)]
    soft = [text for text in sentences if weak.search(text) and text not in sure]
    # One doubt makes a short answer doubtful; one that says more may hold a few.
    plain = len(sentences) - len(sure) - len(soft)
    strength = min(1.0, (len(sure) + 0.3 * len(soft)) / (0.6 + 0.6 * plain))
    if strength < 0.15:
        return None
    return Signal("hedging", strength, f'is unsure: "{_quoted((sure or soft)[0])}"')


def _quoted(sentence: str) -> str:
    return sentence if len(sentence) <= 60 else sentence[:59].rstrip() + "\u2026"
