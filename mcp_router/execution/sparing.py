"""What the old turns of a conversation repeat, left out of it; and what was left out, said.

The system prompt, the last question and the answer before it, and everything about tools stay as
they are, and so does the first copy of what is said twice: the beginning of a conversation does not
change, and a provider's cache of it stays warm.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.execution.trim import asks, trim
from mcp_router.routing.tokens import count, estimate, input_tokens, request_counts
from mcp_router.types import Family, Message, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_CHARS = 400
"""Shorter repetitions stay: the note in their place would not be much shorter."""

_HEAD_CHARS = 40
_PLACE_TAKEN = re.compile(r"\[(\d+ lines|a line) left out that stands? above, beginning: .{0,40}\]")
"""What is put where lines were left out: it means others in each place, so is no repetition."""

_Place = tuple[int, int]
_Key = tuple[str, ...]


class Spared(NamedTuple):
    """A request without what its messages repeat; `notes` say what each part of it was."""

    request: Request
    notes: tuple[str, ...]
    tokens: int


class _Repeat(NamedTuple):
    """Lines from `start` to `end` of a message that stand in message `source` as well."""

    start: int
    end: int
    source: int


def spared(request: Request, *, history: int | None = None) -> Spared:
    """Leave out what old turns repeat word for word, then the oldest turns above a limit.

    `history` are tokens of messages; turns are dropped whole, as `trim` drops them. Tokens are
    counted with the o200k family.
    """
    messages, notes = _without_repeats(request.messages)
    if history is not None:
        messages, more = _recent(messages, limit=history)
        notes += more
    if not notes:
        return Spared(request, (), 0)
    fewer = max(0, _tokens(request.messages) - _tokens(messages))
    changed = request.model_copy(update={"messages": tuple(messages)})
    return Spared(changed, tuple(notes), fewer)


def _without_repeats(messages: Sequence[Message]) -> tuple[list[Message], list[str]]:
    index = _Index()
    kept: list[Message] = []
    notes: list[str] = []
    # The answer before the last question is what that question is most likely about.
    safe = max((at for at, one in enumerate(messages) if asks(one)), default=0) - 1
    for at, message in enumerate(messages):
        content = message.content
        if not isinstance(content, str):
            kept.append(message)
            continue
        lines = content.split("\n")
        repeats = index.repeats(lines) if at < safe and message.role != "system" else []
        for one in repeats:
            gone = lines[one.start : one.end]
            notes.append(_note(gone, at=at, source=one.source))
        if repeats:
            lines = _shortened(lines, repeats)
            message = message.model_copy(update={"content": "\n".join(lines)})
        kept.append(message)
        index.add(lines, at=at)
    return kept, notes


class _Index:
    """Where lines stand first: three in a row, or one that is long by itself."""

    def __init__(self) -> None:
        self._places: dict[_Key, _Place] = {}
        self._messages: dict[int, Sequence[str]] = {}

    def add(self, lines: Sequence[str], *, at: int) -> None:
        """Remember the lines of a message."""
        self._messages[at] = lines
        for start in range(len(lines)):
            for key in _keys(lines, start):
                self._places.setdefault(key, (at, start))

    def repeats(self, lines: Sequence[str]) -> list[_Repeat]:
        """Find the stretches of a message that were said before and are worth leaving out."""
        found: list[_Repeat] = []
        start = 0
        while start < len(lines):
            repeat = self._at(lines, start)
            if repeat is not None:
                found.append(repeat)
            start = start + 1 if repeat is None else repeat.end
        return found

    def _at(self, lines: Sequence[str], start: int) -> _Repeat | None:
        places = (self._places.get(key) for key in _keys(lines, start))
        place = next((one for one in places if one is not None), None)
        if place is None:
            return None
        source, first = place
        theirs, length = self._messages[source], 0
        most = min(len(theirs) - first, len(lines) - start)
        while length < most and theirs[first + length] == (line := lines[start + length]):
            if _PLACE_TAKEN.fullmatch(line):
                break
            length += 1
        size = sum(len(line) + 1 for line in lines[start : start + length])
        return _Repeat(start, start + length, source) if size >= MIN_CHARS else None


def _keys(lines: Sequence[str], start: int) -> list[_Key]:
    keys: list[_Key] = [(lines[start],)] if len(lines[start]) >= MIN_CHARS else []
    three = tuple(lines[start : start + 3])
    if len(three) == 3 and not any(map(_PLACE_TAKEN.fullmatch, three)):
        keys.append(three)
    return keys


def _shortened(lines: Sequence[str], repeats: Sequence[_Repeat]) -> list[str]:
    bounds = [0, *(edge for one in repeats for edge in (one.start, one.end)), len(lines)]
    result: list[str] = []
    for number, (start, end) in enumerate(pairwise(bounds)):
        if number % 2:
            head = next((line.strip() for line in lines[start:end] if line.strip()), "")
            many = f"{end - start} lines left out that stand"
            what = many if end - start > 1 else "a line left out that stands"
            beginning = head[:_HEAD_CHARS].rstrip()
            result.append(f"[{what} above, beginning: {beginning}]")
        else:
            result += lines[start:end]
    return result


def _note(gone: Sequence[str], *, at: int, source: int) -> str:
    what, stand = (f"{len(gone)} lines", "stand") if len(gone) > 1 else ("a line", "stands")
    tokens = estimate(count("\n".join(gone)), Family.O200K)
    return (
        f"left out of message {at + 1}: {what}, about {tokens:,} tokens, which {stand} in "
        f"message {source + 1} word for word"
    )


def _recent(messages: list[Message], *, limit: int) -> tuple[list[Message], list[str]]:
    before = _tokens(messages)
    if before <= limit:
        return messages, []
    trimmed = trim(messages, limit=limit, measure=_tokens)
    if trimmed is None:
        return messages, [f"no turn could be left out to come below {limit:,} tokens"]
    fewer = before - _tokens(trimmed.messages)
    note = f"left out: the {trimmed.dropped} oldest messages, about {fewer:,} tokens"
    return list(trimmed.messages), [note] if trimmed.dropped else []


def _tokens(messages: Sequence[Message]) -> int:
    return input_tokens(request_counts(Request(messages=tuple(messages))), Family.O200K)
