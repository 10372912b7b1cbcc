"""Regular expressions that cannot be made to hang: matched in steps that grow with the text only.

Python's engine backtracks, and a pattern such as `(a+)+$` keeps it busy for years. Here a pattern
becomes a machine whose states advance together, one character at a time (Thompson 1968). What a
class, a character or an anchor means is still asked of Python's engine, one place at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_END = 0
_MOST_STATES = 2_000
_MOST_TEXT = 100_000
_MOST_STEPS = 500_000
_MOST_MOVES = 20_000
_DEEPEST = 50
_COUNT = re.compile(r"\{(?!\})(\d{0,4})(,?)(\d{0,4})\}")
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")
_FLAGS = re.compile(r"\(\?([aims]+)\)")
_ATOM = re.compile(
    r"\[\^?\]?(?:[^\]\\]|\\.)*\]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|0(?!\d)|[^0-9N])|[^\\()\[\]|*+?]",
    re.DOTALL,
)
_ANCHORS = frozenset({"^", "$", r"\b", r"\B", r"\A", r"\Z"})


class PatternError(ValueError):
    """A pattern is no regular expression, or needs what only backtracking gives."""


class _State(NamedTuple):
    """One step: an atom to match on the way to `ways`; without an atom the ways are free."""

    atom: re.Pattern[str] | None
    anchor: bool
    ways: tuple[int, ...]


class SafePattern:
    """A compiled pattern; immutable but for the memory of moves already worked out."""

    def __init__(self, states: Sequence[_State], *, start: int) -> None:
        self._states = tuple(states)
        self._start = start
        self._anchored = any(state.anchor for state in states)
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._atoms: dict[tuple[int, str], bool] = {}

    def search(self, text: str) -> bool | None:
        """Check whether the pattern matches anywhere; None where the text is too long to tell."""
        if len(text) > _MOST_TEXT:
            return None
        steps = 0
        current = frozenset({self._start})
        for at in range(len(text) + 1):
            reached = self._reach(current, text, at) if self._anchored or not at else current
            if _END in reached:
                return True
            sign = text[at : at + 1]
            move = reached, sign
            following = self._moves.get(move)
            if following is None:
                steps += len(reached)
                if steps > _MOST_STEPS:
                    return None
                following = self._step(reached, sign)
                if len(self._moves) < _MOST_MOVES:
                    self._moves[move] = following
            current = following
        return False

    def _step(self, reached: frozenset[int], sign: str) -> frozenset[int]:
        """Take one character, and stand at the start again, since a match may begin anywhere."""
        ways = {way for one in reached if self._takes(one, sign) for way in self._states[one].ways}
        current = frozenset({*ways, self._start})
        return current if self._anchored else self._reach(current, "", 0)

    def _reach(self, current: frozenset[int], text: str, at: int) -> frozenset[int]:
        """Add every state that can be reached without a character at this place."""
        todo, seen = list(current), set(current)
        while todo:
            atom, anchor, ways = self._states[todo.pop()]
            if atom is not None and not (anchor and atom.match(text, at)):
                continue
            todo += (fresh := [way for way in ways if way not in seen])
            seen.update(fresh)
        return frozenset(seen)

    def _takes(self, number: int, sign: str) -> bool:
        atom, anchor, _ = self._states[number]
        if atom is None or anchor or not sign:
            return False
        key = number, sign
        known = self._atoms.get(key)
        if known is None:
            known = atom.fullmatch(sign) is not None
            if len(self._atoms) < _MOST_MOVES:
                self._atoms[key] = known
        return known


@lru_cache(maxsize=64)
def safe_pattern(pattern: str) -> SafePattern:
    """Compile a pattern.

    Raises:
        PatternError: it is malformed or too large, or has a look-around or a back-reference.
    """
    try:
        re.compile(pattern)
        tree = _Reader(pattern).tree()
        states = [_State(None, anchor=False, ways=())]
        start = _build(tree, states, after=_END, work=[0])
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"{pattern!r} is no usable regular expression: {error}") from error
    return SafePattern(states, start=start)


class _Piece(NamedTuple):
    """An atom, or the alternatives of a group, and how often it may stand there in a row."""

    atom: re.Pattern[str] | None
    anchor: bool
    alternatives: tuple[tuple[_Piece, ...], ...]
    low: int
    high: int | None


class _Reader:
    """Reads a pattern from left to right into a tree."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        flags = _FLAGS.match(pattern)
        self.at = flags.end() if flags else 0
        self.flags = re.RegexFlag(0)
        for letter in flags[1] if flags else "":
            self.flags |= re.RegexFlag[letter.upper()]

    def tree(self) -> tuple[tuple[_Piece, ...], ...]:
        """Read the whole pattern."""
        return self._alternatives(depth=0)

    def _alternatives(self, *, depth: int) -> tuple[tuple[_Piece, ...], ...]:
        if depth > _DEEPEST:
            raise PatternError("the pattern nests too deeply")
        found = [tuple(self._sequence(depth))]
        while self.pattern[self.at : self.at + 1] == "|":
            self.at += 1
            found.append(tuple(self._sequence(depth)))
        return tuple(found)

    def _sequence(self, depth: int) -> Iterator[_Piece]:
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            if (group := _GROUP.match(self.pattern, self.at)) is not None:
                self.at = group.end()
                inner = self._alternatives(depth=depth + 1)
                self.at += 1
                yield _Piece(None, False, inner, *self._counts())
                continue
            atom = _ATOM.match(self.pattern, self.at)
            if atom is None:
                problem = "look-arounds, back-references and other extensions are not allowed"
                raise PatternError(f"{self.pattern!r}: {problem}")
            self.at = atom.end()
            compiled = re.compile(atom[0], self.flags)
            yield _Piece(compiled, atom[0] in _ANCHORS, (), *self._counts())

    def _counts(self) -> tuple[int, int | None]:
        sign = self.pattern[self.at : self.at + 1]
        if sign and sign in "*+?":
            self.at += 1
            counts = int(sign == "+"), 1 if sign == "?" else None
        elif (found := _COUNT.match(self.pattern, self.at)) is not None:
            self.at = found.end()
            low = int(found[1] or 0)
            counts = low, (int(found[3]) if found[3] else None) if found[2] else low
        else:
            return 1, 1
        if self.pattern[self.at : self.at + 1] == "+":
            raise PatternError(f"{self.pattern!r}: possessive counts are not allowed")
        self.at += self.pattern[self.at : self.at + 1] == "?"
        return counts


def _build(
    tree: tuple[tuple[_Piece, ...], ...], states: list[_State], *, after: int, work: list[int]
) -> int:
    """Lay out the states of a group so that they lead to `after`; return where it begins."""
    starts: list[int] = []
    for sequence in tree:
        then = after
        for piece in reversed(sequence):
            then = _repeated(piece, states, after=then, work=work)
        starts.append(then)
    return starts[0] if len(starts) == 1 else _add(states, _State(None, False, tuple(starts)))


def _repeated(piece: _Piece, states: list[_State], *, after: int, work: list[int]) -> int:
    if piece.high is None:
        loop = _add(states, _State(None, False, ()))
        first = _once(piece, states, after=loop, work=work)
        states[loop] = _State(None, False, (first, after))
        after = loop
    else:
        end = after
        for _ in range(piece.high - piece.low):
            after = _add(
                states, _State(None, False, (_once(piece, states, after=after, work=work), end))
            )
    for _ in range(piece.low):
        after = _once(piece, states, after=after, work=work)
    return after


def _once(piece: _Piece, states: list[_State], *, after: int, work: list[int]) -> int:
    # Nested counts multiply, even around nothing.
    work[0] += 1
    if work[0] > _MOST_STATES:
        raise PatternError("the pattern is too large")
    if piece.atom is None:
        return _build(piece.alternatives, states, after=after, work=work)
    return _add(states, _State(piece.atom, piece.anchor, (after,)))


def _add(states: list[_State], state: _State) -> int:
    states.append(state)
    return len(states) - 1
