"""In which language an answer is written, and in which it should be."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from mcp_router.quality.asked import Asked
from mcp_router.quality.signals import Signal
from mcp_router.quality.tables import alternatives, pattern, table, words
from mcp_router.routing.text import fold

_READ = 4_000
_SCRIPTS = (
    ("ko", r"[\uac00-\ud7af]"),
    ("zh", r"[\u3400-\u9fff]"),
    ("ru", r"[\u0400-\u04ff]"),
    ("el", r"[\u0370-\u03ff]"),
    ("ar", r"[\u0600-\u06ff]"),
    ("he", r"[\u0590-\u05ff]"),
    ("hi", r"[\u0900-\u097f]"),
    ("th", r"[\u0e00-\u0e7f]"),
)


def language_signal(asked: Asked, prose: str) -> Signal | None:
    """Find an answer in another language than was asked for, or than the question's own.

    Says nothing where either language is unsure, a text is short, or the ask is about languages.
    """
    wanted = _wanted(asked)
    found = language_of(prose) if wanted else None
    if found is None or found in wanted:
        return None
    return Signal("language", 1.0, f"is written in {found}, not {' or '.join(sorted(wanted))}")


def language_of(text: str) -> str | None:
    """Name the language of a text as an ISO 639-1 code; None when nothing tells for sure."""
    text = text[:_READ]
    letters = len(re.findall(r"[^\W\d_]", text))
    if not text.isascii() and letters >= 6:
        kana = len(re.findall(r"[\u3040-\u30ff]", text))
        if kana >= 0.15 * letters:
            return "ja"
        for language, script in _SCRIPTS:
            if len(re.findall(script, text)) >= 0.5 * letters:
                return _cyrillic(text) if language == "ru" else language
    found = re.findall(r"[^\W\d_]+", fold(text))
    return _by_words(Counter(found), marks=text.lower()) if len(found) >= 5 else None


def _by_words(counts: Counter[str], *, marks: str) -> str | None:
    votes: dict[str, float] = dict.fromkeys(table("words")["common"], 0.0)
    common = _common_words()
    for word, times in counts.items():
        languages = common.get(word, ())
        for language in languages:
            votes[language] += times / len(languages)
    # No letter that tells a language is one of ASCII.
    for language in () if marks.isascii() else table("words")["letters"]:
        votes[language] += sum(letter in marks for letter in words("letters", language))
    (most, best), (next_most, _) = heapq.nlargest(
        2, ((share, name) for name, share in votes.items())
    )
    few = counts.total() < 12
    # A foreign title in a short question must not decide: "Who wrote Les Misérables?"
    sure = (
        most >= (2.0 if few else 0.12 * counts.total()) and most >= (2 if few else 1.5) * next_most
    )
    return best if sure and not (few and best != "en" and votes["en"] >= 1) else None


def _cyrillic(text: str) -> str | None:
    # Ukrainian, Bulgarian and Serbian share the script; only Russian has these letters.
    return "ru" if re.search(r"[ыэё]", text) else None


def _wanted(asked: Asked) -> frozenset[str]:
    """Say which languages the answer may be in; empty when that cannot be told."""
    order = pattern("asks", "asks", "order")
    every = [*_named(asked.folded), *_named(asked.system)]
    ordered = {name for name, end in every if order.search(end)}
    if ordered:
        return frozenset(ordered)
    if pattern("asks", "asks", "translates").search(asked.folded):
        return frozenset()
    own = language_of(asked.text)
    named = {name for name, _ in every}
    # "How do you say it in Chinese?" may be answered in either.
    return frozenset({own} | named) if own else frozenset()


def _named(text: str) -> list[tuple[str, str]]:
    """Find the languages that a folded text names, each with the text just before it."""
    return [
        (found.lastgroup or "", text[max(0, found.start() - 120) : found.start()])
        for found in _names().finditer(text)
    ]


@cache
def _names() -> re.Pattern[str]:
    # A boundary means nothing between the signs of Chinese.
    codes = table("words")["languages"]
    groups = (f"(?P<{code}>{alternatives('words', 'languages', code)})" for code in codes)
    return re.compile(
        rf"(?:\b|(?<=[\u3000-\u9fff]))(?:{'|'.join(groups)})(?:\b|(?=[\u3000-\u9fff]))"
    )


@cache
def _common_words() -> Mapping[str, tuple[str, ...]]:
    every: dict[str, tuple[str, ...]] = {}
    for language in table("words")["common"]:
        for word in sorted(words("common", language)):
            every[word] = (*every.get(word, ()), language)
    return every
