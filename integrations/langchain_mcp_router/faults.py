"""What goes wrong in somebody else's chat model, as the router's errors that it falls back on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, TypedDict, cast

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
    ContentFilteredError,
    ContextLengthError,
    MalformedResponseError,
    ModelInfo,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
)

# The classes of the SDKs and their HTTP clients, by name: none of them need be installed.
_LATE = frozenset({"APITimeoutError", "TimeoutException", "TimeoutError", "DeadlineExceeded"})
_LOST = frozenset({"APIConnectionError", "TransportError", "ConnectionError"})
_REFUSED = frozenset({"ContentFilterFinishReasonError", "ModelRefusalError", "OpenAIRefusalError"})
_UNREADABLE = frozenset(
    {"APIResponseValidationError", "LengthFinishReasonError", "JSONDecodeError", "APIError"}
)
_MEANT: tuple[tuple[type[ModelError], int], ...] = (
    (ModelAuthenticationError, 401),
    (ModelPermissionDeniedError, 403),
    (ModelNotFoundError, 404),
    (ModelRateLimitError, 429),
    (ModelInvalidRequestError, 400),
    (ModelAPIError, 500),
)


class _Place(TypedDict):
    """Where it went wrong."""

    provider: str
    model: str


class _Fault(NamedTuple):
    """An exception, the names of its classes and the HTTP status it tells, 0 for none."""

    error: Exception
    names: frozenset[str]
    status: int


class Translation:
    """A context in which a chat model's exceptions become the router's.

    Attributes:
        spoke: whether a part of the answer has come.
    """

    def __init__(self, model: ModelInfo) -> None:
        self.spoke = False
        self._model = model
        self._began = time.monotonic()

    def __enter__(self) -> Translation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception):
            return
        ms = round((time.monotonic() - self._began) * 1000)
        found = provider_error(error, model=self._model, after_ms=ms, spoke=self.spoke)
        if found is not None:
            raise found from error


def provider_error(
    error: Exception, *, model: ModelInfo, after_ms: int, spoke: bool = False
) -> ProviderError | None:
    """Name what a chat model's exception means; None for one that is a mistake in a program.

    `after_ms` is how long the call ran; `spoke` tells that a part of the answer had come.
    """
    if isinstance(error, ProviderError):
        return None
    fault = _Fault(error, frozenset(_names(error)), _status(error))
    at = _Place(provider=model.provider, model=model.name)
    if isinstance(error, ContextOverflowError) or fault.status == 413:
        return ContextLengthError(**at)
    if fault.names & _REFUSED:
        return ContentFilteredError(**at)
    if isinstance(error, ModelTimeoutError) or (fault.names & _LATE and not fault.status):
        return ProviderTimeout(**at, deadline="total", after_ms=after_ms)
    if isinstance(error, ModelConnectionError) or (fault.names & _LOST and not fault.status):
        return _lost(at, spoke=spoke)
    if fault.status:
        return _of_status(fault, at)
    if fault.names & _UNREADABLE or isinstance(error, json.JSONDecodeError):
        return MalformedResponseError(**at, problem="its answer could not be read")
    return None


def _names(error: Exception) -> Iterator[str]:
    return (one.__name__ for one in type(error).__mro__)


def _status(error: Exception) -> int:
    status = getattr(error, "status_code", None)
    # A success that cannot be read is no status to go by.
    if isinstance(status, int) and status >= 400:
        return status
    return next((code for kind, code in _MEANT if isinstance(error, kind)), 0)


def _of_status(fault: _Fault, at: _Place) -> ProviderError:
    wait = _retry_after(fault.error)
    if fault.status in (401, 403):
        return AuthenticationError(**at, variable=None)
    if fault.status == 429:
        return RateLimitedError(**at, retry_after=wait)
    return ProviderHTTPError(**at, status=fault.status, retry_after=wait)


def _lost(at: _Place, *, spoke: bool) -> ProviderError:
    if spoke:
        return MalformedResponseError(**at, problem="the stream was cut")
    return ProviderConnectionError(**at, problem="the connection was lost before an answer began")


def _retry_after(error: Exception) -> float | None:
    """Read the seconds a provider asks to wait, from the answer that an SDK's error holds."""
    response: object = getattr(error, "response", None)
    headers = cast("dict[str, str]", getattr(response, "headers", None) or {})
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds
    return None
