"""Whatever providers do, in whatever order: the books say what every attempt says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.errors import FallbackExhaustedError, RouterError
from mcp_router.money import to_nanos
from mcp_router.testing.behaviours import Answer, Behaviour, Fault
from mcp_router.testing.neutral import WireName
from mcp_router.types import Attempt, Completion, Usage
from tests.execution.kitchen import Kitchen, whole
from tests.execution.pantry import new_kitchen

SOME = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PRICE = {"input": "3", "output": "15", "cache_read": "0.3", "cache_write": "3.75"}
# Nano-dollars for one token of each bucket, at the prices above.
NANOS = {
    "input_tokens": 3_000,
    "cache_read_tokens": 300,
    "cache_write_tokens": 3_750,
    "reasoning_tokens": 15_000,
    "output_tokens": 15_000,
}
USAGES = st.builds(
    Usage,
    input_tokens=st.integers(0, 300),
    cache_read_tokens=st.integers(0, 300),
    reasoning_tokens=st.integers(0, 99),
    output_tokens=st.integers(0, 300),
)
ANSWERS = st.builds(
    lambda text, usage: Answer(text, usage=usage), st.sampled_from(["", "done", "世界 🙂"]), USAGES
)
FAULTS = st.one_of(
    ANSWERS,
    st.builds(lambda after, answer: Fault.cut(after=after, answer=answer), st.integers(0, 4),
              ANSWERS),
    st.sampled_from(
        [
            Fault.http(500),
            Fault.http(503),
            Fault.http(404),
            Fault.http(400),
            Fault.http(429, retry_after="0"),
            Fault.context_length(),
            Fault.content_filter(),
            Fault.content_filter(at="answer"),
            Fault.malformed(),
            Fault.no_end(),
            Fault.no_usage(),
            Fault.truncated(),
            Fault.html(),
            Fault.error_in_200(),
            Fault.error_in_200(after=2),
            Fault.no_choices(),
            Fault.empty_body(),
            Fault.garbage(),
            Fault.reset("mid_body"),
            Fault.disconnect("mid_stream"),
        ]
    ),
)  # fmt: skip
MENUS = st.lists(
    st.tuples(
        st.sampled_from(["openai", "anthropic", "gemini"]),
        st.lists(FAULTS, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=3,
)
Menu = Sequence[tuple[WireName, Sequence[Behaviour]]]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@asynccontextmanager
async def kitchen_for(menu: Menu, **fallback: Any) -> AsyncIterator[Kitchen]:
    async with new_kitchen() as kitchen:
        kitchen.budget = {"daily": "100"}
        kitchen.fallback |= fallback
        for number, (wire, behaviours) in enumerate(menu):
            kitchen.serve(f"m{number}", *behaviours, wire=wire, price=PRICE)
        yield kitchen


def nanos_of(attempt: Attempt) -> int:
    """Work out what an attempt costs from its tokens alone."""
    used = {} if attempt.usage is None else attempt.usage.model_dump()
    return sum(used[name] * nanos for name, nanos in NANOS.items()) if used else 0


async def outcome(
    kitchen: Kitchen, *, stream: bool
) -> tuple[Completion | None, RouterError | None]:
    request = kitchen.request()
    decision = kitchen.decide(request)
    try:
        if not stream:
            return await kitchen.executor.execute(request, decision=decision), None
        run = kitchen.executor.stream(request, decision=decision)
        return whole([event async for event in run]), None
    except RouterError as error:
        return None, error


def run_in(runner: asyncio.Runner, work: Coroutine[Any, Any, None]) -> None:
    runner.run(work)


@SOME
@given(menu=MENUS, stream=st.booleans(), most=st.integers(1, 5))
def test_the_ledger_is_the_sum_of_all_attempts_at_the_prices_of_their_tokens(
    runner: asyncio.Runner, menu: Menu, stream: bool, most: int
) -> None:
    async def check() -> None:
        async with kitchen_for(menu, max_attempts=most) as kitchen:
            done, error = await outcome(kitchen, stream=stream)
            attempts = attempts_of(kitchen, done, error)
            assert kitchen.spent() == sum(nanos for _, nanos in attempts)
            if done is None:
                return
            for attempt in done.attempts:
                assert to_nanos(attempt.cost_usd or 0) == nanos_of(attempt)
            assert [
                to_nanos(one.cost_usd or 0) for one in done.attempts if one.latency_ms >= 0
            ] == [nanos for _, nanos in attempts]
            assert done.cost_usd == done.attempts[-1].cost_usd
            assert done.attempts[-1].outcome == "ok"

    run_in(runner, check())


def attempts_of(
    kitchen: Kitchen, done: Completion | None, error: RouterError | None
) -> list[tuple[str, int]]:
    """What the records say of each attempt; they and the result name the same ones."""
    rows = kitchen.rows(
        "SELECT model, coalesce(cost_nanos, 0) FROM routing_outcomes "
        "WHERE source = 'execution' ORDER BY seq"
    )
    told = [] if done is None else done.attempts
    if isinstance(error, FallbackExhaustedError):
        told = error.attempts
    if told:
        tried = [one for one in told if one.model in {model for model, _ in rows}]
        assert [one.model for one in tried] == [model for model, _ in rows]
    return [(model, nanos) for model, nanos in rows]


@SOME
@given(menu=MENUS, stream=st.booleans(), most=st.integers(1, 5), again=st.integers(0, 3))
def test_no_more_calls_are_made_than_the_settings_allow(
    runner: asyncio.Runner, menu: Menu, stream: bool, most: int, again: int
) -> None:
    async def check() -> None:
        async with kitchen_for(menu, max_attempts=most, max_retries=again) as kitchen:
            done, error = await outcome(kitchen, stream=stream)
            calls = kitchen.server.calls
            assert 1 <= len(calls) <= most
            assert all(kitchen.calls_of(name) <= 1 + again for name in kitchen.names)
            assert (done is None) != (error is None)
            if error is not None:
                assert "127.0.0.1" not in str(error)

    run_in(runner, check())
