"""The course of a request over its routes, against what must hold for any of them."""

from __future__ import annotations

import random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import (
    AuthenticationError,
    ContextLengthError,
    MalformedResponseError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
)
from mcp_router.execution.course import Course, Leg
from mcp_router.execution.policy import Failure, failure_of
from mcp_router.execution.routes import Route
from mcp_router.providers.wire import Target
from mcp_router.storage.breaker import BreakerKey
from mcp_router.types import ProviderInfo
from tests.builders import model

AT = {"provider": "p", "model": "m"}
PROVIDER = ProviderInfo(name="p", wire="openai", base_url="http://127.0.0.1/v1")
LIMITED = failure_of(RateLimitedError(**AT, retry_after=0.5))
LIMITED_LONG = failure_of(RateLimitedError(**AT, retry_after=20.0))
LIMITED_UNSAID = failure_of(RateLimitedError(**AT, retry_after=None))
BROKEN = failure_of(ProviderHTTPError(**AT, status=500))
OVERLOADED = failure_of(ProviderHTTPError(**AT, status=503))
SILENT = failure_of(ProviderTimeout(**AT, deadline="first_token", after_ms=1))
NO_KEY = failure_of(AuthenticationError(**AT, variable=None))
CUT = failure_of(MalformedResponseError(**AT, problem="cut"), spoke=True)
TOO_LONG = failure_of(ContextLengthError(**AT))
REFUSED = failure_of(ProviderHTTPError(**AT, status=400))
FAILURES = (LIMITED, LIMITED_LONG, LIMITED_UNSAID, BROKEN, OVERLOADED, SILENT, NO_KEY, CUT)


def route(name: str, *, context: int = 100_000) -> Route:
    return Route(Target(model(name, context=context), PROVIDER), BreakerKey("p", name))


A, B, C = route("a"), route("b", context=200_000), route("c")


def course(*routes: Route, attempts: int = 6, tries: int = 2) -> Course:
    return Course(routes or (A, B, C), max_attempts=attempts, max_tries=tries)


def half() -> float:
    return 0.5


class Walk(NamedTuple):
    """A course walked to its end: what was tried, and when."""

    tried: list[tuple[str, float]]
    failed: list[tuple[str, float, Failure]]


def walk(course: Course, failures: dict[str, list[Failure]], *, until: float = 60.0) -> Walk:
    """Fail every try as scripted, the last failure of a route again and again."""
    now, walked = 0.0, Walk([], [])
    while (leg := course.next(now=now, until=until)) is not None:
        now += leg.wait
        name = leg.route.model.name
        course.started(leg.route)
        walked.tried.append((name, now))
        script = failures[name]
        failure = script.pop(0) if len(script) > 1 else script[0]
        walked.failed.append((name, now, failure))
        course.failed(leg.route, failure, now=now, rng=half)
    return walked


def names(walked: Walk) -> list[str]:
    return [name for name, _ in walked.tried]


def test_routes_are_tried_in_order() -> None:
    assert names(walk(course(), {"a": [SILENT], "b": [SILENT], "c": [NO_KEY]})) == ["a", "b", "c"]


def test_a_server_error_is_tried_again_at_once_and_only_once() -> None:
    walked = walk(course(), {"a": [BROKEN], "b": [SILENT], "c": [SILENT]})
    assert names(walked) == ["a", "a", "b", "c"]


def test_a_limit_of_a_moment_is_waited_for_and_a_longer_one_only_at_the_end() -> None:
    walked = walk(course(A, B), {"a": [LIMITED, SILENT], "b": [SILENT]})
    assert walked.tried == [("a", 0.0), ("a", 0.5), ("b", 0.5)]
    walked = walk(course(A, B), {"a": [LIMITED_LONG], "b": [SILENT]})
    assert walked.tried == [("a", 0.0), ("b", 0.0), ("a", 20.0)]


def test_a_limit_that_outlasts_the_deadline_is_not_waited_for() -> None:
    assert names(walk(course(A), {"a": [LIMITED_LONG]}, until=15.0)) == ["a"]


def test_the_last_resort_is_a_second_try_where_the_answer_was_cut() -> None:
    walked = walk(course(A, B), {"a": [CUT], "b": [SILENT]})
    assert names(walked) == ["a", "b", "a"]


def test_a_request_too_long_goes_to_larger_windows_only() -> None:
    assert names(walk(course(), {"a": [TOO_LONG], "b": [SILENT]})) == ["a", "b"]
    assert names(walk(course(B, A, C), {"b": [TOO_LONG]})) == ["b"]


def test_a_request_too_long_that_can_be_trimmed_tries_larger_windows_first() -> None:
    one = course(A, C, B)
    one.started(A)
    one.defer_smaller(A, now=0.0)
    order: list[str] = []
    while (leg := one.next(now=0.0, until=1.0)) is not None:
        order.append(leg.route.model.name)
        one.started(leg.route)
        one.failed(leg.route, SILENT, now=0.0, rng=half)
    assert order == ["b", "a", "c"]


def test_what_the_caller_caused_ends_the_course() -> None:
    assert names(walk(course(), {"a": [REFUSED]})) == ["a"]


def test_a_broken_route_waits_behind_healthy_ones_and_is_overruled_at_last() -> None:
    one = course(A, B)
    assert one.next(now=0.0, until=60.0) == Leg(A)
    one.blocked(A, ready_at=30.0, paused=False)
    assert one.next(now=0.0, until=60.0) == Leg(B)
    one.started(B)
    one.failed(B, SILENT, now=0.0, rng=half)
    assert one.next(now=0.0, until=60.0) == Leg(A, forced=True)


def test_of_broken_routes_the_least_bad_is_overruled() -> None:
    one = course()
    for broken, ready_at in ((A, 30.0), (B, 5.0), (C, 12.0)):
        one.blocked(broken, ready_at=ready_at, paused=False)
    assert one.next(now=0.0, until=60.0) == Leg(B, forced=True)


def test_a_pause_is_waited_out_where_there_is_time_and_doubted_where_there_is_not() -> None:
    one = course(A)
    one.blocked(A, ready_at=5.0, paused=True)
    assert one.next(now=0.0, until=60.0) == Leg(A, wait=5.0)
    assert one.next(now=0.0, until=4.0) == Leg(A, forced=True)


def test_our_own_limit_is_waited_for_a_moment_and_then_passed_over() -> None:
    one = course(A, B)
    one.limited(A, ready_at=0.4, now=0.0)
    assert one.next(now=0.0, until=60.0) == Leg(A, wait=0.4)
    one.limited(A, ready_at=0.8, now=0.4)
    assert one.next(now=0.4, until=60.0) == Leg(B)
    one.drop(B)
    assert one.next(now=0.5, until=60.0) == Leg(A, wait=0.8 - 0.5)


def test_the_last_attempt_leaves_no_time_for_others() -> None:
    one = course(A, B, attempts=2)
    assert one.others(A)
    one.started(A)
    assert not one.others(B)


scripts = st.lists(st.sampled_from(FAILURES), min_size=1, max_size=3)


@given(
    failures=st.fixed_dictionaries({"a": scripts, "b": scripts, "c": scripts}),
    attempts=st.integers(1, 10),
    tries=st.integers(1, 3),
    until=st.sampled_from([0.1, 1.0, 10.0, 100.0]),
)
def test_no_route_is_hammered_whatever_fails(
    failures: dict[str, list[Failure]], attempts: int, tries: int, until: float
) -> None:
    walked = walk(course(attempts=attempts, tries=tries), failures, until=until)
    assert len(walked.tried) <= attempts
    assert all(at < until for _, at in walked.tried)
    assert all(names(walked).count(name) <= tries for name in "abc")
    for number, (name, failed_at, failure) in enumerate(walked.failed):
        later = [at for other, at in walked.tried[number + 1 :] if other == name]
        if not failure.repeatable:
            assert not later, "tried again after silence or a refused key"
        if failure.wait is not None:
            assert all(at >= failed_at + failure.wait for at in later), "before Retry-After"
    if attempts >= 3 * tries:
        assert set(names(walked)) == set("abc"), "a route that might be healthy was not tried"


@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["open", "paused", "drop", "limit"])),
        max_size=8,
    ),
    seed=st.integers(),
)
def test_whatever_is_blocked_something_is_tried_unless_all_was_dropped(
    steps: list[tuple[str, str]], seed: int
) -> None:
    one, rng = course(), random.Random(seed)
    routes = {"a": A, "b": B, "c": C}
    dropped: set[str] = set()
    for name, what in steps:
        if what == "drop":
            one.drop(routes[name])
            dropped.add(name)
        elif what == "limit":
            one.limited(routes[name], ready_at=rng.uniform(0, 3), now=0.0)
        else:
            ready_at = rng.uniform(0, 100)
            one.blocked(routes[name], ready_at=ready_at, paused=what == "paused")
    leg = one.next(now=0.0, until=60.0)
    assert (leg is None) == (dropped == set("abc"))
    assert leg is None or leg.route.model.name not in dropped
