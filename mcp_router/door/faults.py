"""What a failure is over HTTP: its status, its kind, and when to try again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from mcp_router.access.grant import ForbiddenError, IssuerUnavailableError
from mcp_router.access.meter import TooManyRequestsError
from mcp_router.errors import (
    AuthenticationError,
    BudgetExceededError,
    ContentFilteredError,
    ContextLengthError,
    FallbackExhaustedError,
    InvalidRequestError,
    NoCandidateError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
    RouterError,
    StorageError,
    UnknownDecisionError,
    UnknownModelError,
    UnpricedModelError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = Literal[
    "invalid_request",
    "authentication",
    "permission",
    "not_found",
    "too_large",
    "too_slow",
    "rate_limit",
    "budget",
    "overloaded",
    "timeout",
    "upstream",
    "defect",
]
"""The sorts of failure that clients tell apart."""


class Fault(NamedTuple):
    """A failure as it is told; `code` is a short name for programs, `param` what it is about."""

    status: int
    kind: Kind
    message: str
    code: str = ""
    param: str = ""
    headers: Mapping[str, str] = {}


_PASSING = 503
_BUSY = frozenset({429, 503, 529})
# What all attempts had in common, in the order in which it is asked.
_COMMON: tuple[tuple[frozenset[str], int, Kind, str], ...] = (
    (frozenset({"rate_limited"}), 429, "rate_limit", "upstream_rate_limited"),
    (frozenset({"budget"}), 402, "budget", "insufficient_quota"),
    (frozenset({"timeout"}), 504, "timeout", "upstream_timeout"),
    (frozenset({"context_length"}), 400, "invalid_request", "context_length_exceeded"),
    (
        frozenset({"overloaded", "breaker_open", "rate_limited"}),
        _PASSING,
        "overloaded",
        "upstream_overloaded",
    ),
)


def fault_of(error: RouterError) -> Fault:
    """Say what an error of the router is over HTTP."""
    for kind, told in _TOLD:
        if isinstance(error, kind):
            return told(error)
    return Fault(500, "defect", _text(error), "error")


def _text(error: RouterError) -> str:
    return f"{error.message} {error.hint}".strip()


def _plain(status: int, kind: Kind, code: str) -> Callable[[RouterError], Fault]:
    return lambda error: Fault(status, kind, _text(error), code)


def _invalid(error: RouterError) -> Fault:
    field = error.field if isinstance(error, InvalidRequestError) else ""
    return Fault(400, "invalid_request", _text(error), "invalid_value", field)


def _waiting(error: RouterError) -> Fault:
    """Tell of a limit, and when it is worth another try."""
    seconds = getattr(error, "retry_after", None)
    headers = {} if seconds is None else {"retry-after": str(max(1, -(-seconds // 1)))[:9]}
    code = "rate_limit_exceeded" if isinstance(error, TooManyRequestsError) else "upstream_limited"
    whole = {name: value.removesuffix(".0") for name, value in headers.items()}
    return Fault(429, "rate_limit", _text(error), code, headers=whole)


def _no_candidate(error: RouterError) -> Fault:
    filters = {one.filter for one in getattr(error, "rejected", ())}
    if "context" in filters and filters <= {"context", "denied", "credentials", "retired"}:
        return Fault(400, "invalid_request", _text(error), "context_length_exceeded")
    if filters & {"credentials", "unavailable"} and not filters - {
        "credentials",
        "unavailable",
        "retired",
        "denied",
    }:
        return Fault(_PASSING, "overloaded", _text(error), "no_model_available")
    return Fault(400, "invalid_request", _text(error), "no_model_fits")


def _exhausted(error: RouterError) -> Fault:
    attempts = error.attempts if isinstance(error, FallbackExhaustedError) else ()
    outcomes = {one.outcome for one in attempts}
    for common, status, kind, code in _COMMON:
        if outcomes and outcomes <= common:
            return Fault(status, kind, _text(error), code)
    return Fault(502, "upstream", _text(error), "all_models_failed")


def _of_status(error: RouterError) -> Fault:
    busy = isinstance(error, ProviderHTTPError) and error.status in _BUSY
    if busy:
        return Fault(_PASSING, "overloaded", _text(error), "upstream_overloaded")
    return Fault(502, "upstream", _text(error), "upstream_error")


_TOLD: tuple[tuple[type[RouterError], Callable[[RouterError], Fault]], ...] = (
    (ForbiddenError, _plain(403, "permission", "insufficient_scope")),
    (IssuerUnavailableError, _plain(_PASSING, "overloaded", "issuer_unavailable")),
    (TooManyRequestsError, _waiting),
    (InvalidRequestError, _invalid),
    (UnknownModelError, _plain(404, "not_found", "model_not_found")),
    (UnknownDecisionError, _plain(404, "not_found", "decision_not_found")),
    (NoCandidateError, _no_candidate),
    (BudgetExceededError, _plain(402, "budget", "insufficient_quota")),
    (UnpricedModelError, _plain(402, "budget", "unpriced_model")),
    (StorageError, _plain(_PASSING, "overloaded", "storage_unavailable")),
    (ContextLengthError, _plain(400, "invalid_request", "context_length_exceeded")),
    (ContentFilteredError, _plain(400, "invalid_request", "content_filter")),
    (RateLimitedError, _waiting),
    (AuthenticationError, _plain(502, "upstream", "upstream_authentication")),
    (ProviderTimeout, _plain(504, "timeout", "upstream_timeout")),
    (ProviderHTTPError, _of_status),
    (ProviderError, _plain(502, "upstream", "upstream_error")),
    (FallbackExhaustedError, _exhausted),
)
