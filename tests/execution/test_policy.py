"""What follows each failure, and how long it waits."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from mcp_router.execution.policy import (
    MAX_WAIT,
    TINY_WAIT,
    Failure,
    Kind,
    Step,
    failure_of,
    pause,
    stays,
)

AT = {"provider": "p", "model": "m"}


def http(status: int, retry_after: float | None = None) -> ProviderHTTPError:
    return ProviderHTTPError(**AT, status=status, retry_after=retry_after)


def limited(retry_after: float | None, cooldown: float | None = None) -> RateLimitedError:
    return RateLimitedError(**AT, retry_after=retry_after, cooldown=cooldown)


TABLE: list[tuple[ProviderError | InvalidRequestError, Kind, Step]] = [
    (limited(2.0), "rate_limited", Step.RETRY),
    (http(500), "server_error", Step.RETRY),
    (http(502), "server_error", Step.RETRY),
    (http(520), "server_error", Step.RETRY),
    (ProviderConnectionError(**AT, problem="reset"), "connection", Step.RETRY),
    (ProviderTimeout(**AT, deadline="first_token", after_ms=1), "timeout", Step.NEXT),
    (http(408), "timeout", Step.NEXT),
    (http(504), "timeout", Step.NEXT),
    (AuthenticationError(**AT, variable="KEY"), "auth", Step.NEXT),
    (http(402), "auth", Step.NEXT),
    (http(404), "not_found", Step.NEXT),
    (http(307), "not_found", Step.NEXT),
    (http(503), "overloaded", Step.NEXT),
    (http(529), "overloaded", Step.NEXT),
    (MalformedResponseError(**AT, problem="cut"), "malformed", Step.NEXT),
    (ContextLengthError(**AT), "context_length", Step.LARGER),
    (ContentFilteredError(**AT), "content_filter", Step.STOP),
    (InvalidRequestError(field="messages", problem="empty"), "invalid_request", Step.STOP),
    (http(400), "invalid_request", Step.STOP),
    (http(422), "invalid_request", Step.STOP),
    (ProviderError(**AT, problem="cannot be sent audio"), "invalid_request", Step.NEXT),
]
ERRORS = st.sampled_from([error for error, _, _ in TABLE])


@pytest.mark.parametrize(("error", "kind", "step"), TABLE)
def test_each_failure_has_its_word_and_its_next_step(
    error: ProviderError | InvalidRequestError, kind: Kind, step: Step
) -> None:
    assert failure_of(error)[:2] == (kind, step)


def test_only_what_never_left_this_machine_was_no_call() -> None:
    kept = [error for error, _, _ in TABLE if not failure_of(error).sent]
    assert [str(error) for error in kept] == [
        str(InvalidRequestError(field="messages", problem="empty")),
        str(ProviderError(**AT, problem="cannot be sent audio")),
    ]


def test_an_answer_that_broke_after_it_began_was_cut() -> None:
    error = MalformedResponseError(**AT, problem="the stream was cut")
    assert failure_of(error, spoke=True).kind == "cut"
    assert failure_of(limited(1), spoke=True).kind == "rate_limited"


@pytest.mark.parametrize(
    "error",
    [
        ProviderTimeout(**AT, deadline="idle", after_ms=1),
        http(408),
        AuthenticationError(**AT, variable=None),
        http(404),
        ContextLengthError(**AT),
    ],
)
def test_silence_keys_and_names_do_not_heal_within_a_request(error: ProviderError) -> None:
    assert not failure_of(error).repeatable


def test_only_the_providers_own_failures_count_against_it() -> None:
    blamed = {failure_of(error).kind: failure_of(error).blame for error, _, _ in TABLE}
    assert blamed.pop("rate_limited") == "limited"
    neutral = {kind for kind, blame in blamed.items() if blame == "none"}
    assert neutral == {"context_length", "content_filter", "invalid_request"}


def test_the_whole_cooldown_reaches_the_breaker_though_nobody_waits_that_long() -> None:
    failure = failure_of(limited(60.0, cooldown=276_480.0))
    assert (failure.wait, failure.cooldown) == (60.0, 276_480.0)
    assert failure_of(http(503, retry_after=7)).cooldown == 7


@given(error=ERRORS, tries=st.integers(1, 50), seed=st.integers())
def test_a_pause_is_what_was_asked_for_or_a_bounded_draw(
    error: ProviderError, tries: int, seed: int
) -> None:
    failure = failure_of(error)
    wait = pause(failure, tries=tries, rng=random.Random(seed).random)
    if failure.wait is not None:
        assert wait == failure.wait
    else:
        assert 0 <= wait <= MAX_WAIT


def test_backoff_spreads_over_its_whole_range_and_grows() -> None:
    failure = failure_of(http(500))
    assert pause(failure, tries=1, rng=lambda: 0.0) == 0.0
    ceilings = [pause(failure, tries=tries, rng=lambda: 0.999) for tries in (1, 2, 3)]
    assert ceilings == sorted(ceilings)
    assert ceilings[0] < 0.25 <= ceilings[1]


@pytest.mark.parametrize(
    ("error", "wait", "here"),
    [
        (limited(0.0), 0.0, True),
        (limited(TINY_WAIT), TINY_WAIT, True),
        (limited(1.5), 1.5, False),
        (limited(None), 0.1, False),
        (http(500), 0.1, True),
        (http(500, retry_after=5), 5.0, False),
        (http(503), 0.1, False),
    ],
)
def test_only_a_moment_is_waited_at_the_same_route(
    error: ProviderError, wait: float, here: bool
) -> None:
    failure: Failure = failure_of(error)
    assert stays(failure, wait=wait) is here
