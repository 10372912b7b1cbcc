"""Many requests at once while half of everything fails: whole or refused, and the books hold."""

from __future__ import annotations

import asyncio
import random

import anyio
import pytest

from mcp_router.errors import FallbackExhaustedError, RouterError
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.catalogue import QUICK
from mcp_router.testing.neutral import WireName
from mcp_router.types import Media, Message, Text, Usage
from tests.execution.kitchen import PROMPT, WEATHER, Kitchen, assert_whole, whole

WIRES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
SLOWER = ("rate_limited_for_1s", "rate_limited_in_ms")


async def test_in_a_storm_every_answer_is_whole_and_belongs_to_its_question(
    kitchen: Kitchen,
) -> None:
    kitchen.fallback |= {"timeout_ms": 2_500, "first_token_ms": 2_000, "idle_ms": 2_000}
    kitchen.budget = {"daily": "100"}
    for wire in WIRES:
        kitchen.serve(f"m-{wire}", wire=wire)
    pool = [fault for name, fault in QUICK.items() if name not in SLOWER]
    kitchen.server.random_faults(rate=0.5, seed=1, pool=pool)
    answered = 0

    async def one(number: int) -> None:
        nonlocal answered
        prompt = f"Question number {number}, please."
        try:
            done = await kitchen.answer(stream=number % 2 == 0, prompt=prompt)
        except RouterError:
            return
        answered += 1
        assert done.content == echo(prompt)

    async with asyncio.TaskGroup() as group:
        for number in range(60):
            group.create_task(one(number))
    assert answered >= 40
    assert all(kitchen.calls_of(f"m-{wire}") <= 2 * 60 for wire in WIRES)


async def test_in_a_storm_of_cancellations_nothing_is_left_behind(kitchen: Kitchen) -> None:
    kitchen.serve("slow", Answer("0123456789" * 5, chunks=20, chunk_delay=0.005))
    kitchen.serve("cut", Fault.cut(after=3, answer=Answer(chunks=20)))
    rng = random.Random(3)

    async def one(number: int) -> None:
        with anyio.move_on_after(rng.uniform(0.0, 0.3)):
            chain = ("slow", "cut") if number % 2 else ("cut", "slow")
            await kitchen.answer(stream=number % 3 > 0, chain=chain)

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(one(number))
    # The fixture checks the books; here it is enough that money moved at all.
    assert kitchen.spent() > 0


async def test_cancelling_while_waiting_for_a_retry_holds_nothing(kitchen: Kitchen) -> None:
    kitchen.serve("m", Fault.http(429, retry_after="2"))
    with anyio.move_on_after(0.4) as scope:
        await kitchen.execute()
    assert scope.cancelled_caught
    assert kitchen.reserved() == 0
    assert kitchen.calls_of("m") == 1


async def test_a_part_that_one_wire_cannot_carry_goes_to_the_next(kitchen: Kitchen) -> None:
    kitchen.serve("deaf", wire="anthropic")
    kitchen.serve("hears", Answer("I hear the sea."), wire="gemini")
    clip = Media(media_type="audio/wav", data="UklGRg==")
    messages = [Message(role="user", content=(Text(text=PROMPT), clip))]
    done = await kitchen.execute(kitchen.request(messages))
    assert [one.outcome for one in done.attempts] == ["invalid_request", "ok"]
    assert done.content == "I hear the sea."
    # It never left this machine, so it is no call of that model.
    assert kitchen.rows("SELECT model FROM routing_outcomes") == [("hears",)]


async def test_an_explanation_of_tools_is_within_what_is_reserved(kitchen: Kitchen) -> None:
    kitchen.budget = {"daily": "1"}
    usage = Usage(input_tokens=60 + 530, output_tokens=20)
    kitchen.serve("m", Answer("No need.", usage=usage), wire="anthropic")
    done = await kitchen.execute(tools=(WEATHER,))
    assert done.usage == usage


async def test_an_executor_serves_one_event_loop_after_the_other(kitchen: Kitchen) -> None:
    kitchen.serve("m")
    request = kitchen.request()
    decision = kitchen.decide(request)
    executor = kitchen.executor

    def elsewhere() -> str:
        return asyncio.run(executor.execute(request, decision=decision)).content

    assert await asyncio.to_thread(elsewhere) == echo(PROMPT)
    assert_whole(await executor.execute(request, decision=decision))


async def test_a_ten_megabyte_answer_arrives_whole(kitchen: Kitchen) -> None:
    text = "0123456789abcdef" * 640_000
    kitchen.fallback |= {"first_token_ms": 10_000, "idle_ms": 10_000, "timeout_ms": 30_000}
    usage = Usage(input_tokens=10, output_tokens=100)
    kitchen.serve("m", Answer(text, usage=usage))
    assert (await kitchen.execute()).content == text
    assert whole(await kitchen.stream()).content == text


async def test_too_many_failures_are_one_error_and_one_row_each(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"max_attempts": 4, "max_retries": 0}
    for number in range(5):
        kitchen.serve(f"m{number}", Fault.http(500))
    with pytest.raises(FallbackExhaustedError) as caught:
        await kitchen.execute()
    assert [one.model for one in caught.value.attempts] == ["m0", "m1", "m2", "m3"]
    assert len(kitchen.rows("SELECT * FROM fallback_events")) == 4
