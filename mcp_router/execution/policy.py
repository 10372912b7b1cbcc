"""What follows a failure: the same route again, the next one, a larger window, or the end."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Literal, NamedTuple

from mcp_router.errors import (
    AuthenticationError,
    ContentFilteredError,
    ContextLengthError,
    InvalidRequestError,
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
)

Kind = Literal[
    "ok",
    "timeout",
    "rate_limited",
    "auth",
    "not_found",
    "overloaded",
    "server_error",
    "connection",
    "malformed",
    "cut",
    "context_length",
    "content_filter",
    "invalid_request",
    "low_quality",
    "budget",
    "breaker_open",
    "cancelled",
]
"""The words for what came of an attempt, in records and results."""

Blame = Literal["failure", "limited", "none"]
"""What the circuit breaker is told."""

Random = Callable[[], float]
"""Draws evenly from 0 up to, but not including, 1."""

TINY_WAIT = 1.0
"""Seconds that are waited for a route although another one stands ready."""

BASE_WAIT = 0.25
MAX_WAIT = 4.0


class Step(StrEnum):
    """Where a request goes after a failure."""

    RETRY = "retry"
    NEXT = "next"
    LARGER = "larger"
    STOP = "stop"


class Failure(NamedTuple):
    """One failed try.

    Attributes:
        kind: what went wrong.
        step: where to go next.
        repeatable: whether a second try at the same route can help, once nothing better is left.
        wait: seconds before which the provider does not want to see a retry, None if unsaid.
        cooldown: seconds the provider asks everybody to stay away, None if unsaid.
        blame: what the circuit breaker is told.
        sent: whether anything may have left this machine, so that it was a call.
    """

    kind: Kind
    step: Step
    repeatable: bool = False
    wait: float | None = None
    cooldown: float | None = None
    blame: Blame = "failure"
    sent: bool = True


_BY_STATUS: dict[int, Failure] = {
    402: Failure("auth", Step.NEXT),
    404: Failure("not_found", Step.NEXT),
    405: Failure("not_found", Step.NEXT),
    408: Failure("timeout", Step.NEXT),
    409: Failure("server_error", Step.RETRY, repeatable=True),
    410: Failure("not_found", Step.NEXT),
    425: Failure("overloaded", Step.NEXT, repeatable=True),
    503: Failure("overloaded", Step.NEXT, repeatable=True),
    504: Failure("timeout", Step.NEXT),
    524: Failure("timeout", Step.NEXT),
    529: Failure("overloaded", Step.NEXT, repeatable=True),
}
_SERVER_ERROR = Failure("server_error", Step.RETRY, repeatable=True)
_REDIRECT = Failure("not_found", Step.NEXT)
_REFUSED = Failure("invalid_request", Step.STOP, blame="none")
# Not every wire can carry every part of a request, and the next one may.
_UNFIT = Failure("invalid_request", Step.NEXT, blame="none", sent=False)

_BY_CLASS: dict[type[Exception], Failure] = {
    ProviderTimeout: Failure("timeout", Step.NEXT),
    ProviderConnectionError: Failure("connection", Step.RETRY, repeatable=True),
    AuthenticationError: Failure("auth", Step.NEXT),
    ContextLengthError: Failure("context_length", Step.LARGER, blame="none"),
    ContentFilteredError: Failure("content_filter", Step.STOP, blame="none"),
    MalformedResponseError: Failure("malformed", Step.NEXT, repeatable=True),
    InvalidRequestError: _REFUSED._replace(sent=False),
}


def failure_of(error: ProviderError | InvalidRequestError, *, spoke: bool = False) -> Failure:
    """Say what a failure means; `spoke` tells that a part of the answer had arrived."""
    if isinstance(error, RateLimitedError):
        return Failure(
            "rate_limited",
            Step.RETRY,
            repeatable=True,
            wait=error.retry_after,
            cooldown=error.cooldown,
            blame="limited",
        )
    if isinstance(error, ProviderHTTPError):
        return _of_status(error)
    failure = _BY_CLASS.get(type(error), _UNFIT)
    return failure._replace(kind="cut") if spoke and failure.kind == "malformed" else failure


def pause(failure: Failure, *, tries: int, rng: Random) -> float:
    """Choose the seconds until the same route may be tried again, after so many tries.

    What the provider asks for holds. Otherwise an even draw from 0 up to a bound that doubles
    ("full jitter", Brooker, AWS Architecture Blog, 2015).
    """
    if failure.wait is not None:
        return failure.wait
    return rng() * min(MAX_WAIT, BASE_WAIT * 2.0 ** min(tries - 1, 10))


def stays(failure: Failure, *, wait: float) -> bool:
    """Say whether the same route is tried again although others are left.

    A provider that limits us without a word of how long is left alone while others are there.
    """
    unsaid = failure.kind == "rate_limited" and failure.wait is None
    return failure.step is Step.RETRY and wait <= TINY_WAIT and not unsaid


def _of_status(error: ProviderHTTPError) -> Failure:
    status = error.status
    failure = _BY_STATUS.get(status)
    if failure is None:
        failure = _SERVER_ERROR if status >= 500 else _REFUSED if status >= 400 else _REDIRECT
    if not failure.repeatable:
        return failure
    return failure._replace(wait=error.retry_after, cooldown=error.retry_after)
