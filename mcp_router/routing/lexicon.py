"""The lexicon: words and phrases of many languages and what each speaks for, from cues.json.

Entries of the file are folded as prompts are (lower case, no accents), separated by "; ", with a
single blank between words. "*" ends a stem. Under "cjk" stand substrings, for scripts that put no
blanks between words.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict

WIDE = r"[\u0900-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
# The fewest letters a stem has.
STEM = 4

TypeWeights = Mapping[str, Mapping[str, float]]


class Cue(NamedTuple):
    """An entry: what a phrase speaks for, how strongly, and the language it was listed under."""

    kind: Literal["type", "class", "trait"]
    label: str
    weight: float
    language: str


Cues = tuple[Cue, ...]
Phrases = Mapping[str, tuple[tuple[tuple[str, ...], Cues], ...]]


class Lexicon(NamedTuple):
    """The compiled entries.

    `phrases` are found by their first word, then by their second, and hold what follows, longest
    first. `stems` are found by their first four letters. `wide` are substrings by
    first sign, for scripts that put no blanks between words. `tables` give the weight of each pair,
    class and mark for each task type.
    """

    words: Mapping[str, Cues]
    phrases: Mapping[str, Phrases]
    stems: Mapping[str, tuple[tuple[str, Cues], ...]]
    wide: Mapping[str, tuple[tuple[str, Cues], ...]]
    tables: Mapping[str, TypeWeights]
    priors: Mapping[str, float]
    negators: frozenset[str]
    openers: frozenset[str]
    stopwords: Mapping[str, tuple[str, ...]]


class _File(TypedDict):
    types: dict[str, dict[str, dict[str, str]]]
    traits: dict[str, dict[str, dict[str, str]]]
    classes: dict[str, dict[str, str]]
    pairs: dict[str, dict[str, float]]
    solo: dict[str, dict[str, float]]
    marks: dict[str, dict[str, float]]
    priors: dict[str, float]
    negators: str
    openers: str
    stopwords: dict[str, str]


@cache
def lexicon() -> Lexicon:
    """Load and compile the lexicon on first use; it never changes afterwards."""
    raw: _File = json.loads(Path(__file__).with_name("cues.json").read_text("utf-8"))
    spaced: dict[str, Cues] = {}
    wide: dict[str, Cues] = {}
    # Thousands of phrases say the same few hundred things, which are kept once.
    same: dict[Cues, Cues] = {}
    for listed, cue in _entries(raw):
        into = wide if cue.language == "cjk" else spaced
        for phrase in listed.split("; "):
            cues = (*into.get(phrase, ()), cue)
            into[phrase] = same.setdefault(cues, cues)
    single = {phrase: cues for phrase, cues in spaced.items() if " " not in phrase}
    return Lexicon(
        words=single,
        phrases=_by_first_words(spaced),
        stems=_by_first_letters(single),
        wide=_by_first_sign(wide),
        tables={"pairs": raw["pairs"], "solo": raw["solo"], "marks": raw["marks"]},
        priors=raw["priors"],
        negators=frozenset(raw["negators"].split("; ")),
        openers=frozenset(raw["openers"].split("; ")),
        stopwords=_by_word(raw["stopwords"]),
    )


def _entries(raw: _File) -> Iterator[tuple[str, Cue]]:
    for label, languages in raw["classes"].items():
        for language, listed in languages.items():
            yield listed, Cue("class", label, 1.0, language)
    for label, weights in raw["types"].items():
        for weight, languages in weights.items():
            for language, listed in languages.items():
                yield listed, Cue("type", label, float(weight), language)
    for label, weights in raw["traits"].items():
        for weight, languages in weights.items():
            for language, listed in languages.items():
                yield listed, Cue("trait", label, float(weight), language)


def _by_first_words(spaced: Mapping[str, Cues]) -> dict[str, Phrases]:
    phrases: dict[str, dict[str, tuple[tuple[tuple[str, ...], Cues], ...]]] = defaultdict(dict)
    for phrase in sorted((p for p in spaced if " " in p), key=len, reverse=True):
        first, second, *rest = phrase.split(" ")
        others = phrases[first].get(second, ())
        phrases[first][second] = (*others, (tuple(rest), spaced[phrase]))
    return dict(phrases)


def _by_first_letters(single: Mapping[str, Cues]) -> dict[str, tuple[tuple[str, Cues], ...]]:
    stems: dict[str, list[tuple[str, Cues]]] = defaultdict(list)
    for word in sorted((w for w in single if w.endswith("*")), key=len, reverse=True):
        stems[word[:STEM]].append((word[:-1], single[word]))
    return {letters: tuple(found) for letters, found in stems.items()}


def _by_first_sign(wide: Mapping[str, Cues]) -> dict[str, tuple[tuple[str, Cues], ...]]:
    signs: dict[str, list[tuple[str, Cues]]] = defaultdict(list)
    for key, cues in wide.items():
        signs[key[0]].append((key, cues))
    return {sign: tuple(found) for sign, found in signs.items()}


def _by_word(stopwords: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    languages: dict[str, list[str]] = defaultdict(list)
    for language, listed in stopwords.items():
        for word in listed.split("; "):
            languages[word].append(language)
    return {word: tuple(found) for word, found in languages.items()}
