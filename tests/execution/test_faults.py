"""Every fault, plain and streamed, on every wire: a whole answer, or one clear error in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import get_args

import pytest

from mcp_router.errors import (
    ContentFilteredError,
    ContextLengthError,
    FallbackExhaustedError,
    ProviderHTTPError,
)
from mcp_router.execution.policy import Kind
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Fault
from mcp_router.testing.catalogue import BEHAVIOURS
from mcp_router.testing.neutral import WireName
from tests.execution.kitchen import PROMPT, WEATHER, Kitchen, assert_whole, whole

WIRES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
HEALTHY_ENOUGH = (
    *("healthy", "no_usage", "small_segments", "output_limit", "slow_stream"),
    *("slow_headers", "slow_first_token"),
)
# What the caller asked for ends a request, whoever is asked.
CAUSED = ("request_invalid", "content_filter_prompt", "content_filter_answer")
FAULTS = [name for name in BEHAVIOURS if name not in (*CAUSED, "huge")]
KINDS = frozenset(get_args(Kind))

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
every_wire = pytest.mark.parametrize("wire", WIRES)


class Cook:
    """Serves every fault under its own name and meets them several at a time.

    One at a time the waits for silent routes would add up to minutes.
    """

    def __init__(self, kitchen: Kitchen, *, wire: WireName) -> None:
        self.kitchen = kitchen
        kitchen.fallback |= {"first_token_ms": 1_500, "idle_ms": 1_500, "timeout_ms": 12_000}
        for name in FAULTS:
            kitchen.serve(name, BEHAVIOURS[name], wire=wire)
        self.next = f"healthy-{wire}"
        kitchen.serve(self.next, wire=WIRES[(WIRES.index(wire) + 1) % 3], context=256_000)

    async def each(self, meet: Callable[[str], Awaitable[None]]) -> None:
        """Meet every fault; a failure names all that failed."""
        turn = asyncio.Semaphore(16)

        async def one(name: str) -> None:
            async with turn:
                await meet(name)

        results = await asyncio.gather(*map(one, FAULTS), return_exceptions=True)
        met = zip(FAULTS, results, strict=True)
        assert [(name, failed) for name, failed in met if failed is not None] == []


def is_fit(name: str, *, wire: WireName, stream: bool) -> bool:
    """Whether a behaviour leaves the answer whole: a stream's end marker is only decoration."""
    decorated = name == "no_end" and stream and wire != "gemini"
    return decorated or name in HEALTHY_ENOUGH


@both
@every_wire
async def test_every_fault_is_survived_while_another_model_is_healthy(
    kitchen: Kitchen, wire: WireName, stream: bool
) -> None:
    cook = Cook(kitchen, wire=wire)

    async def meet(name: str) -> None:
        began = time.monotonic()
        done = await kitchen.answer(stream=stream, chain=(name, cook.next))
        assert time.monotonic() - began < 12.5
        assert done.content == echo(PROMPT)
        assert done.finish_reason == ("length" if name == "output_limit" else "stop")
        if name == "output_limit":
            assert any("token limit" in warning for warning in done.warnings)
        assert {attempt.outcome for attempt in done.attempts} <= KINDS
        assert done.attempts[-1].outcome == "ok"
        assert kitchen.calls_of(name) <= 2

    await cook.each(meet)


@both
@every_wire
async def test_without_another_model_every_fault_is_one_clear_error_in_time(
    kitchen: Kitchen, wire: WireName, stream: bool
) -> None:
    cook = Cook(kitchen, wire=wire)
    kitchen.fallback |= {"timeout_ms": 1_200}

    async def meet(name: str) -> None:
        began = time.monotonic()
        if is_fit(name, wire=wire, stream=stream):
            done = await kitchen.answer(stream=stream, chain=(name,))
            assert done.content == echo(PROMPT)
        else:
            expected = ContextLengthError if name == "context_length" else FallbackExhaustedError
            with pytest.raises(expected, match=name):
                await kitchen.answer(stream=stream, chain=(name,))
            assert time.monotonic() - began < 1.8
        assert kitchen.calls_of(name) <= 2

    await cook.each(meet)


@both
@every_wire
@pytest.mark.parametrize("name", CAUSED)
async def test_what_the_caller_caused_ends_the_request_at_once(
    kitchen: Kitchen, name: str, wire: WireName, stream: bool
) -> None:
    kitchen.serve("first", BEHAVIOURS[name], wire=wire)
    kitchen.serve("second")
    expected = ContentFilteredError if "filter" in name else ProviderHTTPError
    with pytest.raises(expected):
        await kitchen.answer(stream=stream)
    assert (kitchen.calls_of("first"), kitchen.calls_of("second")) == (1, 0)


@both
@every_wire
async def test_a_failure_that_passes_is_retried_at_the_same_model(
    kitchen: Kitchen, wire: WireName, stream: bool
) -> None:
    kitchen.serve("only", Fault.http(500), wire=wire, healthy_then=True)
    done = await kitchen.answer(stream=stream)
    assert_whole(done)
    assert [one.outcome for one in done.attempts] == ["server_error", "ok"]


@every_wire
@pytest.mark.parametrize(
    "fault",
    [Fault.cut(inside="tool_call"), Fault.reset("mid_stream", after=4), Fault.stall(after=3)],
    ids=["cut", "reset", "stall"],
)
async def test_a_tool_call_is_told_whole_or_not_at_all(
    kitchen: Kitchen, wire: WireName, fault: Fault
) -> None:
    kitchen.serve("first", fault, wire=wire)
    kitchen.serve("second", wire=WIRES[(WIRES.index(wire) + 1) % 3])
    events = await kitchen.stream(
        prompt='What is the weather in "Oslo"?', tools=(WEATHER,), tool_choice="required"
    )
    done = whole(events)
    assert done.model == "second"
    assert [call.name for call in done.tool_calls] == ["weather"]
    assert done.finish_reason == "tool_calls"
    # Nothing had been told of the first stream, so there is nothing to take back.
    assert "restart" not in [event.type for event in events]
