"""The language a prompt is written in: by its script, else by the commonest words."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SCRIPTS = (
    ("ja", r"[\u3040-\u30ff]"),
    ("ko", r"[\uac00-\ud7af\u1100-\u11ff]"),
    ("zh", r"[\u3400-\u9fff]"),
    ("uk", r"[іїєґ]"),
    ("ru", r"[\u0400-\u04ff]"),
    ("el", r"[\u0370-\u03ff]{2}"),
    ("ar", r"[\u0600-\u06ff]"),
    ("he", r"[\u0590-\u05ff]"),
    ("hi", r"[\u0900-\u097f]"),
    ("th", r"[\u0e00-\u0e7f]"),
)
# Any sign of these; dashes, quotes and accents are far more frequent than they.
_ANY_SCRIPT = (
    r"[\u0370-\u04ff\u0590-\u06ff\u0900-\u097f\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff"
    r"\u3400-\u9fff\uac00-\ud7af]"
)


def detect_language(prose: str, *, votes: Mapping[str, float]) -> str:
    """Name the language of folded prose as an ISO 639-1 code; "en" when nothing tells.

    `votes` are the counts of known words per language. A script must fill a fair share of the
    letters: a quoted word does not make an English question Japanese.
    """
    if not prose.isascii() and re.search(_ANY_SCRIPT, prose):
        letters = len(re.findall(r"[^\W\d_]", prose))
        for language, script in _SCRIPTS:
            found = len(re.findall(script, prose))
            # Kana and Ukrainian letters are few even in their own languages.
            share = 0.05 if language in {"ja", "uk"} else 0.25
            if found and found >= share * letters and _fits(prose, language, letters):
                return language
    latin = {
        name: votes.get(name, 0.0) for name in ("en", "de", "fr", "es", "it", "pt", "nl", "pl")
    }
    best = max(latin, key=lambda name: latin[name])
    return best if latin[best] > latin["en"] else "en"


def _fits(prose: str, language: str, letters: int) -> bool:
    """Check that the rarer letters of Japanese and Ukrainian come with enough of their script."""
    whole = {"ja": r"[\u3040-\u30ff\u3400-\u9fff]", "uk": r"[\u0400-\u04ff]"}.get(language)
    return whole is None or len(re.findall(whole, prose)) >= 0.25 * letters
