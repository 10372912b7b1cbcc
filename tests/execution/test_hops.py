"""From one model to the next: the order, the filters at every hop, and what is recorded."""

from __future__ import annotations

from typing import get_args

import pytest

from mcp_router.errors import ContextLengthError, FallbackExhaustedError
from mcp_router.execution.balance import Balance
from mcp_router.routing.tokens import input_tokens, request_counts
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.types import Family, Message, RoutingState, Usage
from tests.execution.kitchen import PROMPT, Kitchen, assert_whole

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def tried(kitchen: Kitchen) -> list[str]:
    return [call.model for call in kitchen.server.calls]


async def test_models_are_tried_in_the_order_of_the_chain(kitchen: Kitchen) -> None:
    for name in ("one", "two", "three"):
        kitchen.serve(name, Fault.http(404))
    kitchen.serve("four", wire="gemini")
    assert_whole(await kitchen.execute(chain=("three", "one", "two", "four")))
    assert tried(kitchen) == ["three", "one", "two", "four"]


async def test_without_fallback_only_the_chosen_model_is_tried(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"enabled": False}
    kitchen.serve("first", Fault.http(404))
    kitchen.serve("second")
    with pytest.raises(FallbackExhaustedError, match="after 1 attempts"):
        await kitchen.execute()
    assert tried(kitchen) == ["first"]


async def test_the_number_of_attempts_is_bounded(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"max_attempts": 3}
    for number in range(5):
        kitchen.serve(f"m{number}", Fault.http(404))
    with pytest.raises(FallbackExhaustedError) as caught:
        await kitchen.execute()
    assert len(caught.value.attempts) == len(kitchen.server.calls) == 3


async def test_the_error_names_every_attempt_in_order(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.http(401))
    kitchen.serve("second", Fault.http(404))
    with pytest.raises(FallbackExhaustedError) as caught:
        await kitchen.execute()
    assert [(one.model, one.outcome) for one in caught.value.attempts] == [
        ("first", "auth"),
        ("second", "not_found"),
    ]
    assert "first: the key is missing or was refused; second: HTTP status 404" in str(caught.value)


@both
async def test_a_request_too_long_goes_to_a_larger_window_only(
    kitchen: Kitchen, stream: bool
) -> None:
    kitchen.serve("first", Fault.context_length(), context=100_000)
    kitchen.serve("same", context=100_000)
    kitchen.serve("larger", context=200_000)
    done = await kitchen.answer(stream=stream)
    assert_whole(done)
    assert tried(kitchen) == ["first", "larger"]


async def test_too_long_for_every_model_is_that_error(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.context_length(), context=100_000)
    kitchen.serve("larger", Fault.context_length(), context=200_000, wire="anthropic")
    with pytest.raises(ContextLengthError):
        await kitchen.execute()


async def test_a_fallback_that_no_longer_fits_is_passed_over_with_its_reason(
    kitchen: Kitchen,
) -> None:
    kitchen.serve("first", Fault.http(404))
    kitchen.serve("lost", wire="anthropic")
    kitchen.serve("second")
    request = kitchen.request()
    decision = kitchen.decide(request)
    usable = frozenset(kitchen.settings.providers) - {"fault-anthropic"}
    executor = kitchen.build(observe=lambda: RoutingState(usable_providers=usable))
    done = await executor.execute(request, decision=decision)
    assert tried(kitchen) == ["first", "second"]
    assert [one.outcome for one in done.attempts] == ["not_found", "auth", "ok"]
    assert any("lost was left out" in warning for warning in done.warnings)


async def test_what_failed_attempts_cost_counts_towards_the_limit_of_the_request(
    kitchen: Kitchen,
) -> None:
    usage = Usage(input_tokens=10, output_tokens=500)
    kitchen.serve("first", Answer("", usage=usage), price={"input": "0", "output": "100"})
    kitchen.serve("dear", price={"input": "0", "output": "100"})
    kitchen.serve("cheap", price={"input": "0", "output": "1"})
    done = await kitchen.execute(constraints={"max_cost_usd": "0.052"})
    assert tried(kitchen) == ["first", "cheap"]
    assert any("dear was left out: about $" in warning for warning in done.warnings)


async def test_what_a_model_rejects_is_dropped_at_that_model_only(kitchen: Kitchen) -> None:
    kitchen.serve("picky", Answer("done"), rejects=("temperature",))
    kitchen.serve("plain", Answer("done"))
    done = await kitchen.execute(temperature=0.5)
    assert any("temperature dropped" in warning for warning in done.warnings)
    assert "temperature" not in kitchen.server.calls[0].body
    done = await kitchen.execute(temperature=0.5, chain=("plain",))
    assert done.warnings == ()
    assert kitchen.server.calls[1].body["temperature"] == 0.5


def conversation(turns: int) -> list[Message]:
    talk = [Message(role="system", content="Be kind.")]
    for number in range(turns):
        talk.append(Message(role="user", content=f"Question {number}: " + "why is it so? " * 200))
        talk.append(Message(role="assistant", content=f"Answer {number}: " + "just so. " * 200))
    return [*talk, Message(role="user", content=PROMPT)]


async def test_old_turns_are_dropped_for_a_provider_that_counts_more_than_we_do(
    kitchen: Kitchen,
) -> None:
    kitchen.fallback |= {"trim_history": True}
    kitchen.serve("only", Fault.context_length(), healthy_then=True, context=30_000)
    done = await kitchen.execute(kitchen.request(conversation(8)))
    assert_whole(done)
    assert any("oldest messages were left out" in warning for warning in done.warnings)
    first, second = (call.body["messages"] for call in kitchen.server.calls)
    assert second[0] == first[0]
    assert second[-1] == first[-1]
    assert len(second) <= 0.7 * len(first)
    assert second[1]["role"] == "user"


async def test_without_leave_nothing_is_dropped(kitchen: Kitchen) -> None:
    kitchen.serve("only", Fault.context_length(), context=30_000)
    with pytest.raises(ContextLengthError):
        await kitchen.execute(kitchen.request(conversation(8)))
    assert len(kitchen.server.calls) == 1


async def test_a_smaller_window_becomes_a_last_resort_once_turns_may_be_dropped(
    kitchen: Kitchen,
) -> None:
    kitchen.fallback |= {"trim_history": True}
    kitchen.serve("large", Fault.http(404), context=100_000)
    kitchen.serve("small", context=4_000)
    request = kitchen.request(conversation(8))
    assert input_tokens(request_counts(request), Family.O200K) > 4_000
    done = await kitchen.execute(request)
    assert done.model == "small"
    assert_whole(done)
    assert done.usage.input_tokens < 4_000


@pytest.mark.parametrize("balance", get_args(Balance))
async def test_a_model_at_several_places_is_one_model(kitchen: Kitchen, balance: Balance) -> None:
    places = ({"provider": "fault-openai", "id": "east"}, {"provider": "fault-anthropic"})
    kitchen.serve("m", deployments=places)
    executor = kitchen.build(balance=balance)
    request = kitchen.request()
    decision = kitchen.decide(request)
    for _ in range(12):
        done = await executor.execute(request, decision=decision)
        assert done.model == "m"
    if balance in ("weighted", "round_robin"):
        assert set(tried(kitchen)) == {"east", "m"}


async def test_another_place_of_the_same_model_comes_before_another_model(
    kitchen: Kitchen,
) -> None:
    kitchen.server.script("east", [Fault.http(404)])
    places = (
        {"provider": "fault-openai", "id": "east", "weight": 1_000_000},
        {"provider": "fault-openai", "id": "west", "weight": 1},
    )
    kitchen.serve("m", deployments=places)
    kitchen.serve("other")
    done = await kitchen.execute()
    assert [one.model for one in done.attempts] == ["m", "m"]
    assert tried(kitchen) == ["east", "west"]


async def test_every_call_leaves_a_row_and_every_model_left_another(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.http(500))
    kitchen.serve("second", Answer("done"), wire="anthropic")
    done = await kitchen.execute()
    rows = kitchen.rows("SELECT model, provider, ok, failure FROM routing_outcomes ORDER BY seq")
    assert rows == [
        ("first", "fault-openai", 0, "server_error"),
        ("first", "fault-openai", 0, "server_error"),
        ("second", "fault-anthropic", 1, ""),
    ]
    left = kitchen.rows("SELECT DISTINCT from_model, to_model, failure FROM fallback_events")
    assert left == [("first", "second", "server_error")]
    assert done.decision_id == "dec_1"
    assert kitchen.rows("SELECT DISTINCT decision_id FROM routing_outcomes") == [("dec_1",)]


async def test_when_none_is_left_the_last_model_was_left_for_nothing(kitchen: Kitchen) -> None:
    kitchen.serve("only", Fault.http(404))
    with pytest.raises(FallbackExhaustedError):
        await kitchen.execute()
    assert kitchen.rows("SELECT from_model, to_model FROM fallback_events") == [("only", "")]


async def test_estimates_are_recorded_beside_what_was_used(kitchen: Kitchen) -> None:
    kitchen.serve("m", Answer("done", usage=Usage(input_tokens=77, output_tokens=3)))
    request = kitchen.request()
    await kitchen.executor.execute(request, decision=kitchen.decide(request))
    rows = kitchen.rows("SELECT estimated_tokens, input_tokens FROM routing_outcomes")
    assert rows == [(input_tokens(request_counts(request), Family.O200K), 77)]


async def test_a_request_does_not_outlast_its_deadline_whatever_it_meets(
    kitchen: Kitchen,
) -> None:
    kitchen.fallback |= {"timeout_ms": 600, "first_token_ms": 300}
    for number in range(6):
        kitchen.serve(f"m{number}", Fault.silence())
    kitchen.serve("well")
    with pytest.raises(FallbackExhaustedError) as caught:
        await kitchen.execute()
    assert 550 <= sum(one.latency_ms for one in caught.value.attempts) <= 750
    assert echo(PROMPT) not in str(caught.value)
