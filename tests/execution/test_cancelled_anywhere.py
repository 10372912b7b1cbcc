"""A caller may give up at any moment: nothing stays reserved, out on probe, or connected."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.neutral import WireName
from tests.execution.conftest import assert_books_hold
from tests.execution.kitchen import Kitchen
from tests.stepping import cancelled_everywhere

SLOW = Answer("0123456789" * 3, chunks=8, chunk_delay=0.003)
WIRES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
PRICE = {"input": "3", "output": "15"}


async def assert_nothing_is_held(kitchen: Kitchen) -> None:
    assert kitchen.reserved() == 0
    assert_books_hold(kitchen)
    # A breaker that opened would make the runs that follow other runs.
    with kitchen.store.database.transaction() as connection:
        connection.execute("DELETE FROM breakers")
    with anyio.fail_after(5):
        await kitchen.server.wait_until(lambda server: server.connections <= 1)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_plain_call_cancelled_at_any_await_leaves_nothing(
    kitchen: Kitchen, wire: WireName
) -> None:
    kitchen.budget = {"daily": "100"}
    # A connection that is lost makes the next run open another.
    kitchen.serve("bad", Fault.disconnect("mid_body"), wire=wire, price=PRICE)
    kitchen.serve("good", SLOW, wire=wire, price=PRICE)
    stopped = await cancelled_everywhere(
        kitchen.execute, after=lambda: assert_nothing_is_held(kitchen)
    )
    assert stopped >= 5
    assert kitchen.spent() > 0


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_cancelled_at_any_await_leaves_nothing(
    kitchen: Kitchen, wire: WireName
) -> None:
    kitchen.budget = {"daily": "100"}
    kitchen.serve("cut", Fault.cut(after=5, answer=SLOW), wire=wire, price=PRICE)
    kitchen.serve("good", SLOW, wire=wire, price=PRICE)
    stopped = await cancelled_everywhere(
        kitchen.stream, after=lambda: assert_nothing_is_held(kitchen)
    )
    assert stopped >= 10


async def test_a_retry_cancelled_at_any_await_leaves_nothing(kitchen: Kitchen) -> None:
    kitchen.budget = {"daily": "100"}
    kitchen.serve("m", SLOW)

    async def work() -> None:
        kitchen.server.script("m", [Fault.http(429, retry_after="0.01"), SLOW])
        await kitchen.execute()

    stopped = await cancelled_everywhere(work, after=lambda: assert_nothing_is_held(kitchen))
    assert stopped >= 4


async def test_a_lease_that_is_prolonged_meanwhile_is_given_back_too(kitchen: Kitchen) -> None:
    kitchen.budget = {"daily": "100"}
    kitchen.serve("m", Answer("slowly", header_delay=0.03))
    executor = kitchen.build(lease=0.02)

    async def work() -> None:
        request = kitchen.request()
        await executor.execute(request, decision=kitchen.decide(request))

    stopped = await cancelled_everywhere(work, after=lambda: assert_nothing_is_held(kitchen))
    assert stopped >= 5


@pytest.mark.parametrize("events", range(8))
async def test_a_reader_that_leaves_after_any_event_pays_for_what_it_got(
    kitchen: Kitchen, events: int
) -> None:
    kitchen.budget = {"daily": "100"}
    kitchen.serve("cut", Fault.cut(after=2, answer=SLOW), price=PRICE)
    kitchen.serve("good", SLOW, price=PRICE)
    request = kitchen.request()
    run = kitchen.executor.stream(request, decision=kitchen.decide(request))
    texts = 0
    async with aclosing(run) as told:
        for _ in range(events):
            event = await anext(told)
            texts += event.type == "delta"
    await assert_nothing_is_held(kitchen)
    assert (kitchen.spent() > 0) == (texts > 0)
