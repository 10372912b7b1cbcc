"""The shared rate limiter: exact amounts, exact refills, and clocks that misbehave."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.database import Database
from mcp_router.storage.limiter import MINUTE_MS, RateKey, RateLimiter, RateLimits, Taken

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = RateKey("acme", "large")
T = 1_790_000_000_000


@pytest.fixture
def limiter(place: Path | str) -> Iterator[RateLimiter]:
    with Database.open(place) as database:
        yield RateLimiter(database)


def waits(limiter: RateLimiter, limits: RateLimits, now: int, tokens: int = 0) -> int:
    return limiter.take(KEY, limits=limits, now=now, tokens=tokens).wait_ms


def test_the_limit_is_granted_and_not_one_more(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=5)
    assert [waits(limiter, limits, T) for _ in range(6)] == [0, 0, 0, 0, 0, 12_000]


def test_the_wait_it_names_is_exact_to_the_millisecond(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=7, tokens=1_000)
    for _ in range(7):
        assert waits(limiter, limits, T) == 0
    wait = waits(limiter, limits, T)
    assert wait == -(-MINUTE_MS // 7)
    assert waits(limiter, limits, T + wait - 1) == 1
    assert waits(limiter, limits, T + wait) == 0


def test_a_refused_take_takes_nothing_of_either(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=10, tokens=100)
    assert waits(limiter, limits, T, tokens=90) == 0
    assert [waits(limiter, limits, T, tokens=20) for _ in range(20)] == [6_000] * 20
    assert waits(limiter, limits, T, tokens=10) == 0


def test_limits_of_one_model_leave_the_others_alone(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=1)
    assert waits(limiter, limits, T) == 0
    assert limiter.take(RateKey("acme", "small"), limits=limits, now=T).wait_ms == 0


def test_without_limits_nothing_waits(limiter: RateLimiter) -> None:
    assert all(waits(limiter, RateLimits(), T, tokens=10**9) == 0 for _ in range(100))


def test_a_changed_limit_holds_at_once(limiter: RateLimiter) -> None:
    for _ in range(3):
        assert waits(limiter, RateLimits(requests=3), T) == 0
    assert waits(limiter, RateLimits(requests=4), T) == 0
    assert waits(limiter, RateLimits(requests=2), T) == 90_000


def test_more_than_the_whole_limit_passes_an_idle_bucket_and_is_paid_off(
    limiter: RateLimiter,
) -> None:
    limits = RateLimits(tokens=1_000)
    assert waits(limiter, limits, T, tokens=3_000) == 0
    assert waits(limiter, limits, T, tokens=1) == 2 * MINUTE_MS + 60
    assert waits(limiter, limits, T + MINUTE_MS, tokens=3_000) == 2 * MINUTE_MS


def test_asking_for_the_wait_takes_nothing(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=1)
    assert limiter.wait_ms(KEY, limits=limits, now=T) == 0
    assert waits(limiter, limits, T) == 0
    assert limiter.wait_ms(KEY, limits=limits, now=T) == MINUTE_MS


def test_unused_tokens_come_back(limiter: RateLimiter) -> None:
    limits = RateLimits(tokens=1_000)
    taken = limiter.take(KEY, limits=limits, now=T, tokens=1_000)
    limiter.give_back(taken, now=T, tokens=600)
    assert waits(limiter, limits, T, tokens=600) == 0
    assert waits(limiter, limits, T, tokens=1) > 0


def test_tokens_that_drained_meanwhile_do_not_come_back_twice(limiter: RateLimiter) -> None:
    limits = RateLimits(tokens=1_000)
    taken = limiter.take(KEY, limits=limits, now=T, tokens=500)
    later = T + 30_000
    assert waits(limiter, limits, later, tokens=1_000) == 0
    limiter.give_back(taken, now=later, tokens=500)
    assert waits(limiter, limits, later, tokens=1) > 0


def test_a_refusal_gives_nothing_back(limiter: RateLimiter) -> None:
    limits = RateLimits(tokens=100)
    assert waits(limiter, limits, T, tokens=100) == 0
    refused = limiter.take(KEY, limits=limits, now=T, tokens=100)
    limiter.give_back(refused, now=T, tokens=100)
    assert waits(limiter, limits, T, tokens=1) > 0


def test_a_request_that_was_not_sent_comes_back(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=1)
    limiter.give_back(limiter.take(KEY, limits=limits, now=T), now=T, requests=1)
    assert waits(limiter, limits, T) == 0


@pytest.mark.parametrize("step", [1, 59_999, 60_001, 86_400_000])
def test_a_clock_that_steps_back_refills_nothing(limiter: RateLimiter, step: int) -> None:
    limits = RateLimits(requests=2)
    assert [waits(limiter, limits, T) for _ in range(2)] == [0, 0]
    assert waits(limiter, limits, T - step) > 0


def test_after_a_long_step_back_it_refills_with_the_new_clock(limiter: RateLimiter) -> None:
    limits = RateLimits(requests=2)
    assert [waits(limiter, limits, T) for _ in range(2)] == [0, 0]
    back = T - 86_400_000
    assert waits(limiter, limits, back) == 30_000
    assert waits(limiter, limits, back + 30_000) == 0


@pytest.mark.parametrize("limits", [RateLimits(requests=0), RateLimits(tokens=-1)])
def test_a_limit_below_one_is_refused(limiter: RateLimiter, limits: RateLimits) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        limiter.take(KEY, limits=limits, now=T)


def test_negative_amounts_are_refused(limiter: RateLimiter) -> None:
    limits = RateLimits(tokens=5)
    with pytest.raises(ValueError, match="negative"):
        limiter.take(KEY, limits=limits, now=T, tokens=-1)
    with pytest.raises(ValueError, match="negative"):
        limiter.give_back(Taken(KEY, limits, 0), now=T, tokens=-1)


MOVES = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 999, 20_000, 40_000]),  # ms since the move before
        st.sampled_from([1, 20, 50, 99, 100, 101, 120]),  # tokens asked for
        st.sampled_from([0, 50, 90, 100]),  # percent of them that stay unused
        st.integers(0, 3),  # moves until the unused ones are given back
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(limit=st.sampled_from([90, 100, 107]), moves=MOVES)
def test_no_span_of_time_ever_uses_more_than_the_limit_and_its_refill(
    limit: int, moves: list[tuple[int, int, int, int]]
) -> None:
    used = _play(RateLimits(tokens=limit), moves)
    for first in range(len(used)):
        total = 0
        for now, tokens in used[first:]:
            total += tokens
            # What passed an empty bucket at once may exceed the limit; its refill is waited for.
            burst = max([limit, *(t for _, t in used[first:] if t > limit)])
            assert total * MINUTE_MS <= burst * MINUTE_MS + (now - used[first][0]) * limit


def _play(limits: RateLimits, moves: list[tuple[int, int, int, int]]) -> list[tuple[int, int]]:
    """Take and give back; return when how many tokens were really used."""
    now, used, due = T, [], []
    with tempfile.TemporaryDirectory() as folder, Database.open(Path(folder) / "r.db") as database:
        limiter = RateLimiter(database)
        for turn, (step, tokens, unused, delay) in enumerate(moves):
            now += step
            for entry in [entry for entry in due if entry[0] <= turn]:
                limiter.give_back(entry[1], now=now, tokens=entry[2])
                due.remove(entry)
            taken = limiter.take(KEY, limits=limits, now=now, requests=0, tokens=tokens)
            if taken.wait_ms == 0:
                back = tokens * unused // 100
                due.append((turn + delay + 1, taken, back))
                used.append((now, tokens - back))
            else:
                waited = limiter.wait_ms(KEY, limits=limits, now=now, requests=0, tokens=tokens)
                assert waited == taken.wait_ms
    return used
