"""A race takes the first good answer, stops the others at once, and pays for what they gave."""

from __future__ import annotations

import pytest

from mcp_router import FallbackExhaustedError
from mcp_router.money import to_nanos
from mcp_router.testing import Answer, Fault
from tests.modes.theatre import FINE, GOOD, POOR, Theatre, costs

NEVER = {"hedge": False}


async def test_the_first_good_answer_wins_and_the_rest_are_stopped(theatre: Theatre) -> None:
    theatre.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    theatre.serve("silent", Fault.silence())
    theatre.serve("quick", Answer(GOOD))
    done = await theatre.play("redundant", n=2, **NEVER)
    assert (done.model, done.content, done.mode) == ("quick", GOOD, "redundant")
    assert {one.outcome for one in done.attempts} == {"cancelled", "ok"}
    (stopped,) = [one for one in done.attempts if one.outcome == "cancelled"]
    assert stopped.reason == "a good answer of another model came first"
    await theatre.server.wait_until(lambda server: len(server.abandoned) == 1)


async def test_a_stopped_model_is_billed_as_far_as_it_got(theatre: Theatre) -> None:
    theatre.fallback |= {"idle_ms": 60_000, "timeout_ms": 60_000}
    theatre.serve("slow", Fault.stall(after=3, answer=Answer(FINE)))
    # The winner waits until the other one has said something.
    theatre.serve("quick", Answer(GOOD, header_delay=0.3))
    done = await theatre.play("redundant", n=2, **NEVER)
    (stopped,) = [one for one in done.attempts if one.outcome == "cancelled"]
    assert stopped.usage is not None
    assert stopped.cost_usd
    assert to_nanos(done.cost_usd or 0) == costs(done) == theatre.spent()
    known = theatre.router.store.performance(now=theatre.router.now())
    assert "slow" not in known, "who was stopped has not failed"


async def test_a_bad_answer_does_not_win_however_fast(theatre: Theatre) -> None:
    theatre.serve("rude", Answer(POOR))
    theatre.serve("kind", Answer(GOOD, header_delay=0.1))
    done = await theatre.play("redundant", n=2, **NEVER)
    assert done.model == "kind"
    assert {one.model: one.won for one in done.answers} == {"rude": False, "kind": True}
    assert [row[:3] for row in theatre.evidence()] == [
        ("scorer", "rude", 0),
        ("scorer", "kind", 1),
    ]


async def test_hedged_the_second_is_not_asked_while_the_first_is_as_fast_as_usual(
    theatre: Theatre,
) -> None:
    unhurried = {"first_token_ms": 60_000, "tokens_per_second": 10}
    theatre.serve("first", Answer(GOOD), latency=unhurried)
    theatre.serve("second", Answer(FINE))
    done = await theatre.play("redundant", n=2)
    assert done.model == "first"
    assert theatre.calls_of("second") == 0
    assert "1 of 2 models were asked" in done.why


async def test_hedged_the_second_starts_once_the_first_is_slower_than_its_estimate(
    theatre: Theatre,
) -> None:
    theatre.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    theatre.serve("first", Fault.silence())
    theatre.serve("second", Answer(FINE))
    done = await theatre.play("redundant", n=2)
    assert done.model == "second"
    assert theatre.announced == [(1, "first"), (2, "second")]


@pytest.mark.parametrize("behaviour", [Fault.http(404), Answer(POOR)], ids=["failed", "poor"])
async def test_hedged_the_second_starts_at_once_when_the_first_is_no_use(
    theatre: Theatre, behaviour: Answer | Fault
) -> None:
    slow = {"first_token_ms": 3_600_000, "tokens_per_second": 0.1}
    theatre.serve("first", behaviour, latency=slow)
    theatre.serve("second", Answer(FINE))
    assert (await theatre.play("redundant", n=2)).model == "second"


async def test_without_a_good_answer_the_best_is_given_with_a_warning(theatre: Theatre) -> None:
    theatre.serve("rude", Answer(POOR))
    theatre.serve("down", Fault.http(404))
    done = await theatre.play("redundant", n=2)
    assert done.model == "rude"
    assert any("confidence of 0.6" in one for one in done.warnings)
    assert any("down gave no answer" in one for one in done.warnings)


async def test_when_all_fail_every_attempt_is_told(theatre: Theatre) -> None:
    theatre.serve("down", Fault.http(404))
    theatre.serve("wrong", Fault.invalid_key())
    with pytest.raises(FallbackExhaustedError) as caught:
        await theatre.play("redundant", n=2)
    assert {one.model for one in caught.value.attempts} == {"down", "wrong"}
