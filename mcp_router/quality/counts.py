"""Whether an answer has as many points, sentences, paragraphs or words as were asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from mcp_router.quality.numerals import numeral, numeral_words
from mcp_router.quality.tables import alternatives, table

_ITEM = re.compile(
    r"^(\s*)(#{1,4}\s|[-*+\u2022\u2013\u25e6]\s+|\(?\d{1,3}[.):](?=\s|[^\W\d])|\*\*\d{1,3}[.)]"
    r"|\*\*(?=\w)|[a-z][.)]\s)"
)
_SENTENCE = re.compile(r"[.!?\u2026][\"')\]*]*(?=\s|$)|[\u3002\uff01\uff1f]")
_NOT_AN_END = re.compile(
    r"\b(?:mr|mrs|dr|prof|st|vs|etc|e\.g|i\.e|z\.b|d\.h|no|nr|approx|u\.s|[a-z]|\d+)\.$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


class Wanted(NamedTuple):
    """A count that was asked for: of what, between which bounds; None leaves an end open."""

    what: str
    least: int | None
    most: int | None


def miscounts(folded: str, prose: str) -> Iterator[tuple[float, str]]:
    """Compare an answer's prose with the counts that a folded ask names; strength and problem."""
    for wanted in counts_wanted(folded):
        strength, problem = _miscount(wanted, prose)
        if strength:
            yield strength, problem


def counts_wanted(folded: str) -> tuple[Wanted, ...]:
    """Find the counts of points, sentences, paragraphs and words that a folded ask names."""
    found: dict[str, Wanted] = {}
    for match in _counts().finditer(folded):
        low, high = numeral(match["low"]), numeral(match["high"] or "")
        if low is None:
            continue
        what = next((name for name in table("asks")["counted"] if match[name]), "points")
        least, most = _bounds(folded[max(0, match.start("low") - 30) : match.start("low")])
        # Two counts of the same thing speak of different parts: neither can be checked.
        wanted = Wanted(what, None if most else low, None if least else high or low)
        found[what] = Wanted(what, None, None) if what in found else wanted
    return tuple(wanted for wanted in found.values() if wanted[1:] != (None, None))


def _bounds(before: str) -> tuple[bool, bool]:
    """Tell whether the words before a number make it the least, or the most, that is wanted."""
    least, most = (
        re.search(rf"(?:{alternatives('asks', 'parts', side)})\s*$", before)
        for side in ("least", "most")
    )
    return least is not None, most is not None


def list_sizes(prose: str) -> frozenset[int]:
    """Count the outermost items of the lists in a text, in every way a person might count them.

    Numbers, bullets, headings and bold beginnings each may be the points, or all marks together.
    """
    marks = [found for line in prose.splitlines() if (found := _ITEM.match(line))]
    margin = min((len(mark[1]) for mark in marks), default=0)
    outer = [mark[2] for mark in marks if len(mark[1]) <= margin + 1]
    styles = Counter(_style(mark) for mark in outer)
    lists = sum(count for style, count in styles.items() if style in {"1", "-"})
    return frozenset({*styles.values(), lists} - {0})


def plain_list_sizes(prose: str) -> frozenset[int]:
    """Count the lines of a text, and its parts between commas: a list may do without marks."""
    lines = sum(bool(line.strip()) for line in prose.splitlines())
    commas = len(re.split(r"[,;\u3001\uff0c]|\b(?:and|und|et|y|e|en|i)\b", prose.strip(" .")))
    return frozenset({lines, commas} - {1})


def sentence_count(prose: str) -> int:
    """Count sentences, leaving abbreviations and list numbers out."""
    count, last = 0, 0
    text = prose.strip()
    for match in _SENTENCE.finditer(text):
        if not _NOT_AN_END.search(text[max(last, match.start() - 8) : match.start() + 1]):
            count += 1
            last = match.end()
    return count + bool(re.search(r"\w{2}", text[last:]))


def _miscount(wanted: Wanted, prose: str) -> tuple[float, str]:
    what, least, most = wanted
    counts = _counted(what, prose)
    unlisted = what == "points" and not counts
    if unlisted:
        counts = plain_list_sizes(prose)
    if what == "words":
        # "About 200 words" is met by anything near it.
        least, most = least and int(least * 0.6), most and int(most * 1.25) + 3
    elif what == "sentences":
        # Sentences cannot be counted exactly by their full stops.
        least, most = least and least - least // 4, most and most + 1 + most // 4
    fits = any((least or 0) <= count <= (most or count) for count in counts)
    # Without any list the points may stand in the running text, if it is long enough.
    if fits or (unlisted and len(prose.split()) >= 8 * (least or 0)):
        return 0.0, ""
    said = max(counts, default=0)
    return 0.7 if unlisted else 1.0, f"has {said} {what}, not {wanted.least or wanted.most}"


def _counted(what: str, prose: str) -> frozenset[int]:
    if what == "points":
        return list_sizes(prose)
    if what == "sentences":
        return frozenset({sentence_count(prose)})
    if what == "paragraphs":
        parts = re.split(r"\n\s*\n", prose.strip())
        return frozenset({sum(bool(part.strip()) for part in parts)})
    return frozenset({len(_WORD.findall(prose))})


def _style(mark: str) -> str:
    if mark.startswith(("#", "**")):
        return "1" if mark.strip("*#")[:1].isdigit() else mark[0]
    return "1" if re.search(r"\w", mark) else "-"


@cache
def _counts() -> re.Pattern[str]:
    def part(name: str) -> str:
        return alternatives("asks", "parts", name)

    names = table("asks")["counted"]
    nouns = "|".join(f"(?P<{name}>{alternatives('asks', 'counted', name)})" for name in names)
    spelled = "|".join(sorted(numeral_words(), key=len, reverse=True))
    number = rf"(?:\d{{1,5}}|{spelled})"
    # What makes a count an instruction is the word before it: "in three points", not "between two
    # points"; after "list" anything may be counted.
    ordered = rf"\b(?:{part('before')})\b[^.?!\n]{{0,15}}?"
    limited = rf"\b(?:{part('most')}|{part('least')})\s+"
    return re.compile(
        rf"(?:{ordered}|{limited}|\b(?P<any>{part('list')})\s+(?:me |us |mir |moi )?)"
        rf"(?:exactly |genau |exactement )?(?<![\w.])(?P<low>{number})"
        rf"(?:\s?(?:-|to|bis|a|or|oder|ou|o)\s?(?P<high>{number}))?"
        rf"(?:\s|-)(?:(?:[\w-]+\s){{0,2}}?(?:{nouns})\b|(?(any)\w|(?!)))"
    )
