"""Cues: the words and phrases of a prompt that speak for a kind of task, found in one pass."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mcp_router.routing.lexicon import (
    STEM,
    WIDE,
    Cue,
    Cues,
    Lexicon,
    lexicon,
    opened,
    wide_cues,
)
from mcp_router.types import TaskType

_WORDS = r"\w+(?:'\w+)*[+#]*|[.!?:;](?=\s|$)|[\u3002\uff01\uff1f]"
_BREAKS = frozenset(".!?;:\n\u3002\uff01\uff1f")
_VERBS = frozenset({"make", "add", "design", "fix", "review", "improve", "explain"})
# A verb takes an object at most this many words away; before it, in verb-final languages, fewer.
_REACH = 10
_REACH_BACK = 4
_CLOSE = 7
_VERBS_FIRST = 30
_VERBS_LAST = 10
# Words at the start and end of a prompt say what is asked; the middle is mostly material.
_ZONE = 40
_ZONE_WIDE = 160
_MIDDLE = 0.4
# How often a word is looked at before the end of a prompt.
_OFTEN = 4
# Words that are read at the start and at the end of a long prompt.
_HEAD = 320
_TAIL = 160
_LATIN = ("de", "fr", "es", "it", "pt", "nl", "pl", "tr", "id", "vi")
_SURE_WORDS = 4
# A clause that asks is at most this long, and this many common words tell its language.
_CLAUSE = 24
_ASKED_WORDS = 2


class Evidence(NamedTuple):
    """One thing that speaks for task types, how strongly, and how to say it to a person.

    `table` is where its weights stand ("pairs", "solo", "marks"); for "types" the name is the
    task type itself and the strength its weight.
    """

    table: str
    name: str
    strength: float
    says: str


class Found(NamedTuple):
    """What one pass over a text finds; `traits` are summed weights, `said` their phrases.

    `tokens` are its words and marks of punctuation, in order.
    """

    evidence: tuple[Evidence, ...] = ()
    traits: Mapping[str, float] = {}
    said: Mapping[str, tuple[str, ...]] = {}
    languages: Mapping[str, float] = {}
    tokens: Sequence[str] = ()


_Said = tuple[float, str]


class _Hit(NamedTuple):
    at: int
    sentence: int
    cue: Cue
    phrase: str
    factor: float


def find_cues(prose: str) -> Found:
    """Find the cues of folded prose in one pass over its words."""
    lex = lexicon()
    tokens = tuple(_tokens(prose))
    if not tokens:
        return Found()
    if len(tokens) > _HEAD + _TAIL:
        tokens = (*tokens[:_HEAD], "\n", *tokens[-_TAIL:])
    spoken = _spoken(tokens, lex=lex)
    foreign = _foreign(spoken) - _asked_in(tokens, lex=lex)
    hits = [*_word_hits(tokens, lex=lex, foreign=foreign), *_wide_hits(prose)]
    lead = _lead(tokens, hits, lex=lex)
    standings = _standings(hits, lead)
    evidence = (*_type_evidence(hits, standings), *_class_evidence(hits, standings))
    traits, said = _traits(hits)
    return Found(evidence, traits, said, _languages(spoken, hits), tokens)


def _tokens(prose: str) -> list[str]:
    """Find the words, the marks that end a clause and the ends of lines, in order."""
    tokens: list[str] = []
    known: dict[str, list[str]] = {}
    for line in prose.split("\n"):
        for piece in line.split():
            # Most pieces between blanks are one word; only the others are worth a pattern.
            if piece.isalnum():
                tokens.append(piece)
                continue
            found = known.get(piece)
            if found is None:
                known[piece] = found = re.findall(_WORDS, piece)
            tokens += found
        tokens.append("\n")
    # The last line has no end.
    tokens.pop()
    return tokens


def _spoken(tokens: Sequence[str], *, lex: Lexicon) -> Mapping[str, int]:
    """Count the commonest words of each language."""
    votes: dict[str, int] = defaultdict(int)
    times = Counter(tokens)
    for token in times.keys() & lex.stopwords.keys():
        for language in lex.stopwords[token]:
            votes[language] += times[token]
    return votes


def _foreign(spoken: Mapping[str, int]) -> frozenset[str]:
    """List the languages whose words are surely not meant, such as "plane" as German in English."""
    most = max(spoken.values(), default=0)
    if most < _SURE_WORDS:
        return frozenset()
    return frozenset(name for name in _LATIN if 2 * spoken.get(name, 0) < most) - {"en"}


def _asked_in(tokens: Sequence[str], *, lex: Lexicon) -> frozenset[str]:
    """List the languages of the first and the last clause: material between may be of another."""
    found: set[str] = set()
    for clause in (_clause(tokens[:_CLAUSE]), _clause(tokens[: -_CLAUSE - 1 : -1])):
        votes: dict[str, int] = defaultdict(int)
        for token in clause:
            for language in lex.stopwords.get(token, ()):
                votes[language] += 1
        most = max(votes.values(), default=0)
        if most >= _ASKED_WORDS and most > votes["en"]:
            found.update(name for name in votes if votes[name] == most)
    return frozenset(found)


def _clause(tokens: Sequence[str]) -> Sequence[str]:
    """Cut a run of words at the first mark that ends a clause after a word."""
    words = [at for at, token in enumerate(tokens) if token not in _BREAKS]
    start = words[0] if words else 0
    end = next((at for at in range(start, len(tokens)) if tokens[at] in _BREAKS), len(tokens))
    return tokens[start:end]


def _word_hits(tokens: tuple[str, ...], *, lex: Lexicon, foreign: frozenset[str]) -> Iterator[_Hit]:
    sentence = covered = 0
    size = len(tokens)
    words = set(tokens) - _BREAKS
    negators = lex.negators & words
    telling = _telling(words, lex=lex, foreign=foreign)
    # Most words say nothing, and said often a word says no more; they must cost next to nothing.
    left = dict.fromkeys(telling, _OFTEN)
    for at, token in enumerate(tokens):
        if token not in telling:
            sentence += token in _BREAKS
            continue
        left[token] -= 1
        if left[token] < 0 and at < size - _ZONE:
            continue
        length = 1
        cues, following = telling[token]
        # Most neighbours are nowhere in what is written, which is quicker to see than to read.
        if following is not None and at + 1 < size and tokens[at + 1] in following:
            length, cues = _longest(tokens, at, single=cues, following=following)
        if not cues or (negators and not negators.isdisjoint(tokens[max(0, at - 2) : at])):
            continue
        if length > 1:
            covered = max(covered, at + length)
            token = " ".join(tokens[at : at + length])
            cues = _native(cues, foreign)
        elif at < covered:
            cues = tuple([cue for cue in cues if _is_thing(cue)])
        factor = 1.0 if at < _ZONE or at >= size - _ZONE else _MIDDLE
        for cue in cues:
            yield _Hit(at, sentence, cue, token, factor)


def _telling(
    words: Iterable[str], *, lex: Lexicon, foreign: frozenset[str]
) -> dict[str, tuple[Cues, str | None]]:
    """Look up what words say by themselves and which phrases they open, if anything."""
    telling: dict[str, tuple[Cues, str | None]] = {}
    for word in words:
        cues, phrases = _single(word, lex=lex), lex.phrases.get(word)
        if cues or phrases is not None:
            telling[word] = _native(cues, foreign), phrases
    return telling


def _native(cues: Cues, foreign: frozenset[str]) -> Cues:
    """Leave out what words say in languages that are not spoken here."""
    return tuple([cue for cue in cues if cue.language not in foreign]) if foreign else cues


def _is_thing(cue: Cue) -> bool:
    """Tell a thing that something is done to: all that a single word inside a phrase can be."""
    return cue.kind == "class" and cue.label not in _VERBS


def _longest(tokens: tuple[str, ...], at: int, *, single: Cues, following: str) -> tuple[int, Cues]:
    """Look up the longest phrase that starts here; returns its length in words and its cues.

    A phrase keeps the classes of its first word, so that "review this code" stays a review.
    """
    for rest, cues in opened(following).get(tokens[at + 1], ()):
        if not rest or tokens[at + 2 : at + 2 + len(rest)] == rest:
            return len(rest) + 2, (*cues, *(cue for cue in single if cue.kind == "class"))
    return 1, single


def _single(token: str, *, lex: Lexicon) -> Cues:
    """Look up what a word says by itself."""
    found = lex.words.get(token)
    if found:
        return found
    for stem, cues in lex.stems.get(token[:STEM], ()):
        if token.startswith(stem):
            return cues
    return ()


def _wide_hits(prose: str) -> Iterator[_Hit]:
    if prose.isascii() or not re.search(WIDE, prose):
        return
    wide = wide_cues()
    # In the order of the text: sets of strings have none that lasts.
    for sign in dict.fromkeys(prose):
        for key, cues in wide.get(sign, ()):
            at = prose.find(key)
            if at >= 0:
                close = at < _ZONE_WIDE or prose.find(key, -_ZONE_WIDE) >= 0
                for cue in cues:
                    # Positions count in words elsewhere: two signs make about one.
                    yield _Hit(at // 2, 0, cue, key.strip(), 1.0 if close else _MIDDLE)


def _lead(tokens: Sequence[str], hits: Sequence[_Hit], *, lex: Lexicon) -> _Hit | None:
    """Find the cue that opens the ask: the first one after words of politeness."""
    first = next(
        (
            at
            for at, token in enumerate(tokens)
            if token not in lex.openers and token not in _BREAKS
        ),
        len(tokens),
    )
    opening = [
        hit
        for hit in hits
        if hit.at <= first + 1
        and (hit.cue.kind == "class" or hit.cue.weight >= 2.0)
        # "What is" opens questions of every kind.
        and hit.cue.label != TaskType.FACTUAL
    ]
    return min(opening, key=lambda hit: hit.at, default=None)


def _standings(hits: Sequence[_Hit], lead: _Hit | None) -> list[float]:
    """Weigh hits by where they stand: the opening most, what is far from it less."""
    if lead is None:
        return [hit.factor for hit in hits]
    start, sentence = lead.at, lead.sentence
    standings: list[float] = []
    for hit in hits:
        ahead, standing = hit.at - start, hit.factor
        if ahead == 0:
            standing *= 1.5
        elif ahead > 0 and (ahead > _CLOSE or hit.sentence != sentence):
            standing *= 0.7
        standings.append(standing)
    return standings


def _type_evidence(hits: Sequence[_Hit], standings: Sequence[float]) -> Iterator[Evidence]:
    best: dict[tuple[str, str], float] = {}
    for hit, standing in zip(hits, standings, strict=True):
        cue = hit.cue
        if cue.kind == "type":
            key = (cue.label, hit.phrase)
            best[key] = max(best.get(key, 0.0), cue.weight * standing)
    for (label, phrase), strength in best.items():
        yield Evidence("types", label, strength, f'mentions "{phrase}"')


def _class_evidence(hits: Sequence[_Hit], standings: Sequence[float]) -> Iterator[Evidence]:
    classes = [pair for pair in zip(hits, standings, strict=True) if pair[0].cue.kind == "class"]
    classes.sort(key=lambda pair: pair[0].at)
    best: dict[str, _Said] = {}
    for verb, thing, strength in _done(classes):
        name = f"{verb.cue.label} {thing.cue.label}"
        known = best.get(name)
        if known is None or strength >= known[0]:
            said = (strength, f'asks to "{verb.phrase} … {thing.phrase}"')
            best[name] = said if known is None else max(known, said)
    for name, (strength, says) in best.items():
        yield Evidence("pairs", name, strength, says)
    best = {}
    for hit, standing in classes:
        name = hit.cue.label
        known = best.get(name)
        if known is None or standing >= known[0]:
            said = (standing, f'says "{hit.phrase}"')
            best[name] = said if known is None else max(known, said)
    for name, (strength, says) in best.items():
        yield Evidence("solo", name, strength, says)


def _done(classes: Sequence[tuple[_Hit, float]]) -> Iterator[tuple[_Hit, _Hit, float]]:
    """Pair verbs with what they are done to, and say how much a pair counts."""
    verbs: list[tuple[_Hit, float]] = []
    things: dict[int, list[_Hit]] = defaultdict(list)
    for pair in classes:
        hit = pair[0]
        if hit.cue.label in _VERBS:
            verbs.append(pair)
        else:
            things[hit.sentence].append(hit)
    # In a very long ask the first and last verbs say it; every pair would cost too much.
    for verb, standing in (*verbs[:_VERBS_FIRST], *verbs[_VERBS_FIRST:][-_VERBS_LAST:]):
        for rank, thing in enumerate(_objects(verb, things.get(verb.sentence, ()))):
            yield verb, thing, standing if rank == 0 else 0.25 * standing


def _objects(verb: _Hit, things: Sequence[_Hit]) -> list[_Hit]:
    """List what a verb of the same sentence may be done to, nearest first.

    That is what comes after it, else what stands shortly before it.
    """
    near = [t for t in things if t.phrase != verb.phrase]
    after = [t for t in near if 0 <= t.at - verb.at <= _REACH]
    return after or [t for t in reversed(near) if 0 < verb.at - t.at <= _REACH_BACK]


def _traits(hits: Sequence[_Hit]) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    seen: dict[str, dict[str, float]] = defaultdict(dict)
    for hit in hits:
        if hit.cue.kind == "trait":
            seen[hit.cue.label][hit.phrase] = hit.cue.weight * hit.factor
    totals = {label: sum(phrases.values()) for label, phrases in seen.items()}
    return totals, {label: tuple(phrases) for label, phrases in seen.items()}


def _languages(spoken: Mapping[str, int], hits: Sequence[_Hit]) -> dict[str, float]:
    votes: dict[str, float] = defaultdict(float, spoken)
    for hit in hits:
        votes[hit.cue.language] += 0.5
    return votes
