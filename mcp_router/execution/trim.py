"""Old turns dropped from a conversation until it fits a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.routing.filters import CONTEXT_MARGIN
from mcp_router.routing.tokens import input_tokens, request_counts
from mcp_router.types import Message, Request, ToolResult

if TYPE_CHECKING:
    from mcp_router.routing.profile import Profile
    from mcp_router.routing.situation import Situation

# A provider that finds a request too long for its window counts otherwise than we do, by an
# unknown factor; this cuts deep enough for the next try to fit.
_OVERFLOW_SHARE = 0.6

Measure = Callable[[Sequence[Message]], int]
"""Estimates the tokens of some messages."""


class Trimmed(NamedTuple):
    """What is left of a conversation, and how many messages were dropped."""

    messages: tuple[Message, ...]
    dropped: int


class Shortened(NamedTuple):
    """A situation whose conversation was trimmed, and how."""

    situation: Situation
    trimmed: Trimmed


def shortened(situation: Situation, estimate: Profile, *, overflowed: bool) -> Shortened | None:
    """Trim a conversation for the window of one model; None if that cannot be.

    `overflowed` tells that a provider found it too long for this window, whatever we count.
    """
    model, request = estimate.model, situation.request
    reserve = request.max_tokens or estimate.output_tokens + estimate.thinking_tokens
    limit = (model.context - reserve) / CONTEXT_MARGIN
    if overflowed:
        limit = min(limit, estimate.input_tokens) * _OVERFLOW_SHARE
    counted = max(1, input_tokens(situation.counts, model.family))
    ratio = estimate.input_tokens / counted

    def measure(messages: Sequence[Message]) -> int:
        bare = request_counts(Request(messages=tuple(messages)))
        return round(input_tokens(bare, model.family) * ratio)

    fixed = estimate.input_tokens - measure(request.messages)
    trimmed = trim(request.messages, limit=int(limit) - fixed, measure=measure)
    if trimmed is None:
        return None
    shorter = request.model_copy(update={"messages": trimmed.messages})
    changed = situation._replace(request=shorter, counts=request_counts(shorter))
    return Shortened(changed, trimmed)


def trim(messages: Sequence[Message], *, limit: int, measure: Measure) -> Trimmed | None:
    """Drop the oldest turns until at most `limit` tokens are left; None if that cannot be.

    System messages and the last thing the user said stay. A tool call is dropped together with
    its results, and no answer is left without its question.
    """
    kept = _groups(messages)
    size = sum(measure(group.messages) for group in kept)
    dropped = 0
    for group in tuple(kept):
        if size <= limit:
            break
        if not group.fixed:
            kept.remove(group)
            size -= measure(group.messages)
            dropped += len(group.messages)
    if size > limit:
        return None
    return Trimmed(tuple(one for group in kept for one in group.messages), dropped)


class _Group:
    """Messages that stay or go together."""

    def __init__(self, *, fixed: bool) -> None:
        self.messages: list[Message] = []
        self.fixed = fixed


def _groups(messages: Sequence[Message]) -> list[_Group]:
    """Cut a conversation into exchanges, and what follows the last question into rounds of tools.

    The last round stays as well: without it the model would do the same again.
    """
    last = max((at for at, one in enumerate(messages) if asks(one)), default=-1)
    groups: list[_Group] = []
    for at, message in enumerate(messages):
        if message.role == "system" or at == last:
            groups.append(_Group(fixed=True))
        elif not groups or groups[-1].fixed or _begins(message, after_last=at > last):
            groups.append(_Group(fixed=False))
        groups[-1].messages.append(message)
    if groups and last < len(messages) - 1:
        groups[-1].fixed = True
    return groups


def _begins(message: Message, *, after_last: bool) -> bool:
    return message.role == "assistant" if after_last else asks(message)


def asks(message: Message) -> bool:
    """Say whether a user speaks, rather than a tool in a user's message."""
    if message.role != "user":
        return False
    return isinstance(message.content, str) or not any(
        isinstance(part, ToolResult) for part in message.content
    )
