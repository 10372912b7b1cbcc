"""Synchronous callers over asynchronous work: no deadlock, nothing lost, nothing left running."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from langchain_mcp_router.bridge import Bridge

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


async def who() -> str:
    await asyncio.sleep(0)
    return WHO.get()


async def counting(upto: int, *, closed: list[bool]) -> AsyncGenerator[int]:
    try:
        for number in range(upto):
            yield number
    finally:
        closed.append(True)


def test_it_runs_within_a_running_loop_and_keeps_the_callers_context() -> None:
    bridge = Bridge()

    async def main() -> str:
        WHO.set("me")
        return bridge.run(who)

    assert asyncio.run(main()) == "me"
    assert bridge.run(who) == "nobody"
    bridge.close()


def test_work_that_calls_back_does_not_wait_for_itself() -> None:
    bridge = Bridge()

    async def outer() -> tuple[str, list[int]]:
        return bridge.run(who), list(bridge.iterate(lambda: counting(3, closed=[])))

    assert bridge.run(outer) == ("nobody", [0, 1, 2])
    bridge.close()


def test_many_threads_share_one() -> None:
    bridge = Bridge()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: bridge.run(who), range(64)))
    assert found == ["nobody"] * 64
    bridge.close()


def test_what_goes_wrong_is_raised_where_the_caller_waits() -> None:
    bridge = Bridge()

    async def wrong() -> AsyncGenerator[int]:
        yield 1
        raise ValueError("no")

    heard: list[int] = []
    with pytest.raises(ValueError, match="no"):
        heard.extend(bridge.iterate(wrong))
    assert heard == [1]
    bridge.close()


def test_closing_early_closes_the_generator_before_it_returns() -> None:
    bridge, closed = Bridge(), list[bool]()
    steps = bridge.iterate(lambda: counting(9, closed=closed))
    assert next(steps) == 0
    steps.close()
    assert closed == [True]
    bridge.close()


def test_a_step_is_taken_only_when_it_is_asked_for() -> None:
    bridge, taken = Bridge(), list[int]()

    async def eager() -> AsyncGenerator[int]:
        for number in range(5):
            taken.append(number)
            yield number

    steps = bridge.iterate(eager)
    next(steps)
    assert bridge.run(who) == "nobody"
    assert taken == [0]
    assert list(steps) == [1, 2, 3, 4]
    bridge.close()


def test_a_bridge_that_is_closed_or_forgotten_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    bridge = Bridge()
    for _ in range(2):
        bridge.run(who)
        bridge.close()
    forgotten = Bridge()
    forgotten.run(who)
    del forgotten
    gc.collect()
    assert set(threading.enumerate()) <= before
