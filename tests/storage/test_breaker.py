"""The shared circuit breaker: when it opens, who may probe, and what a 429 does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_router.storage.breaker import Breaker, BreakerKey, Permit
from mcp_router.storage.circuit import CLOSED, Policy
from mcp_router.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = BreakerKey("acme", "large", "k1")
OTHER = BreakerKey("acme", "small", "k1")
T = 1_790_000_000_000
POLICY = Policy(open_ms=1_000, max_open_ms=8_000, probe_ms=500, cooldown_ms=200)


@pytest.fixture
def database(place: Path | str) -> Iterator[Database]:
    with Database.open(place) as opened:
        yield opened


@pytest.fixture
def breaker(database: Database) -> Breaker:
    return Breaker(database, policy=POLICY)


def call(breaker: Breaker, now: int, key: BreakerKey = KEY) -> Permit:
    permit = breaker.acquire(key, now=now)
    assert permit is not None
    return permit


def trip(breaker: Breaker, now: int, key: BreakerKey = KEY) -> None:
    for _ in range(POLICY.failures):
        breaker.failure(call(breaker, now, key), now=now)


def state(breaker: Breaker, now: int, key: BreakerKey = KEY) -> tuple[str, bool, int]:
    verdict = breaker.check([key], now=now)[key]
    return verdict.state, verdict.allowed, verdict.until


def test_a_key_that_never_reported_is_closed(breaker: Breaker) -> None:
    assert breaker.check([KEY, OTHER], now=T) == {KEY: CLOSED, OTHER: CLOSED}


def test_it_opens_on_the_third_failure_in_a_row_and_not_on_the_second(breaker: Breaker) -> None:
    for _ in range(2):
        breaker.failure(call(breaker, T), now=T)
    assert state(breaker, T) == ("closed", True, 0)
    breaker.failure(call(breaker, T), now=T)
    assert state(breaker, T) == ("open", False, T + 1_000)
    assert breaker.acquire(KEY, now=T + 999) is None


def test_a_success_in_between_starts_the_count_again(breaker: Breaker) -> None:
    for answer in (breaker.failure, breaker.failure, breaker.success) * 3:
        answer(call(breaker, T), now=T)
    assert state(breaker, T) == ("closed", True, 0)


def test_it_opens_on_a_high_failure_rate_without_a_run_of_failures(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.success(call(breaker, T), now=T)
        breaker.failure(call(breaker, T), now=T)
    assert state(breaker, T)[0] == "open"


def test_failures_of_an_earlier_window_do_not_count_in_the_rate(breaker: Breaker) -> None:
    for step in range(20):
        now = T + step * POLICY.window_ms // 4
        breaker.success(call(breaker, now), now=now)
        breaker.failure(call(breaker, now), now=now)
        assert state(breaker, now)[0] == "closed"


def test_other_models_stay_closed(breaker: Breaker) -> None:
    trip(breaker, T)
    same_model_other_key = KEY._replace(fingerprint="k2")
    assert breaker.check([OTHER, same_model_other_key], now=T) == {
        OTHER: CLOSED,
        same_model_other_key: CLOSED,
    }


def test_a_429_neither_counts_as_failure_nor_resets_the_count(breaker: Breaker) -> None:
    limited = call(breaker, T)
    for _ in range(2):
        breaker.failure(call(breaker, T), now=T)
    breaker.limited(limited, now=T, retry_after_ms=0)
    assert state(breaker, T) == ("closed", True, 0)
    breaker.failure(call(breaker, T), now=T)
    assert state(breaker, T)[0] == "open"


def test_any_number_of_429s_pauses_but_never_opens(breaker: Breaker) -> None:
    permit = call(breaker, T)
    for _ in range(20):
        breaker.limited(permit, now=T)
    assert state(breaker, T) == ("cooldown", False, T + 200)
    assert state(breaker, T + 200) == ("closed", True, 0)


def test_the_later_cooldown_wins_and_is_capped(breaker: Breaker) -> None:
    permit = call(breaker, T)
    breaker.limited(permit, now=T, retry_after_ms=5_000)
    breaker.limited(permit, now=T + 10, retry_after_ms=30)
    assert state(breaker, T + 10) == ("cooldown", False, T + 5_000)
    breaker.limited(permit, now=T + 20, retry_after_ms=10**12)
    assert state(breaker, T + 20) == ("cooldown", False, T + 20 + POLICY.max_cooldown_ms)


def test_a_failure_may_bring_its_own_pause(breaker: Breaker) -> None:
    breaker.failure(call(breaker, T), now=T, retry_after_ms=700)
    assert state(breaker, T) == ("cooldown", False, T + 700)


def test_half_open_allows_one_probe_and_its_success_closes(
    breaker: Breaker, database: Database
) -> None:
    trip(breaker, T)
    probe = call(breaker, T + 1_000)
    assert probe.probe
    assert Breaker(database, policy=POLICY).acquire(KEY, now=T + 1_001) is None
    assert state(breaker, T + 1_001) == ("half_open", False, T + 1_500)
    breaker.success(probe, now=T + 1_100)
    assert state(breaker, T + 1_100) == ("closed", True, 0)


def test_each_failed_probe_doubles_the_open_time_up_to_the_cap(breaker: Breaker) -> None:
    trip(breaker, T)
    now, waits = T, []
    for _ in range(6):
        until = state(breaker, now)[2]
        waits.append(until - now)
        now = until
        breaker.failure(call(breaker, now), now=now)
    assert waits == [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]


def test_the_open_time_starts_over_after_a_success(breaker: Breaker) -> None:
    trip(breaker, T)
    breaker.failure(call(breaker, T + 1_000), now=T + 1_000)
    breaker.success(call(breaker, T + 3_000), now=T + 3_000)
    trip(breaker, T + 4_000)
    assert state(breaker, T + 4_000) == ("open", False, T + 5_000)


def test_late_failures_move_the_deadline_later_without_doubling_it(breaker: Breaker) -> None:
    early = call(breaker, T)
    trip(breaker, T)
    breaker.failure(early, now=T + 600)
    assert state(breaker, T + 600) == ("open", False, T + 1_600)
    breaker.failure(early, now=T + 100)
    assert state(breaker, T + 600) == ("open", False, T + 1_600)


def test_a_success_that_began_before_the_outage_does_not_close(breaker: Breaker) -> None:
    early = call(breaker, T - 1)
    trip(breaker, T)
    breaker.success(early, now=T + 10)
    assert state(breaker, T + 10)[0] == "open"


def test_a_least_bad_call_that_succeeds_while_open_closes(breaker: Breaker) -> None:
    trip(breaker, T)
    permit = breaker.override(KEY, now=T + 10)
    assert not permit.probe
    breaker.success(permit, now=T + 20)
    assert state(breaker, T + 20) == ("closed", True, 0)


def test_a_cancelled_probe_frees_the_slot_at_once(breaker: Breaker) -> None:
    trip(breaker, T)
    breaker.cancel(call(breaker, T + 1_000))
    assert call(breaker, T + 1_000).probe == 2


def test_a_killed_prober_frees_the_slot_after_its_lease(breaker: Breaker) -> None:
    trip(breaker, T)
    lost = call(breaker, T + 1_000)
    assert breaker.acquire(KEY, now=T + 1_499) is None
    second = call(breaker, T + 1_500)
    breaker.cancel(lost)
    assert breaker.acquire(KEY, now=T + 1_501) is None
    breaker.success(second, now=T + 1_510)
    assert state(breaker, T + 1_510)[0] == "closed"


def test_a_probe_that_meets_a_429_decides_nothing(breaker: Breaker) -> None:
    trip(breaker, T)
    breaker.limited(call(breaker, T + 1_000), now=T + 1_000, retry_after_ms=300)
    assert state(breaker, T + 1_000) == ("cooldown", False, T + 1_300)
    assert state(breaker, T + 1_300) == ("half_open", True, 0)


def test_with_everything_blocked_the_least_bad_is_the_soonest(breaker: Breaker) -> None:
    breaker.limited(call(breaker, T, OTHER), now=T, retry_after_ms=400)
    trip(breaker, T)
    assert breaker.least_bad([KEY, OTHER], now=T) == OTHER
    assert breaker.least_bad([KEY], now=T) == KEY
    assert breaker.least_bad([KEY, OTHER, BreakerKey("acme", "new")], now=T)[1] == "new"
    assert breaker.least_bad([], now=T) is None


def test_a_clock_that_steps_back_does_not_block_a_model_for_as_long(breaker: Breaker) -> None:
    trip(breaker, T + 86_400_000)
    assert state(breaker, T) == ("half_open", True, 0)
    breaker.success(call(breaker, T), now=T)
    assert state(breaker, T) == ("closed", True, 0)


def test_reset_forgets_the_outage(breaker: Breaker) -> None:
    trip(breaker, T)
    breaker.reset(KEY)
    assert state(breaker, T) == ("closed", True, 0)


def test_a_probe_that_was_out_at_a_reset_cannot_close_a_later_outage(breaker: Breaker) -> None:
    trip(breaker, T)
    probe = call(breaker, T + 1_000)
    assert probe.probe
    breaker.reset(KEY)
    trip(breaker, T + 2_000)
    breaker.success(probe, now=T + 2_001)
    assert state(breaker, T + 2_002)[0] == "open"


def test_a_reset_of_what_never_failed_writes_nothing(breaker: Breaker) -> None:
    breaker.reset(BreakerKey("acme", "never"))
    assert breaker.check([BreakerKey("acme", "never")], now=T)[BreakerKey("acme", "never")].allowed


def test_the_blocked_are_those_that_are_open_or_cool(breaker: Breaker) -> None:
    assert breaker.blocked(now=T) == {}
    breaker.limited(call(breaker, T, OTHER), now=T, retry_after_ms=400)
    trip(breaker, T)
    found = breaker.blocked(now=T)
    assert {key: one.state for key, one in found.items()} == {KEY: "open", OTHER: "cooldown"}
    assert list(breaker.blocked(now=T + 500)) == [KEY]
    assert breaker.blocked(now=T + 1_000) == {}, "whoever may be probed is not blocked"
