"""A conversation that any provider accepts: every tool call has one result, right after it.

Histories come from other providers, other programs and interrupted runs. All three wires refuse a
call without a result, a result without its call, an id that is used twice, and anything said
between a call and its result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mcp_router.types import Message, Part, Text, ToolCall, ToolResult

_UNANSWERED = "There is no result: the call was not carried out, or its result was lost."


class Mended(NamedTuple):
    """A conversation as it may be sent; `warnings` say what had to be changed in it."""

    messages: tuple[Message, ...]
    warnings: tuple[str, ...] = ()


def mended(messages: Sequence[Message]) -> Mended:
    """Pair every tool call with one result that follows at once, and make the ids unique.

    A call without a result gets one that says so; a result without its call becomes the user's
    text. Results of one round stand in one message, in the order of the calls. Whatever was in
    order is left as it is, so that mending twice changes nothing more.
    """
    if not any(_tool_parts(one) for one in messages):
        return Mended(tuple(messages))
    return _Mending(messages).done()


class _Mending:
    """Walks a conversation once, round by round: an answer, and all until the next answer."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._used: set[str] = set()
        self._lost = 0
        self._orphans = 0

    def done(self) -> Mended:
        """Mend every round."""
        said = tuple(one for part in _rounds(self._messages) for one in self._round(part))
        warnings: list[str] = []
        if self._lost:
            warnings.append(f"{self._lost} tool calls had no result and are sent as failed")
        if self._orphans:
            warnings.append(f"{self._orphans} tool results had no call and are sent as text")
        return Mended(said, tuple(warnings))

    def _round(self, said: Sequence[Message]) -> Iterator[Message]:
        answer, rest = said[0], said[1:]
        calls = _calls(answer)
        if not calls:
            yield from (self._freed(one) for one in said)
            return
        renamed = [self._unique(call.id) for call in calls]
        results = self._matched(calls, rest)
        yield _with_ids(answer, renamed)
        found = [
            self._lost_result(call, call_id)
            if result is None
            else _joined(result, call=call, call_id=call_id)
            for call, call_id, result in zip(calls, renamed, results, strict=True)
        ]
        yield Message(role="tool", content=tuple(found))
        taken = {id(result) for result in results if result is not None}
        for message in rest:
            left = _without(message, taken)
            if left is not None:
                yield self._freed(left)

    def _unique(self, call_id: str) -> str:
        """Keep an id that is not used yet, else derive one that is not."""
        unique, number = call_id, len(self._used)
        while not unique.strip() or unique in self._used:
            digest = hashlib.blake2b(f"{number} {call_id}".encode("utf-8", "replace"))
            unique, number = f"call_{digest.hexdigest()[:24]}", number + 1
        self._used.add(unique)
        return unique

    def _matched(
        self, calls: Sequence[ToolCall], rest: Sequence[Message]
    ) -> list[ToolResult | None]:
        """Give each call its first result; calls that share an id take theirs in turn."""
        waiting: dict[str, list[ToolResult]] = {}
        for message in rest:
            for result in _results(message):
                waiting.setdefault(result.tool_call_id, []).append(result)
        return [waiting[call.id].pop(0) if waiting.get(call.id) else None for call in calls]

    def _lost_result(self, call: ToolCall, call_id: str) -> ToolResult:
        self._lost += 1
        return ToolResult(tool_call_id=call_id, name=call.name, content=_UNANSWERED, is_error=True)

    def _freed(self, message: Message) -> Message:
        """Turn results that answer no call into the user's text."""
        results = _results(message)
        if not results:
            return message
        self._orphans += len(results)
        parts = tuple(one for part in _parts(message) for one in _as_text(part))
        return Message(role="user", content=parts)


def _rounds(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Cut a conversation before each answer."""
    starts = [at for at, one in enumerate(messages) if at and one.role == "assistant"]
    for start, end in zip([0, *starts], [*starts, len(messages)], strict=True):
        if start < end:
            yield messages[start:end]


def _parts(message: Message) -> tuple[Part, ...]:
    return () if isinstance(message.content, str) else message.content


def _tool_parts(message: Message) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for part in _parts(message))


def _calls(message: Message) -> list[ToolCall]:
    if message.role != "assistant":
        return []
    return [part for part in _parts(message) if isinstance(part, ToolCall)]


def _results(message: Message) -> list[ToolResult]:
    if message.role not in ("tool", "user"):
        return []
    return [part for part in _parts(message) if isinstance(part, ToolResult)]


def _with_ids(answer: Message, ids: Sequence[str]) -> Message:
    if ids == [call.id for call in _calls(answer)]:
        return answer
    following = iter(ids)
    parts = tuple(
        part.model_copy(update={"id": next(following)}) if isinstance(part, ToolCall) else part
        for part in _parts(answer)
    )
    return answer.model_copy(update={"content": parts})


def _joined(result: ToolResult, *, call: ToolCall, call_id: str) -> ToolResult:
    name = result.name or call.name
    if (result.tool_call_id, result.name) == (call_id, name):
        return result
    return result.model_copy(update={"tool_call_id": call_id, "name": name})


def _without(message: Message, taken: set[int]) -> Message | None:
    """Leave out the results that were taken; None if nothing else was said."""
    parts = _parts(message)
    left = tuple(part for part in parts if id(part) not in taken)
    if len(left) == len(parts):
        return message
    if not left:
        return None
    rest_role = message.role if any(isinstance(part, ToolResult) for part in left) else "user"
    return Message(role=rest_role, content=left)


def _as_text(part: Part) -> tuple[Part, ...]:
    if not isinstance(part, ToolResult):
        return (part,)
    named = f"Result of {part.name}:" if part.name else "Result of a tool:"
    if isinstance(part.content, str):
        return (Text(text=f"{named} {part.content}"),)
    return (Text(text=named), *part.content)
