"""What is wrong with an answer that arrived, as errors."""

from __future__ import annotations

from mcp_router.errors import ProviderError
from mcp_router.providers.failures import failure_in_answer, filtered, malformed
from mcp_router.providers.sse import EventTooLarge
from mcp_router.providers.wire import BadAnswer, FailureInAnswer, Target

UNREADABLE = (BadAnswer, EventTooLarge, FailureInAnswer)
"""What reading an answer may raise."""


def verdict(target: Target, fault: BadAnswer | EventTooLarge | FailureInAnswer) -> ProviderError:
    """Name what is wrong with an answer that could not be read.

    Raise it `from None`: the cause may hold the provider's own words.
    """
    if isinstance(fault, FailureInAnswer):
        return failure_in_answer(target, fault.error)
    if isinstance(fault, BadAnswer):
        return malformed(target, fault.problem)
    return malformed(target, "an event of its stream is too large")


def check_finish(target: Target, reason: str, *, empty: bool) -> None:
    """Refuse an answer that the provider itself calls a failure.

    Raises:
        MalformedResponseError: the provider gave up.
        ContentFilteredError: its filter left nothing; a part of an answer is passed on.
    """
    if reason == "error":
        raise malformed(target, "it gave up in the middle of its answer")
    if reason == "content_filter" and empty:
        raise filtered(target)
