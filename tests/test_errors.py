"""The error tree: as drawn, one sentence each, with the next step and without secrets."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime

import pytest

from mcp_router import errors
from mcp_router.errors import (
    AuthenticationError,
    BudgetExceededError,
    ConfigError,
    ContentFilteredError,
    ContextLengthError,
    FallbackExhaustedError,
    HostError,
    InvalidRequestError,
    LostDatabaseError,
    MalformedResponseError,
    NoCandidateError,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
    RouterError,
    StorageError,
    UnknownDecisionError,
    UnknownModelError,
    UnpricedModelError,
    WorkflowBusyError,
    WorkflowError,
)
from mcp_router.types import Attempt, Rejection
from mcp_router.workflows.result import StepResult, WorkflowResult

WHERE = {"provider": "openai", "model": "gpt-4o"}
EXAMPLES: list[RouterError] = [
    ConfigError(place="mcp-router.toml", key="budget.daily", problem="is negative", allowed="0 up"),
    HostError(place="~/.claude.json", problem="not JSON", hint="Mend it first."),
    InvalidRequestError(field="prompt", problem="is empty", hint="Say what should be done."),
    UnknownModelError("sonet", nearest=("sonnet", "opus", "haiku")),
    UnknownDecisionError("dec_1"),
    NoCandidateError((Rejection(model="m", filter="max_cost", reason="dear"),)),
    StorageError(path="router.db", problem="is read-only", hint="Make it writable."),
    LostDatabaseError(path="postgresql://db", problem="no answer", hint="Start the server."),
    BudgetExceededError(
        budget="day",
        limit=20_000_000_000,
        spent=19_000_000_000,
        reserved=500_000_000,
        asked=1_000_000_000,
        resets_at=datetime(2026, 11, 22, tzinfo=UTC),
    ),
    UnpricedModelError("llama-local"),
    ProviderTimeout(**WHERE, deadline="idle", after_ms=15_000),
    RateLimitedError(**WHERE, retry_after=2.5),
    AuthenticationError(**WHERE, variable="OPENAI_API_KEY"),
    ContextLengthError(**WHERE),
    ContentFilteredError(**WHERE),
    ProviderHTTPError(**WHERE, status=503),
    ProviderConnectionError(**WHERE, problem="the connection was refused"),
    MalformedResponseError(**WHERE, problem="the stream was cut"),
    FallbackExhaustedError(
        (Attempt(model="gpt-4o", provider="openai", outcome="timeout", reason="silent"),)
    ),
    WorkflowError(
        WorkflowResult(
            run_id="run_1",
            name="essay",
            state="failed",
            steps=(StepResult(name="plan", state="failed", problem="It broke."),),
        )
    ),
    WorkflowBusyError("run_1", until=datetime(2026, 11, 22, tzinfo=UTC)),
    WorkflowBusyError("run_1", until=None),
]


def classes() -> dict[str, type[RouterError]]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {n: c for n, c in found if issubclass(c, RouterError)}


def test_the_docstring_draws_every_class() -> None:
    drawn = set(re.findall(r"x (\w+)", errors.__doc__ or ""))
    assert drawn == set(classes()) - {"RouterError"}


def test_every_class_has_an_example_here() -> None:
    assert {type(example) for example in EXAMPLES} | {RouterError, ProviderError} == set(
        classes().values()
    )


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_the_message_is_whole_sentences_on_one_line(error: RouterError) -> None:
    assert error.message.endswith(".")
    assert "\n" not in str(error)
    assert str(error) == f"{error.message} {error.hint}".strip()


def test_amounts_of_a_refused_budget_are_exact_dollars() -> None:
    error = next(e for e in EXAMPLES if isinstance(e, BudgetExceededError))
    assert "$20 does not allow $1 more (spent $19, reserved $0.5)" in error.message
    assert "resets at 2026-11-22" in error.message


def test_no_candidate_counts_the_filters() -> None:
    rejected = [Rejection(model=str(n), filter="retired", reason="x") for n in range(3)]
    assert "all 3 were ruled out (retired 3)" in NoCandidateError(rejected).message
    assert "none configured" in NoCandidateError(()).message
