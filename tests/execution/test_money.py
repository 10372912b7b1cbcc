"""The money around every attempt: to the nano-dollar, whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal

import anyio
import pytest

from mcp_router.errors import (
    BudgetExceededError,
    ContentFilteredError,
    FallbackExhaustedError,
    ProviderError,
    UnpricedModelError,
)
from mcp_router.money import to_nanos
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.neutral import WireName
from mcp_router.types import Usage
from tests.execution.kitchen import PROMPT, Kitchen, assert_whole

USAGE = Usage(
    input_tokens=100,
    cache_read_tokens=40,
    cache_write_tokens=10,
    reasoning_tokens=25,
    output_tokens=60,
)
PRICE = {"input": "3", "output": "15", "cache_read": "0.3", "cache_write": "3.75"}
# 100 x 3 + 40 x 0.3 + 10 x 3.75 + 85 x 15 millionths of a dollar.
COST = Decimal("0.0016245")
DEAR = {"input": "1000", "output": "1000"}
FREE = {"input": "0", "output": "0"}

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@both
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_an_answer_costs_what_its_usage_says_in_every_bucket(
    kitchen: Kitchen, wire: WireName, stream: bool
) -> None:
    kitchen.serve("m", Answer("done", usage=USAGE), wire=wire, price=PRICE)
    done = await kitchen.answer(stream=stream)
    assert done.usage == USAGE
    assert done.cost_usd == COST
    assert kitchen.spent() == to_nanos(COST)


@both
async def test_a_fallback_is_priced_at_the_model_that_answered(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("dear", Fault.http(503), price=DEAR)
    kitchen.serve("cheap", Answer("done", usage=USAGE), price=PRICE)
    done = await kitchen.answer(stream=stream)
    assert (done.model, done.cost_usd) == ("cheap", COST)
    assert [one.cost_usd for one in done.attempts] == [None, COST]
    assert kitchen.spent() == to_nanos(COST)


@both
@pytest.mark.parametrize("text", ["", "I am sorry, but"])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_an_answer_that_a_filter_ended_is_charged_once(
    kitchen: Kitchen, wire: WireName, text: str, stream: bool
) -> None:
    filtered = Answer(text, usage=USAGE, finish="content_filter")
    kitchen.serve("m", filtered, wire=wire, price=PRICE)
    with pytest.raises(ContentFilteredError):
        await kitchen.answer(stream=stream)
    assert kitchen.spent() == to_nanos(COST)


async def test_a_broken_stream_is_charged_once_for_what_it_gave(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.cut(after=3), price=PRICE)
    kitchen.serve("second", Answer("done", usage=USAGE), price=PRICE)
    done = await kitchen.answer(stream=True)
    lost, answered = done.attempts
    assert lost.outcome == "cut"
    assert lost.usage is not None
    assert lost.cost_usd
    assert lost.usage.output_tokens > 0
    assert done.cost_usd == answered.cost_usd == COST
    assert kitchen.spent() == to_nanos(lost.cost_usd + COST)


@both
async def test_an_empty_answer_is_a_failure_that_was_paid_for(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("first", Answer("", usage=USAGE), price=PRICE)
    kitchen.serve("second", Answer("done", usage=USAGE), price=PRICE)
    done = await kitchen.answer(stream=stream)
    assert [one.cost_usd for one in done.attempts] == [COST, COST]
    assert kitchen.spent() == 2 * to_nanos(COST)


@both
async def test_without_a_reported_usage_the_cost_is_an_estimate_and_says_so(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("m", Fault.no_usage(), price=PRICE)
    done = await kitchen.answer(stream=stream)
    assert_whole(done)
    assert done.cost_usd
    assert any("reported no usage" in warning for warning in done.warnings)
    assert done.usage.output_tokens >= len(echo(PROMPT)) // 5
    assert kitchen.spent() == to_nanos(done.cost_usd)
    (learned,) = kitchen.rows("SELECT estimated_tokens FROM routing_outcomes")
    assert learned == (None,), "an estimate teaches nothing about estimates"


@both
async def test_a_spent_budget_blocks_what_costs_and_nothing_else(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.budget = {"daily": "0"}
    kitchen.serve("dear", price=DEAR)
    kitchen.serve("free", price=FREE)
    # The filter of the decision knows the budget as well; here it was decided before.
    done = await kitchen.answer(stream=stream)
    assert done.model == "free"
    assert [one.outcome for one in done.attempts] == ["budget", "ok"]
    assert "budget" in done.attempts[0].reason
    assert (kitchen.calls_of("dear"), kitchen.spent()) == (0, 0)


@both
async def test_where_nothing_can_be_paid_for_the_budget_is_the_error(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.budget = {"daily": "0.001"}
    kitchen.serve("first", price=DEAR)
    kitchen.serve("second", price=DEAR)
    with pytest.raises(BudgetExceededError, match="day budget"):
        await kitchen.answer(stream=stream)
    assert kitchen.server.calls == ()


async def test_an_unknown_price_is_refused_under_a_budget_and_free_of_it_otherwise(
    kitchen: Kitchen,
) -> None:
    kitchen.serve("unpriced", price=None)
    done = await kitchen.execute()
    assert done.cost_usd is None
    assert any("price" in warning for warning in done.warnings)
    kitchen.store.rules = (kitchen.store.rules[0]._replace(limit_nanos=10**9),)
    with pytest.raises(UnpricedModelError):
        await kitchen.execute()
    assert kitchen.calls_of("unpriced") == 1


async def test_an_unknown_price_may_be_allowed_under_a_budget(kitchen: Kitchen) -> None:
    kitchen.budget = {"daily": "1", "on_unknown_price": "allow"}
    kitchen.serve("unpriced", price=None)
    assert (await kitchen.execute()).cost_usd is None


async def test_the_limit_of_a_request_holds_for_all_its_attempts_together(
    kitchen: Kitchen,
) -> None:
    # One attempt of at most 500 tokens fits; what the first one lost leaves no room for another.
    kitchen.budget = {"per_request": "0.0080"}
    kitchen.serve("first", Answer("", usage=USAGE), price=PRICE)
    kitchen.serve("second", price=PRICE)
    with pytest.raises(FallbackExhaustedError, match="request budget"):
        await kitchen.execute()
    assert kitchen.calls_of("second") == 0
    assert kitchen.spent() == to_nanos(COST)


async def test_an_answer_of_no_set_length_is_shortened_to_what_the_budget_pays_for(
    kitchen: Kitchen,
) -> None:
    kitchen.budget = {"daily": "0.01"}
    kitchen.serve(
        "m", Answer("cut short", finish="length"), Answer("whole"), price=PRICE, max_output=100_000
    )
    short = await kitchen.execute(max_tokens=None)
    sent = kitchen.server.calls[0].body
    assert 256 <= sent["max_tokens"] < 700
    told = [one for one in short.warnings if "the budget paid for" in one]
    assert told == [f"the budget paid for {sent['max_tokens']} tokens of answer at the most"]
    whole_answer = await kitchen.execute(max_tokens=None)
    assert not any("the budget paid for" in one for one in whole_answer.warnings)


@both
async def test_max_cost_holds_for_what_is_spent_and_not_only_for_what_is_expected(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("m", Answer("done"), price=PRICE, max_output=100_000)
    limits = {"max_cost_usd": "0.01"}
    done = await kitchen.answer(stream=stream, max_tokens=None, constraints=limits)
    sent = kitchen.server.calls[0].body
    assert sent["max_tokens"] * 15 <= 10_000, "millionths of a dollar"
    assert done.cost_usd is not None
    assert done.cost_usd <= Decimal("0.01")
    with pytest.raises(BudgetExceededError, match="max_cost_usd"):
        await kitchen.answer(stream=stream, max_tokens=5_000, constraints=limits)


async def test_tags_and_categories_reach_the_books(kitchen: Kitchen) -> None:
    kitchen.budget = {"tags": {"project=site": {"total": "0"}}}
    kitchen.serve("m", price=PRICE)
    with pytest.raises(BudgetExceededError, match="project=site"):
        await kitchen.execute(tags={"project": "site"})
    await kitchen.execute(tags={"project": "other", "session": "7"}, category="chat")
    rows = kitchen.rows("SELECT project, session, category FROM routing_outcomes")
    assert rows == [("other", "7", "chat")]


async def test_many_at_once_get_exactly_the_limit_and_never_more(kitchen: Kitchen) -> None:
    kitchen.serve("m", Answer("done", usage=USAGE, header_delay=0.05), price=PRICE)
    kitchen.budget = {"daily": "0.1"}
    request = kitchen.request()
    executor, decision = kitchen.executor, kitchen.decide(request)
    granted = refused = 0

    async def one() -> None:
        nonlocal granted, refused
        try:
            await executor.execute(request, decision=decision)
        except BudgetExceededError:
            refused += 1
        else:
            granted += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(40):
            group.create_task(one())
    assert (granted + refused, granted > 0, refused > 0) == (40, True, True)
    assert kitchen.spent() == granted * to_nanos(COST) <= 10**8


@both
async def test_cancelling_frees_the_money_and_the_connection(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    kitchen.serve("m", Fault.silence(), price=PRICE)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: kitchen.answer(stream=stream))
        await kitchen.server.wait_until(lambda server: len(server.calls) == 1)
        assert kitchen.reserved() > 0
        group.cancel_scope.cancel()
    await kitchen.server.wait_until(lambda server: len(server.abandoned) == 1)
    assert (kitchen.reserved(), kitchen.spent()) == (0, 0)


@both
async def test_a_call_that_its_caller_gave_up_is_in_the_books_at_an_unknown_cost(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    answers = [Answer("done", usage=USAGE)] * 3
    kitchen.serve("m", *answers, Fault.silence(), price=PRICE)
    for _ in range(3):
        await kitchen.answer(stream=stream)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: kitchen.answer(stream=stream))
        await kitchen.server.wait_until(lambda server: len(server.calls) == 4)
        group.cancel_scope.cancel()
    (row,) = kitchen.store.stats(period="all")
    assert (row.decisions, row.calls, row.ok) == (4, 4, 3)
    assert to_nanos(row.cost_usd) == kitchen.spent() == 3 * to_nanos(COST)
    (given_up,) = kitchen.rows(
        "SELECT model, failure, cost_nanos, input_tokens FROM routing_outcomes WHERE ok = 0"
    )
    assert given_up == ("m", "cancelled", None, None)
    known = kitchen.store.performance(now=datetime.now(UTC))["m"][""]
    assert (known.calls, known.failures) == (3, 0), "who was given up has not failed"


@both
async def test_a_call_that_the_provider_refused_is_in_the_books(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("m", Fault.http(400), price=PRICE)
    with pytest.raises(ProviderError):
        await kitchen.answer(stream=stream)
    (row,) = kitchen.store.stats(period="all")
    assert (row.decisions, row.calls, row.ok) == (1, 1, 0)
    assert kitchen.store.performance(now=datetime.now(UTC)) == {}


async def test_closing_a_stream_early_settles_what_was_given(kitchen: Kitchen) -> None:
    kitchen.serve("m", Answer("0123456789" * 100, chunks=100, chunk_delay=0.01), price=PRICE)
    request = kitchen.request()
    events = kitchen.executor.stream(request, decision=kitchen.decide(request))
    async with aclosing(events):
        heard = 0
        async for event in events:
            heard += event.type == "delta"
            if heard == 10:
                break
    await kitchen.server.wait_until(lambda server: len(server.abandoned) == 1)
    (row,) = kitchen.rows("SELECT failure, output_tokens, cost_nanos FROM routing_outcomes")
    assert row[0] == "cancelled"
    assert row[1] > 0
    assert kitchen.spent() == row[2] > 0


async def test_closing_a_stream_before_its_first_word_costs_nothing(kitchen: Kitchen) -> None:
    kitchen.serve("m", price=PRICE)
    request = kitchen.request()
    events = kitchen.executor.stream(request, decision=kitchen.decide(request))
    async with aclosing(events):
        assert (await anext(events)).type == "attempt"
        assert kitchen.reserved() > 0
    assert (kitchen.reserved(), kitchen.spent()) == (0, 0)


@both
async def test_a_call_longer_than_its_lease_keeps_its_money(kitchen: Kitchen, stream: bool) -> None:
    kitchen.serve("m", Answer("0123456789", chunks=10, chunk_delay=0.1), price=PRICE)
    kitchen.fallback |= {"first_token_ms": 5_000}
    executor = kitchen.build(lease=0.3)
    kitchen.__dict__["executor"] = executor
    done = await kitchen.answer(stream=stream)
    assert done.latency_ms >= 900
    # A lease that ended would have left an overspend, which no test here may leave.
    assert kitchen.rows("SELECT * FROM v_overspends") == []
    ((reserved, expires),) = kitchen.rows("SELECT reserved_ms, expires_ms FROM ledger_entries")
    assert expires - reserved > 375


async def test_money_of_a_process_that_died_comes_back_after_its_lease(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"timeout_ms": 3_600_000}
    kitchen.serve("m", price=PRICE)
    request = kitchen.request()
    events = kitchen.executor.stream(request, decision=kitchen.decide(request))
    await anext(events)
    ((reserved, expires),) = kitchen.rows("SELECT reserved_ms, expires_ms FROM ledger_entries")
    assert expires - reserved <= 80_000
    await events.aclose()


@both
async def test_an_answer_costs_what_the_place_asks_that_gave_it(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.budget = {"daily": 1}
    kitchen.server.script("east", [Fault.http(404)])
    kitchen.server.script("west", [Answer("done", usage=USAGE)])
    places = (
        {"provider": "fault-openai", "id": "east", "weight": 1_000_000, "price": FREE},
        {"provider": "fault-openai", "id": "west", "price": PRICE},
    )
    kitchen.serve("m", deployments=places, price=DEAR)
    done = await kitchen.answer(stream=stream)
    assert done.cost_usd == COST
    assert kitchen.spent() == to_nanos(COST)


async def test_a_place_that_is_free_runs_under_a_spent_budget(kitchen: Kitchen) -> None:
    kitchen.budget = {"daily": 0}
    places = (
        {"provider": "fault-openai", "id": "dear", "weight": 1_000_000, "price": DEAR},
        {"provider": "fault-openai", "id": "free", "price": FREE},
    )
    kitchen.serve("m", deployments=places)
    done = await kitchen.execute()
    assert (done.cost_usd, kitchen.spent()) == (0, 0)
    assert [one.model for one in kitchen.server.calls] == ["free"]
