"""A model that is unsure of its words is heard out, and a better one is asked."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_router.testing import Answer, Fault
from tests.modes.theatre import FINE, GOOD, Theatre

ASKED = "What is the capital of Australia?"
GUESS, KNOWN = "It is Sydney.", "It is Canberra."
UNSURE, SURE = -1.2, -0.02


def telling(theatre: Theatre) -> None:
    """Say in the settings that the provider tells token probabilities."""
    providers: dict[str, Any] = theatre.server.settings()["providers"]
    told = {name: {**fields, "logprobs": True} for name, fields in providers.items()}
    theatre.more = {**theatre.more, "providers": told}


def asked(theatre: Theatre) -> list[bool]:
    """Which requests asked for token probabilities, in order."""
    return ["logprobs" in call.body for call in theatre.server.calls]


async def test_a_cascade_climbs_past_a_guess(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GUESS, logprob=UNSURE))
    theatre.serve("dear", Answer(KNOWN, logprob=SURE))
    telling(theatre)
    done = await theatre.play("cascade", ASKED)
    assert (done.model, done.content) == ("dear", KNOWN)
    guess, known = done.answers
    assert "was unsure of its words (mean 0.30)" in guess.why
    assert (guess.confidence or 1.0) < 0.6 <= (known.confidence or 0.0)
    assert done.logprobs is not None
    assert done.logprobs.mean == pytest.approx(SURE)
    assert done.model_dump(mode="json")["logprobs"]["tokens"] == 5
    assert asked(theatre) == [True, True]


async def test_without_them_the_same_guess_is_taken_as_it_was(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GUESS, logprob=UNSURE))
    theatre.serve("dear", Answer(KNOWN, logprob=SURE))
    done = await theatre.play("cascade", ASKED)
    assert (done.model, done.logprobs, asked(theatre)) == ("cheap", None, [False])


async def test_a_model_that_refuses_to_tell_still_answers(theatre: Theatre) -> None:
    refusal = Fault.http(400, message="You are not allowed to request logprobs from this model.")
    theatre.serve("cheap", refusal, Answer(GOOD))
    telling(theatre)
    done = await theatre.play("cascade")
    assert (done.model, done.content, done.logprobs) == ("cheap", GOOD, None)
    assert [(one.model, one.outcome) for one in done.attempts] == [("cheap", "ok")]
    assert done.warnings == ()
    assert asked(theatre) == [True, False]
    await theatre.play("cascade")
    assert asked(theatre) == [True, False, False]


async def test_a_race_prefers_the_answer_that_is_sure(theatre: Theatre) -> None:
    theatre.serve("quick", Answer(GUESS, logprob=UNSURE))
    theatre.serve("calm", Answer(KNOWN, logprob=SURE))
    telling(theatre)
    done = await theatre.play("redundant", ASKED)
    assert (done.model, done.content) == ("calm", KNOWN)


async def test_one_model_alone_is_asked_only_where_its_form_is_marked(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GUESS, logprob=UNSURE))
    theatre.serve("dear", Answer(FINE, logprob=SURE))
    telling(theatre)
    plain = await theatre.play("single", ASKED)
    assert (plain.model, plain.logprobs, asked(theatre)) == ("cheap", None, [False])
    marked = await theatre.play("single", ASKED, scorers=("heuristic",))
    assert (marked.model, asked(theatre)) == ("dear", [False, True, True])
    assert "unsure of its words" in marked.attempts[0].reason
    await theatre.play("single", ASKED, scorers=("code",))
    assert not any(asked(theatre)[3:])


async def test_a_judge_is_not_asked(theatre: Theatre) -> None:
    theatre.serve("cheap", Answer(GOOD))
    theatre.serve("judge", Answer('{"grades": [9]}'))
    telling(theatre)
    await theatre.play("cascade", chain=["cheap"], judges=("judge",))
    told = {call.model: "logprobs" in call.body for call in theatre.server.calls}
    assert told == {"cheap": True, "judge": False}
