"""A cascade starts cheap, and climbs only as far as it must and can pay for."""

from __future__ import annotations

import pytest

from mcp_router import BudgetExceededError, FallbackExhaustedError
from mcp_router.money import to_nanos
from mcp_router.testing import Answer, Fault
from tests.modes.theatre import FINE, GOOD, POOR, Theatre, costs

PRICE = {"input": "3", "output": "15"}


async def test_a_good_first_answer_ends_it(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GOOD))
    theatre.serve("dear", Answer(FINE))
    done = await theatre.play("cascade")
    assert (done.model, done.content, done.mode) == ("cheap", GOOD, "cascade")
    assert theatre.calls_of("dear") == 0
    assert done.confidence is not None
    assert done.confidence >= 0.6
    assert [one.won for one in done.answers] == [True]
    assert "at least 0.6" in done.why


async def test_a_poor_answer_is_not_taken(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(POOR))
    theatre.serve("dear", Answer(GOOD))
    done = await theatre.play("cascade")
    assert (done.model, done.content) == ("dear", GOOD)
    poor, good = done.answers
    assert (poor.content, poor.won, good.won) == (POOR, False, True)
    assert "refuses" in poor.why
    assert to_nanos(done.cost_usd or 0) == costs(done) == theatre.spent()
    assert theatre.announced == [(1, "cheap"), (2, "dear")]


async def test_what_was_seen_is_evidence_about_both(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(POOR))
    theatre.serve("dear", Answer(GOOD))
    done = await theatre.play("cascade")
    assert [(source, model, ok) for source, model, ok, _ in theatre.evidence()] == [
        ("scorer", "cheap", 0),
        ("scorer", "dear", 1),
    ]
    outcome = theatre.router.feedback(done.decision_id, ok=True)
    assert outcome.model == "dear"


async def test_without_a_good_answer_the_best_is_given_with_a_warning(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(""), Answer(POOR))
    theatre.serve("middle", Answer("I think it might be calm, but I am not sure."))
    theatre.serve("dear", Answer(POOR))
    done = await theatre.play("cascade", threshold=0.95)
    assert done.model == "middle"
    assert any("0.95" in one for one in done.warnings)


async def test_failures_are_passed_over_and_told(theatre: Theatre) -> None:
    theatre.serve("down", Fault.http(503))
    theatre.serve("silent", Fault.silence())
    theatre.serve("calm", Answer(GOOD))
    done = await theatre.play("cascade")
    assert done.model == "calm"
    assert [one.outcome for one in done.attempts][-1] == "ok"
    assert {"overloaded", "timeout"} <= {one.outcome for one in done.attempts}
    assert len(done.answers) == 1


async def test_when_all_fail_every_attempt_is_told(theatre: Theatre) -> None:
    theatre.serve("down", Fault.http(503))
    theatre.serve("wrong", Fault.invalid_key())
    with pytest.raises(FallbackExhaustedError) as caught:
        await theatre.play("cascade")
    assert {one.model for one in caught.value.attempts} == {"down", "wrong"}


async def test_it_stops_at_the_budget_with_the_best_so_far(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(POOR), price=PRICE)
    theatre.serve("dear", Answer(GOOD), price={"input": "1000", "output": "1000"})
    theatre.more = {"budget": {"daily": "0.3"}}
    done = await theatre.play("cascade")
    assert (done.model, done.content) == ("cheap", POOR)
    assert any("the budget does not hold dear" in one for one in done.warnings)
    unaffordable = await theatre.play("cascade", models=["cheap", "dear"], request_limit_usd="0.01")
    assert any("dear was left out" in one for one in unaffordable.warnings)
    assert theatre.calls_of("dear") == 0


async def test_the_limit_of_the_request_holds_for_all_steps_together(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(POOR), price=PRICE)
    theatre.serve("dear", Answer(GOOD), price=PRICE)
    # One step of at most 400 tokens fits, but after the first no second one.
    done = await theatre.play("cascade", request_limit_usd="0.00625")
    assert done.model == "cheap"
    assert costs(done) <= 6_250_000


async def test_nothing_to_pay_with_is_the_error(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GOOD), price=PRICE)
    theatre.serve("dear", Answer(GOOD), price=PRICE)
    with pytest.raises(BudgetExceededError, match="request budget"):
        await theatre.play("cascade", request_limit_usd="0.000001")
    assert theatre.server.calls == ()


async def test_without_a_chain_it_starts_at_the_cheapest_capable_model(theatre: Theatre) -> None:
    theatre.serve("best", Answer(GOOD), price=PRICE, quality=0.95)
    theatre.serve("weak", Answer(GOOD), price={"input": "0.1", "output": "0.1"}, quality=0.01)
    theatre.serve("able", Answer(POOR), price={"input": "0.5", "output": "0.5"}, quality=0.75)
    done = await theatre.play("cascade", chain=None, constraints=only(theatre))
    assert [one.model for one in done.answers] == ["able", "best"]


async def test_a_task_may_ask_for_more_confidence(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GOOD))
    theatre.serve("dear", Answer(FINE))
    theatre.more = {"tasks": {"verses": {"keywords": ["verse"], "threshold": 1.0}}}
    assert (await theatre.play("cascade", "Write a verse, a verse of the sea.")).model == "dear"
    assert (await theatre.play("cascade")).model == "cheap"


async def test_a_judge_can_send_a_fluent_answer_on(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GOOD))
    theatre.serve("dear", Answer(FINE))
    theatre.serve("judge", Answer('{"grades": {"1": 2}}'), Answer('{"grades": {"1": 9}}'))
    done = await theatre.play("cascade", models=["cheap", "dear"], judges=("judge",))
    assert done.model == "dear"
    assert "2 of 10" in done.answers[0].why
    assert [row[:2] for row in theatre.evidence()] == [("judge", "cheap"), ("judge", "dear")]
    assert to_nanos(done.cost_usd or 0) == costs(done) == theatre.spent()


async def test_several_tries_that_differ_are_doubted(theatre: Theatre) -> None:
    theatre.serve("guesses", Answer("42"), Answer("17"), Answer("8"))
    theatre.serve("knows", Answer("The answer is 42."))
    theatre.more = {"cascade": {"samples": 3}}
    done = await theatre.play("cascade", "What is 6 times 7? Give just the number.")
    assert done.model == "knows"
    assert theatre.calls_of("guesses") == 3


def only(theatre: Theatre) -> object:
    from mcp_router import Constraints

    return Constraints(models=tuple(theatre.names))
