"""Scripts, random faults and rate limits, on a clock of the test's own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.testing.behaviours import HEALTHY, Answer, Behaviour, Fault, Repeat
from mcp_router.testing.catalogue import QUICK
from mcp_router.testing.scripts import Director, RandomFaults, RateLimit, Script, Then

FIRST, SECOND, WELL = Fault.http(500), Fault.http(503), Answer("well")


def script(*steps: Behaviour | Repeat, then: Then = "repeat last") -> Script:
    return Script(steps, then=then, wire="openai", healthy=WELL)


def shown(play: Script, count: int, *, step: float = 0.0) -> list[Behaviour]:
    return [play.next(now=number * step) for number in range(count)]


def test_behaviours_come_in_order_and_the_last_repeats() -> None:
    assert shown(script(FIRST, SECOND), 4) == [FIRST, SECOND, SECOND, SECOND]


def test_a_script_may_end_healthy() -> None:
    assert shown(script(FIRST, then="healthy"), 3) == [FIRST, WELL, WELL]


def test_an_empty_script_is_healthy() -> None:
    assert shown(script(), 2) == [WELL, WELL]


def test_a_behaviour_repeats_so_many_times() -> None:
    assert shown(script(Repeat(FIRST, times=3), SECOND), 5) == [FIRST] * 3 + [SECOND] * 2


def test_a_behaviour_lasts_so_many_seconds_from_its_first_use() -> None:
    play = script(Repeat(FIRST, seconds=2.0), then="healthy")
    assert shown(play, 5, step=1.0) == [FIRST, FIRST, WELL, WELL, WELL]
    late = script(SECOND, Repeat(FIRST, seconds=2.0), then="healthy")
    times = [0.0, 100.0, 101.9, 102.0]
    assert [late.next(now=now) for now in times] == [SECOND, FIRST, FIRST, WELL]


def test_what_comes_first_ends_a_behaviour_with_both_limits() -> None:
    play = script(Repeat(FIRST, times=2, seconds=9.0), then="healthy")
    assert shown(play, 3) == [FIRST, FIRST, WELL]


def test_a_behaviour_without_limits_lasts_for_ever() -> None:
    assert shown(script(Repeat(FIRST), SECOND), 50, step=1e6) == [FIRST] * 50


@given(seed=st.integers(0, 1000), rate=st.floats(0.05, 0.95))
def test_random_faults_come_as_often_as_the_rate_says(seed: int, rate: float) -> None:
    chance = RandomFaults(rate=rate, seed=seed, pool=[FIRST])
    hits = sum(chance.spoil(HEALTHY) is FIRST for _ in range(2000))
    assert hits / 2000 == pytest.approx(rate, abs=0.06)


def test_the_same_seed_gives_the_same_faults() -> None:
    def drawn(seed: int) -> list[Behaviour]:
        chance = RandomFaults(rate=0.5, seed=seed, pool=QUICK.values())
        return [chance.spoil(HEALTHY) for _ in range(300)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(map(repr, drawn(1)))) > len(QUICK) / 2


def test_random_faults_leave_scripted_faults_alone() -> None:
    chance = RandomFaults(rate=1.0, seed=0, pool=[SECOND])
    assert chance.spoil(FIRST) is FIRST
    assert chance.spoil(WELL) is SECOND
    assert RandomFaults(rate=1.0, seed=0, pool=[]).spoil(WELL) is WELL


@given(
    gaps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=80),
    requests=st.integers(1, 5),
    span=st.floats(0.5, 5.0),
)
def test_no_span_ever_admits_more_than_the_limit(
    gaps: list[float], requests: int, span: float
) -> None:
    limit = RateLimit(requests=requests, per_seconds=span)
    now, admitted = 0.0, list[float]()
    for gap in gaps:
        now += gap
        wait = limit.wait(now=now)
        if wait is None:
            admitted.append(now)
        else:
            assert 0 < wait <= span
    spans = zip(admitted, admitted[requests:], strict=False)
    assert all(later - earlier >= span for earlier, later in spans)
    assert all(a <= b for a, b in pairwise(admitted))


def test_who_waits_as_told_is_admitted() -> None:
    limit = RateLimit(requests=2, per_seconds=10.0)
    assert limit.wait(now=0.0) is None
    assert limit.wait(now=4.0) is None
    assert limit.wait(now=5.0) == pytest.approx(5.0)
    assert limit.wait(now=10.0) is None
    assert limit.wait(now=10.0) == pytest.approx(4.0)


def test_a_limit_of_none_admits_nothing() -> None:
    assert RateLimit(requests=0, per_seconds=1.0).wait(now=0.0) == 1.0


def test_a_rate_limit_does_not_use_up_the_script() -> None:
    director = Director()
    director.write("m", [FIRST], then="healthy", wire="openai")
    director.limits["m"] = RateLimit(requests=1, per_seconds=1.0)
    seen = [director.next("m", now=now) for now in (0.0, 0.25, 1.0)]
    assert seen == [FIRST, Fault.http(429, retry_after="0.750"), HEALTHY]
    director.forget()
    assert director.next("m", now=0.0) is HEALTHY
