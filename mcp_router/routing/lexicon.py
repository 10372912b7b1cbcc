"""The lexicon: words and phrases of many languages and what each speaks for, from cues.json.

Entries of the file are folded as prompts are (lower case, no accents), separated by "; ", with a
single blank between words. "*" ends a stem. Under "cjk" stand substrings, for scripts that put no
blanks between words.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
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
"""By their second word: what follows it, longest first."""
Wide = Mapping[str, tuple[tuple[str, Cues], ...]]
"""Substrings by their first sign."""

# Words that open phrases and come up in prompts are few; each takes about a kilobyte.
_MOST_OPENED = 512


class Lexicon(NamedTuple):
    """The compiled entries.

    `phrases` are found by their first word and written close, for `opened` to read: as values
    they take a megabyte, and a prompt needs few of them. `wide`, for scripts that put no blanks
    between words, is written so as well; `wide_cues` reads it. Both name their cues by the place
    in `cues`. `stems` are found by their first four letters. `tables` give the weight of each
    pair, class and mark for each task type.
    """

    words: Mapping[str, Cues]
    phrases: Mapping[str, str]
    stems: Mapping[str, tuple[tuple[str, Cues], ...]]
    wide: str
    cues: tuple[Cue, ...]
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


class _Sorted(NamedTuple):
    """The entries by what they are: words, stems, and phrases and substrings written close."""

    words: dict[str, Cues]
    stems: dict[str, Cues]
    phrases: dict[str, str]
    wide: str
    cues: tuple[Cue, ...]


@cache
def lexicon() -> Lexicon:
    """Load and compile the lexicon on first use; it never changes afterwards."""
    raw: _File = json.loads(Path(__file__).with_name("cues.json").read_text("utf-8"))
    entries = _sorted_out(raw)
    return Lexicon(
        words=entries.words,
        phrases=entries.phrases,
        stems=_by_first_letters(entries.stems),
        wide=entries.wide,
        cues=entries.cues,
        tables={"pairs": raw["pairs"], "solo": raw["solo"], "marks": raw["marks"]},
        priors=raw["priors"],
        negators=frozenset(raw["negators"].split("; ")),
        openers=frozenset(raw["openers"].split("; ")),
        stopwords=_by_word(raw["stopwords"]),
    )


def _sorted_out(raw: _File) -> _Sorted:
    words: dict[str, Cues] = {}
    stems: dict[str, Cues] = {}
    phrases: dict[str, str] = defaultdict(str)
    wide: list[str] = []
    # Thousands of words say the same few hundred things, which are kept once.
    same: dict[Cues, Cues] = {}
    cues: list[Cue] = []
    for listed, cue in _entries(raw):
        for phrase in listed.split("; "):
            first, _, rest = phrase.partition(" ")
            if cue.language == "cjk":
                wide.append(f"{phrase}:{len(cues)};")
            elif rest:
                phrases[first] += f"{rest}:{len(cues)};"
            else:
                into = stems if first[-1] == "*" else words
                said = (*into.get(first, ()), cue)
                into[first] = same.setdefault(said, said)
        cues.append(cue)
    return _Sorted(words, stems, dict(phrases), "".join(wide), tuple(cues))


@lru_cache(maxsize=_MOST_OPENED)
def opened(written: str) -> Phrases:
    """Read the phrases that one word opens, as the lexicon has them."""
    found = _read(written)
    phrases: dict[str, tuple[tuple[tuple[str, ...], Cues], ...]] = {}
    for phrase in sorted(found, key=len, reverse=True):
        second, *rest = phrase.split(" ")
        phrases[second] = (*phrases.get(second, ()), (tuple(rest), found[phrase]))
    return phrases


@cache
def wide_cues() -> Wide:
    """Read the substrings of the lexicon when a prompt first needs them."""
    signs: dict[str, list[tuple[str, Cues]]] = defaultdict(list)
    for key, cues in _read(lexicon().wide).items():
        signs[key[0]].append((key, cues))
    return {sign: tuple(found) for sign, found in signs.items()}


def _read(written: str) -> dict[str, Cues]:
    cues = lexicon().cues
    found: dict[str, Cues] = {}
    for entry in written[:-1].split(";"):
        key, _, place = entry.rpartition(":")
        found[key] = (*found.get(key, ()), cues[int(place)])
    return found


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


def _by_first_letters(listed: Mapping[str, Cues]) -> dict[str, tuple[tuple[str, Cues], ...]]:
    stems: dict[str, list[tuple[str, Cues]]] = defaultdict(list)
    for stem in sorted(listed, key=len, reverse=True):
        stems[stem[:STEM]].append((stem[:-1], listed[stem]))
    return {letters: tuple(found) for letters, found in stems.items()}


def _by_word(stopwords: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    languages: dict[str, list[str]] = defaultdict(list)
    for language, listed in stopwords.items():
        for word in listed.split("; "):
            languages[word].append(language)
    return {word: tuple(found) for word, found in languages.items()}
