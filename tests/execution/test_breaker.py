"""Circuit breaker, cooldown and Retry-After, as an execution meets them."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from mcp_router.errors import FallbackExhaustedError
from mcp_router.execution.routes import fingerprint
from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.limiter import RateLimits
from mcp_router.storage.periods import to_ms
from mcp_router.testing.behaviours import Answer, Fault
from tests.execution.kitchen import Kitchen, assert_whole

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def state_of(kitchen: Kitchen, model: str) -> str:
    key = BreakerKey("fault-openai", model)
    now = to_ms(datetime.now(UTC))
    return Breaker(kitchen.store.database).check([key], now=now)[key].state


def open_circuit(kitchen: Kitchen, model: str) -> None:
    breaker, key = Breaker(kitchen.store.database), BreakerKey("fault-openai", model)
    now = to_ms(datetime.now(UTC))
    for _ in range(3):
        breaker.failure(breaker.override(key, now=now), now=now)
    assert state_of(kitchen, model) == "open"


def outcomes(error: FallbackExhaustedError) -> list[str]:
    return [one.outcome for one in error.attempts]


@both
async def test_a_model_that_keeps_failing_is_left_alone(kitchen: Kitchen, stream: bool) -> None:
    kitchen.serve("sick", Fault.http(500))
    kitchen.serve("well")
    for _ in range(4):
        assert_whole(await kitchen.answer(stream=stream))
    assert state_of(kitchen, "sick") == "open"
    # Twice by the first request and once by the second, which opened the circuit.
    assert kitchen.calls_of("sick") <= 4
    done = await kitchen.answer(stream=stream)
    assert [one.outcome for one in done.attempts] == ["breaker_open", "ok"]
    failures = kitchen.rows("SELECT DISTINCT failure FROM fallback_events ORDER BY 1")
    assert failures == [("breaker_open",), ("server_error",)]


@both
async def test_where_every_circuit_is_open_the_least_bad_is_tried(
    kitchen: Kitchen, stream: bool
) -> None:
    for name in ("first", "second"):
        kitchen.serve(name)
        open_circuit(kitchen, name)
    done = await kitchen.answer(stream=stream)
    assert [one.outcome for one in done.attempts] == ["breaker_open", "breaker_open", "ok"]
    assert_whole(done)


async def test_one_probe_is_let_through_and_heals_the_circuit(kitchen: Kitchen) -> None:
    clock = Clock()
    kitchen.serve("sick", *[Fault.http(503)] * 3, Answer(header_delay=0.1), healthy_then=True)
    kitchen.serve("well")
    executor = kitchen.build(clock=clock)
    request = kitchen.request()
    decision = kitchen.decide(request)
    for _ in range(3):
        await executor.execute(request, decision=decision)
    assert kitchen.calls_of("sick") == 3
    clock.now += timedelta(seconds=40)
    done = await asyncio.gather(*(executor.execute(request, decision=decision) for _ in range(8)))
    assert sorted(one.model for one in done) == ["sick", *["well"] * 7]
    assert kitchen.calls_of("sick") == 4
    assert state_of(kitchen, "sick") == "closed"


async def test_a_cancelled_probe_is_given_back(kitchen: Kitchen) -> None:
    clock = Clock()
    kitchen.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    kitchen.serve("sick", *[Fault.http(503)] * 3, Fault.silence(), healthy_then=True)
    kitchen.serve("well")
    executor = kitchen.build(clock=clock)
    request = kitchen.request()
    decision = kitchen.decide(request)
    for _ in range(3):
        await executor.execute(request, decision=decision)
    clock.now += timedelta(seconds=40)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: executor.execute(request, decision=decision))
        await kitchen.server.wait_until(lambda _: kitchen.calls_of("sick") == 4)
        group.cancel_scope.cancel()
    assert kitchen.rows("SELECT probe_until FROM breakers WHERE model = 'sick'") == [(0,)]
    assert (await executor.execute(request, decision=decision)).model == "sick"


@both
async def test_a_moment_of_retry_after_is_waited_at_the_same_model(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("m", Fault.http(429, retry_after="0.3"), healthy_then=True)
    kitchen.serve("other")
    done = await kitchen.answer(stream=stream)
    assert [one.outcome for one in done.attempts] == ["rate_limited", "ok"]
    assert done.model == "m"
    first, second = (call.time for call in kitchen.server.calls)
    assert second - first >= 0.3
    rows = kitchen.rows("SELECT model, source, retry_after_ms FROM rate_limit_events")
    assert rows == [("m", "provider", 300)]


async def test_a_longer_retry_after_is_spent_at_the_next_model_and_kept_for_later(
    kitchen: Kitchen,
) -> None:
    kitchen.serve("m", Fault.http(429, retry_after=30), healthy_then=True)
    kitchen.serve("other")
    assert (await kitchen.execute()).model == "other"
    assert state_of(kitchen, "m") == "cooldown"
    done = await kitchen.execute()
    assert [one.outcome for one in done.attempts] == ["rate_limited", "ok"]
    assert kitchen.calls_of("m") == 1


async def test_a_longer_retry_after_is_waited_where_nothing_else_is_left(kitchen: Kitchen) -> None:
    kitchen.serve("m", Fault.http(429, retry_after="1.2"), healthy_then=True)
    began = time.monotonic()
    assert_whole(await kitchen.execute())
    assert time.monotonic() - began >= 1.2
    assert kitchen.waits == [pytest.approx(1.2, abs=0.05)]


async def test_an_absurd_retry_after_is_an_error_at_once_and_one_doubt_for_the_next(
    kitchen: Kitchen,
) -> None:
    kitchen.serve("m", Fault.http(429, retry_after=276_480))
    began = time.monotonic()
    with pytest.raises(FallbackExhaustedError) as first:
        await kitchen.execute()
    assert outcomes(first.value) == ["rate_limited"]
    # Nothing else is left, so the next request asks once instead of failing unasked.
    with pytest.raises(FallbackExhaustedError) as second:
        await kitchen.execute()
    assert outcomes(second.value) == ["rate_limited", "rate_limited"]
    assert kitchen.calls_of("m") == 2
    assert time.monotonic() - began < 1.0


async def test_a_limit_without_a_word_of_how_long_goes_to_the_next_model(kitchen: Kitchen) -> None:
    kitchen.serve("m", Fault.http(429), healthy_then=True)
    kitchen.serve("other")
    assert (await kitchen.execute()).model == "other"


async def test_a_refused_key_has_a_circuit_of_its_own(kitchen: Kitchen) -> None:
    kitchen.serve("m", Fault.http(401))
    with pytest.raises(FallbackExhaustedError, match="key"):
        await kitchen.execute()
    kitchen.server.script("m", [])
    assert_whole(await kitchen.execute())
    assert fingerprint("one") != fingerprint("two")
    assert fingerprint("") == ""


async def test_our_own_limit_is_waited_for_a_moment(kitchen: Kitchen) -> None:
    # 120 a minute drain every half second.
    kitchen.limits = {"m": RateLimits(requests=2, tokens=None)}
    kitchen.serve("m")
    kitchen.serve("other")
    models = [(await kitchen.execute()).model for _ in range(4)]
    assert models == ["m", "m", "other", "other"]
    rows = kitchen.rows("SELECT DISTINCT model, source FROM rate_limit_events")
    assert rows == [("m", "local")]


async def test_tokens_that_were_not_used_are_given_back_to_the_limit(kitchen: Kitchen) -> None:
    kitchen.limits = {"m": RateLimits(tokens=3_000)}
    kitchen.serve("m")
    for _ in range(5):
        assert (await kitchen.execute()).model == "m"
    # Only what was used is gone: five short answers, not five estimates.
    (used,) = kitchen.rows("SELECT tokens / 60000 FROM rate_buckets")[0]
    assert 0 < used < 600


async def test_a_missing_key_says_which_variable_before_anything_is_sent(kitchen: Kitchen) -> None:
    kitchen.providers = {"fault-openai": {"api_key_env": "FAULT_KEY"}}
    kitchen.serve("m")
    with pytest.raises(FallbackExhaustedError, match="the key is missing"):
        await kitchen.execute()
    assert kitchen.server.calls == ()


async def test_keys_come_from_the_environment_and_stay_out_of_the_books(kitchen: Kitchen) -> None:
    kitchen.providers = {"fault-openai": {"api_key_env": "FAULT_KEY"}}
    kitchen.environ = {"FAULT_KEY": "sk-very-secret"}
    kitchen.serve("m", Fault.http(500), healthy_then=True)
    done = await kitchen.execute()
    assert kitchen.server.calls[0].headers["authorization"] == "Bearer sk-very-secret"
    with kitchen.store.database.reading() as connection:
        dump = "\n".join(connection.iterdump())
    assert "very-secret" not in dump + done.model_dump_json()
