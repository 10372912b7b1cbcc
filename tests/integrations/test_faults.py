"""What goes wrong on either side has a name on the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
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

from langchain_mcp_router.failures import standard_error
from langchain_mcp_router.faults import Translation, provider_error
from mcp_router import (
    Attempt,
    AuthenticationError,
    ContentFilteredError,
    ContextLengthError,
    FallbackExhaustedError,
    MalformedResponseError,
    NoCandidateError,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
    RouterError,
    StorageError,
    UnknownModelError,
    UnpricedModelError,
)
from tests.builders import model

AT: dict[str, Any] = {"provider": "p", "model": "m"}
MODEL = model("m", provider="p")


def failed(
    status: int, *, headers: dict[str, str] | None = None, name: str = "Failed"
) -> Exception:
    """An SDK's error with a status, as all of them look."""
    error = type(name, (Exception,), {})("told by the provider: sk-secret")
    error.status_code = status  # type: ignore[attr-defined]
    error.response = SimpleNamespace(headers=headers or {})  # type: ignore[attr-defined]
    return error


def named(name: str, base: type[Exception] = Exception) -> Exception:
    return type(name, (base,), {})("told by the provider: sk-secret")


def found(error: Exception, **more: Any) -> ProviderError | None:
    return provider_error(error, model=MODEL, after_ms=1_500, **more)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ContextOverflowError("x"), ContextLengthError),
        (failed(413), ContextLengthError),
        (ModelAuthenticationError("x"), AuthenticationError),
        (failed(403), AuthenticationError),
        (ModelRateLimitError("x"), RateLimitedError),
        (failed(429), RateLimitedError),
        (ModelTimeoutError("x"), ProviderTimeout),
        (TimeoutError("x"), ProviderTimeout),
        (named("ReadTimeout", type("TimeoutException", (Exception,), {})), ProviderTimeout),
        (ModelConnectionError("x"), ProviderConnectionError),
        (ConnectionResetError("x"), ProviderConnectionError),
        (
            named("RemoteProtocolError", type("TransportError", (Exception,), {})),
            ProviderConnectionError,
        ),
        (ModelNotFoundError("x"), ProviderHTTPError),
        (ModelInvalidRequestError("x"), ProviderHTTPError),
        (failed(408), ProviderHTTPError),
        (failed(503), ProviderHTTPError),
        (named("ModelRefusalError"), ContentFilteredError),
        (named("APIError"), MalformedResponseError),
        (json.JSONDecodeError("x", "y", 0), MalformedResponseError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_chat_models_exception_is_a_provider_error(
    error: Exception, kind: type[ProviderError]
) -> None:
    meant = found(error)
    assert type(meant) is kind
    assert (meant.provider, meant.model) == ("p", "m")
    assert "secret" not in str(meant)


@pytest.mark.parametrize(
    "error", [TypeError("x"), RuntimeError("Event loop is closed"), KeyError("x"), ValueError("x")]
)
def test_a_mistake_in_a_program_is_none(error: Exception) -> None:
    assert found(error) is None
    with pytest.raises(type(error)), Translation(MODEL):
        raise error


def test_what_breaks_after_the_answer_began_is_a_cut_stream() -> None:
    assert isinstance(found(ModelConnectionError("x"), spoke=True), MalformedResponseError)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "banana"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_a_wait_that_a_provider_asks_for_is_read(
    headers: dict[str, str], wait: float | None
) -> None:
    meant = found(failed(429, headers=headers))
    assert isinstance(meant, RateLimitedError)
    assert meant.retry_after == wait


@given(st.integers(400, 599))
def test_every_status_has_a_meaning(status: int) -> None:
    meant = found(failed(status))
    assert meant is not None
    again = standard_error(meant)
    assert isinstance(again, ModelError)
    assert isinstance(again, type(meant))
    if status >= 500 or status in (408, 429):
        assert again.is_retryable


def test_a_translated_error_keeps_its_cause() -> None:
    cause = failed(503)
    with pytest.raises(ProviderHTTPError) as caught, Translation(MODEL):
        raise cause
    assert caught.value.__cause__ is cause


def exhausted(outcome: str) -> FallbackExhaustedError:
    return FallbackExhaustedError([Attempt(**AT, outcome=outcome), Attempt(**AT, outcome="auth")])


REFUSAL = getattr(standard, "ModelRefusalError", ModelInvalidRequestError)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: NoCandidateError([]), ModelNotFoundError),
        (lambda: UnknownModelError("x"), ModelNotFoundError),
        (lambda: UnpricedModelError("x"), ModelPermissionDeniedError),
        (lambda: ContentFilteredError(**AT), REFUSAL),
        (lambda: MalformedResponseError(**AT, problem="x"), ModelAPIError),
        (lambda: ProviderError(**AT, problem="x"), ModelAPIError),
        (lambda: exhausted("rate_limited"), ModelRateLimitError),
        (lambda: exhausted("overloaded"), ModelAPIError),
        (lambda: FallbackExhaustedError([]), ModelAPIError),
    ],
)
def test_the_routers_error_is_one_of_langchains_and_keeps_all_it_holds(
    make: Callable[[], RouterError], kind: type[ModelError]
) -> None:
    own = make()
    both = standard_error(own)
    assert isinstance(both, kind)
    assert isinstance(both, type(own))
    assert (str(both), both.hint, vars(both)) == (str(own), own.hint, vars(own))
    assert standard_error(both) is both


def test_an_error_of_our_own_house_stays_what_it_is() -> None:
    error = StorageError(path="x", problem="y")
    assert standard_error(error) is error
