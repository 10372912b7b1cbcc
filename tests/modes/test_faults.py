"""Whatever goes wrong at one model, the others carry on, and nothing stays behind."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from mcp_router import RouterError
from mcp_router.money import to_nanos
from mcp_router.testing import Answer, Fault
from mcp_router.testing.behaviours import Behaviour
from mcp_router.testing.catalogue import QUICK
from mcp_router.testing.neutral import WireName
from tests.modes.theatre import GOOD, Theatre, costs

MODES = ("cascade", "ensemble", "redundant")
WIRES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
# Healthy in their own way: the answer of the faulty model may be the one that is taken.
HARMLESS = {"no_end", "no_usage", "output_limit", "small_segments"}
# What is refused for its content or form is not offered to another model of a cascade.
ENDS = {"request_invalid", "content_filter_prompt", "content_filter_answer"}


@pytest.mark.parametrize("fault", sorted(QUICK))
async def test_one_faulty_model_costs_no_answer_and_no_money_twice(
    theatre: Theatre, fault: str
) -> None:
    for at, mode in enumerate(MODES):
        theatre.serve(f"faulty-{mode}", QUICK[fault], wire=WIRES[(len(fault) + at) % 3])
    theatre.serve("calm", Answer(GOOD))
    for mode in MODES:
        before, calls = theatre.spent(), theatre.calls_of("calm")
        models = [f"faulty-{mode}", "calm"]
        if fault in ENDS and mode == "cascade":
            with pytest.raises(RouterError):
                await theatre.play(mode, models=models)
            assert theatre.calls_of("calm") == calls
            continue
        done = await theatre.play(mode, models=models)
        assert done.content == GOOD or fault in HARMLESS
        assert costs(done) == theatre.spent() - before == to_nanos(done.cost_usd or 0)
        assert done.model in {one.model for one in done.answers if one.won}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "behaviour",
    [Fault.silence(), Fault.stall(after=2), Answer(GOOD, chunk_delay=30.0)],
    ids=["silent", "stalled", "slow"],
)
async def test_cancelling_leaves_no_task_connection_or_reservation(
    theatre: Theatre, mode: str, behaviour: Behaviour
) -> None:
    theatre.fallback |= {"first_token_ms": 60_000, "idle_ms": 60_000, "timeout_ms": 60_000}
    for name in ("a", "b", "c"):
        theatre.serve(name, behaviour)
    options = {"hedge": False, "n": 3} if mode == "redundant" else {}
    wanted = 1 if mode == "cascade" else 3
    async with anyio.create_task_group() as group:

        async def play() -> None:
            await theatre.play(mode, **options)

        group.start_soon(play)
        await theatre.server.wait_until(lambda server: len(server.calls) == wanted)
        held = theatre.rows("SELECT sum(reserved_nanos) FROM ledger_entries WHERE state = 'open'")
        assert held[0][0] > 0
        group.cancel_scope.cancel()
    assert theatre.rows("SELECT * FROM ledger_entries WHERE state = 'open'") == []
    await theatre.server.wait_until(lambda server: len(server.abandoned) == wanted)
    await theatre.server.wait_until(lambda server: server.connections == 0)


async def test_many_at_once_never_pass_the_budget(theatre: Theatre) -> None:
    for name in ("a", "b", "c"):
        theatre.serve(name, Answer(GOOD, header_delay=0.02), price={"input": "3", "output": "15"})
    theatre.more = {"budget": {"daily": "0.06"}}
    warned = refused = 0

    async def one(mode: str) -> None:
        nonlocal warned, refused
        try:
            done = await theatre.play(mode)
        except RouterError:
            refused += 1
        else:
            warned += any("budget" in line for line in done.warnings)
            assert costs(done) == to_nanos(done.cost_usd or 0)

    async with asyncio.TaskGroup() as group:
        for at in range(24):
            group.create_task(one(MODES[at % 3]))
    assert warned + refused > 0
    assert theatre.spent() <= 60_000_000
