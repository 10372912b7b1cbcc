"""The router's errors as LangChain's standard ones, and the other way round."""

from __future__ import annotations

from typing import cast

from langchain_core import exceptions as standard
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from mcp_router import (
    AuthenticationError,
    BudgetExceededError,
    ContentFilteredError,
    ContextLengthError,
    FallbackExhaustedError,
    InvalidRequestError,
    MalformedResponseError,
    NoCandidateError,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
    RouterError,
    UnknownModelError,
    UnpricedModelError,
)

# langchain-core 1.8 has a class for refusals; before, they are invalid requests.
_REFUSAL = cast(
    "type[ModelError]", getattr(standard, "ModelRefusalError", ModelInvalidRequestError)
)

_STANDARD: dict[type[RouterError], type[ModelError]] = {
    AuthenticationError: ModelAuthenticationError,
    BudgetExceededError: ModelPermissionDeniedError,
    ContentFilteredError: _REFUSAL,
    ContextLengthError: ContextOverflowError,
    InvalidRequestError: ModelInvalidRequestError,
    MalformedResponseError: ModelAPIError,
    NoCandidateError: ModelNotFoundError,
    ProviderConnectionError: ModelConnectionError,
    ProviderTimeout: ModelTimeoutError,
    RateLimitedError: ModelRateLimitError,
    UnknownModelError: ModelNotFoundError,
    UnpricedModelError: ModelPermissionDeniedError,
}
_BY_STATUS: dict[int, type[ModelError]] = {
    401: ModelAuthenticationError,
    402: ModelPermissionDeniedError,
    403: ModelPermissionDeniedError,
    404: ModelNotFoundError,
    408: ModelTimeoutError,
    429: ModelRateLimitError,
}
_BY_OUTCOME: dict[str, type[ModelError]] = {
    "auth": ModelAuthenticationError,
    "budget": ModelPermissionDeniedError,
    "connection": ModelConnectionError,
    "content_filter": _REFUSAL,
    "context_length": ContextOverflowError,
    "invalid_request": ModelInvalidRequestError,
    "not_found": ModelNotFoundError,
    "rate_limited": ModelRateLimitError,
    "timeout": ModelTimeoutError,
}


def standard_error(error: RouterError) -> RouterError:
    """Make an error one of LangChain's as well; it stays the router's, with all it holds."""
    kind = _kind(error)
    if kind is None or isinstance(error, ModelError):
        return error
    both = _both(type(error), kind)
    same = both.__new__(both, *error.args)
    same.__dict__.update(error.__dict__)
    return same.with_traceback(error.__traceback__)


def _both(own: type[RouterError], kind: type[ModelError]) -> type[RouterError]:
    fields = {"__doc__": own.__doc__, "__module__": __name__}
    return cast("type[RouterError]", type(own.__name__, (own, kind), fields))


def _kind(error: RouterError) -> type[ModelError] | None:
    if isinstance(error, FallbackExhaustedError):
        # The first failure is the one the rest follow from.
        outcomes = [one.outcome for one in error.attempts]
        return _BY_OUTCOME.get(outcomes[0], ModelAPIError) if outcomes else ModelAPIError
    if isinstance(error, ProviderHTTPError):
        return _of_status(error.status)
    found = next((kind for own, kind in _STANDARD.items() if isinstance(error, own)), None)
    return found or (ModelAPIError if isinstance(error, ProviderError) else None)


def _of_status(status: int) -> type[ModelError]:
    usual = ModelAPIError if status >= 500 else ModelInvalidRequestError
    return _BY_STATUS.get(status, usual)
