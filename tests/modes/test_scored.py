"""Below the bar of its scorers an answer is not taken: the next model is tried, and it is told."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mcp_router import ConfigError, FallbackExhaustedError, Request
from mcp_router.money import to_nanos
from mcp_router.testing import Answer, Fault
from tests.modes.theatre import FINE, GOOD, POOR, PROMPT, Theatre, costs

PRICE = {"input": "3", "output": "15"}
MAGIC = "import sys; sys.exit('sea' not in sys.stdin.read())"
LENGTH = "import sys; print('marking'); print(min(1, len(sys.stdin.read()) / 100))"
SCHEMA = {"type": "object", "required": ["port"]}


def program(code: str, **more: Any) -> dict[str, Any]:
    return {"kind": "command", "command": [sys.executable, "-c", code], **more}


def task(*scorers: str, **more: Any) -> dict[str, Any]:
    """What the settings say of the type that the prompt of the theatre has."""
    kinds = ("creative", "chat", "simple_task", "factual", "planning", "documentation", "analysis")
    return {kind: {"scorers": list(scorers), **more} for kind in kinds}


async def test_below_the_bar_the_next_model_is_tried_and_all_of_it_is_told(
    theatre: Theatre,
) -> None:
    theatre.serve("hills", Answer("The hills are quiet."), price=PRICE)
    theatre.serve("coast", Answer(GOOD), price=PRICE)
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    done = await theatre.play("single")
    assert (done.model, done.content, done.confidence) == ("coast", GOOD, 1.0)
    low, good = done.attempts
    assert (low.outcome, good.outcome) == ("low_quality", "ok")
    assert low.reason == "sea gave 0.00, below 0.6: it ended with exit code 1"
    assert [(one.model, one.won) for one in done.answers] == [("hills", False), ("coast", True)]
    assert to_nanos(done.cost_usd or 0) == costs(done) == theatre.spent()
    told = [(one.cost_usd, one.latency_ms) for one in done.answers]
    assert told == [(one.cost_usd, one.latency_ms) for one in done.attempts]
    assert theatre.evidence() == [
        ("scorer:sea", "hills", 0, 0.0),
        ("scorer:sea", "coast", 1, 1.0),
    ]
    fallbacks = theatre.rows("SELECT from_model, to_model, failure FROM fallback_events")
    assert [tuple(row) for row in fallbacks] == [("hills", "coast", "low_quality")]
    assert theatre.router.feedback(done.decision_id, ok=True).model == "coast"


async def test_a_first_answer_that_satisfies_asks_nobody_else(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    theatre.serve("other", Answer(FINE))
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    done = await theatre.play("single")
    assert (done.model, done.answers, done.warnings) == ("coast", (), ())
    assert theatre.calls_of("other") == 0


async def test_without_scorers_nothing_is_marked(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet."))
    done = await theatre.play("single")
    assert (done.model, theatre.evidence()) == ("hills", [])


async def test_when_all_are_below_the_best_is_given_with_a_warning(theatre: Theatre) -> None:
    theatre.serve("short", Answer("Sea."), price=PRICE)
    theatre.serve("longer", Answer("The sea is very calm today."), price=PRICE)
    theatre.serve("middle", Answer("The sea is calm."), price=PRICE)
    theatre.more = {"scorers": {"long": program(LENGTH)}, "tasks": task("long", threshold=0.9)}
    done = await theatre.play("single")
    assert done.model == "longer"
    assert done.confidence == pytest.approx(0.27)
    assert "no answer was good enough; this is the best of 3 answers" in done.warnings[0]
    assert to_nanos(done.cost_usd or 0) == theatre.spent()


async def test_an_error_instead_where_the_settings_want_one(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet."), price=PRICE)
    theatre.more = {
        "scorers": {"sea": program(MAGIC)},
        "tasks": task("sea", on_low_quality="error"),
    }
    for mode in ("single", "cascade", "ensemble"):
        with pytest.raises(FallbackExhaustedError) as caught:
            await theatre.play(mode)
        assert {one.outcome for one in caught.value.attempts} == {"low_quality"}


async def test_the_bar_is_min_quality_and_a_call_may_set_its_own(theatre: Theatre) -> None:
    theatre.serve("half", Answer("x" * 50), quality=0.9)
    theatre.serve("whole", Answer("x" * 100), quality=0.9)
    theatre.more = {"scorers": {"long": program(LENGTH)}, "tasks": task("long", min_quality=0.8)}
    assert (await theatre.play("single")).model == "whole"
    assert (await theatre.play("single", threshold=0.4)).model == "half"


async def test_providers_that_fail_and_answers_that_fail_share_one_course(
    theatre: Theatre,
) -> None:
    theatre.serve("down", Fault.http(503))
    theatre.serve("hills", Answer("The hills are quiet."))
    theatre.serve("silent", Fault.silence())
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    done = await theatre.play("single")
    assert done.model == "coast"
    assert [one.outcome for one in done.attempts] == [
        *("overloaded", "low_quality", "timeout"),
        "ok",
    ]


async def test_a_budget_that_holds_no_second_answer_gives_the_first(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet."), price=PRICE)
    theatre.serve("coast", Answer(GOOD), price=PRICE)
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    limit = "0.0063"
    done = await theatre.router.execute(
        PROMPT, chain=theatre.names, max_tokens=400, request_limit_usd=limit
    )
    assert (done.model, theatre.calls_of("coast")) == ("hills", 0)
    assert [one.outcome for one in done.attempts] == ["low_quality", "budget"]
    assert costs(done) <= to_nanos(limit)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os; os.write(1, b'x' * 5_000_000)", "printed more than 1 MB"),
        ("print(7)", "gave a number that is not from 0 to 1"),
    ],
)
async def test_a_program_that_misbehaves_is_told_and_costs_no_answer(
    theatre: Theatre, code: str, says: str
) -> None:
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"scorers": {"bad": program(code)}, "tasks": task("bad")}
    done = await theatre.play("single")
    assert done.content == GOOD
    assert any(one == f"the scorer bad {says}" for one in done.warnings)
    assert any("taken as it is" in one for one in done.warnings)
    assert theatre.evidence() == []


async def test_a_program_that_is_missing_is_told_and_the_others_decide(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet."))
    theatre.serve("coast", Answer(GOOD))
    gone = {"kind": "command", "command": ["/nowhere/to/be/found"]}
    theatre.more = {"scorers": {"gone": gone, "sea": program(MAGIC)}, "tasks": task("gone", "sea")}
    done = await theatre.play("single")
    assert done.model == "coast"
    assert any("gone could not be started" in one for one in done.warnings)


async def test_a_program_that_hangs_marks_the_answer_down_in_its_own_time(
    theatre: Theatre,
) -> None:
    theatre.serve("hills", Answer("The hills are quiet."))
    theatre.serve("coast", Answer(GOOD))
    # It leaves a child that holds the pipe open, too.
    code = (
        "import subprocess, sys, time\n"
        "if 'sea' not in sys.stdin.read():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "    time.sleep(60)"
    )
    theatre.more = {"scorers": {"slow": program(code, timeout_s=0.5)}, "tasks": task("slow")}
    done = await theatre.play("single")
    assert done.model == "coast"
    assert "did not end within 0.5 s" in done.attempts[0].reason


async def test_a_child_that_lives_on_delays_nothing(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(0.75)"
    )
    theatre.more = {"scorers": {"fork": program(code)}, "tasks": task("fork")}
    done = await theatre.play("single")
    assert done.confidence == 0.75
    assert done.latency_ms < 20_000


async def test_garbage_on_stdout_leaves_the_exit_code_to_decide(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    code = "import os; os.write(1, bytes(range(256)) + b'0.5 points')"
    theatre.more = {"scorers": {"noisy": program(code)}, "tasks": task("noisy")}
    assert (await theatre.play("single")).confidence == 1.0


async def test_a_program_gets_the_answer_the_task_and_no_key_of_ours(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    code = (
        "import json, os, sys; row = json.load(sys.stdin)\n"
        "sys.exit(0 if row['answer'] and row['prompt'] and 'OPENAI_API_KEY' not in os.environ"
        " and 'SECRET' not in os.environ and os.environ['OTHER'] == '1' else 3)"
    )
    theatre.more = {
        "scorers": {"json": program(code, input="json")},
        "http": {"oauth": {"client_secret_env": "SECRET"}},
    }
    theatre.environ = {"OPENAI_API_KEY": "sk-secret", "SECRET": "s3", "OTHER": "1"}
    assert (await theatre.play("single", scorers=("json",))).confidence == 1.0


async def test_a_program_that_never_reads_is_no_trouble(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"scorers": {"deaf": program("print(1)", input="json")}}
    # More than a pipe holds.
    done = await theatre.play("single", PROMPT + " sea" * 30_000, scorers=("deaf",))
    assert done.confidence == 1.0


async def test_functions_of_a_program_mark_too_plain_and_async(theatre: Theatre) -> None:
    def brief(request: Request, answer: str) -> float:
        assert request.messages
        return float(len(answer) < 40)

    async def sea(_request: Request, answer: str) -> float:
        return float("sea" in answer)

    theatre.serve("long", Answer(GOOD))
    theatre.serve("hills", Answer("The hills are quiet."))
    theatre.serve("brief", Answer("The sea is calm."))
    theatre.scorers = {"brief": brief, "sea": sea}
    done = await theatre.play("single", scorers=("brief", "sea"))
    assert done.model == "brief"
    assert [row[:2] for row in theatre.evidence()] == [
        ("scorer:brief", "long"),
        ("scorer:brief", "hills"),
        ("scorer:sea", "hills"),
        ("scorer:brief", "brief"),
        ("scorer:sea", "brief"),
    ]


async def test_a_function_that_fails_is_one_clear_sentence(theatre: Theatre) -> None:
    def broken(_request: Request, _answer: str) -> float:
        raise ValueError("the answer was: secret")

    def quits(_request: Request, _answer: str) -> float:
        raise SystemExit

    def text(_request: Request, _answer: str) -> str:
        return "good"

    def nan(_request: Request, _answer: str) -> float:
        return float("nan")

    theatre.serve("coast", Answer(GOOD))
    theatre.scorers = {
        "broken": broken,
        "quits": quits,
        "text": text,
        "nan": nan,
    }
    done = await theatre.play("single", scorers=tuple(theatre.scorers))
    told = [one for one in done.warnings if one.startswith("the scorer")]
    assert [one.split(" in line")[0] for one in told] == [
        "the scorer broken failed: ValueError",
        "the scorer quits failed: SystemExit",
        "the scorer text gave str instead of a number from 0 to 1",
        "the scorer nan gave no number from 0 to 1",
    ]
    assert "secret" not in done.model_dump_json()


async def test_a_function_that_hangs_marks_the_answer_down(theatre: Theatre) -> None:
    import threading

    over = threading.Event()
    theatre.serve("coast", Answer(GOOD))

    def slow(_request: Request, _answer: str) -> float:
        return over.wait(60)

    theatre.scorers = {"slow": slow}
    theatre.more = {"scorers": {"slow": {"kind": "callable", "timeout_s": 0.2}}}
    done = await theatre.play("single", scorers=("slow",))
    over.set()
    assert "did not return within 0.2 s" in done.warnings[0]


async def test_a_judge_with_a_rubric_marks_for_its_price(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet."), price=PRICE)
    theatre.serve("coast", Answer(GOOD), price=PRICE)
    theatre.serve(
        "wise", Answer('{"grades": {"1": 2}}'), Answer('{"grades": {"1": 9}}'), price=PRICE
    )
    judge = {"kind": "judge", "model": "wise", "rubric": "It must speak of salt."}
    theatre.more = {"scorers": {"polite": judge}, "tasks": task("polite")}
    done = await theatre.play("single", models=["hills", "coast"])
    assert (done.model, done.confidence) == ("coast", 0.9)
    assert "wise gave it 2 of 10" in done.attempts[0].reason
    assert [one.model for one in done.attempts] == ["hills", "coast", "wise", "wise"]
    assert to_nanos(done.cost_usd or 0) == theatre.spent()
    asked = [str(call.body) for call in theatre.server.calls if call.model == "wise"]
    assert all("speak of salt" in one for one in asked)


async def test_a_judge_that_cannot_be_asked_decides_nothing(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    theatre.serve("wise", Fault.http(500))
    theatre.more = {"scorers": {"polite": {"kind": "judge", "model": "wise"}}}
    done = await theatre.play("single", models=["coast"], scorers=("polite",))
    assert done.content == GOOD
    assert any("polite could not be asked" in one for one in done.warnings)


async def test_patterns_schemas_code_and_form_need_no_program(theatre: Theatre) -> None:
    (theatre.folder / "port.json").write_text('{"type": "object", "required": ["port"]}')
    theatre.serve("prose", Answer("The port is 80."))
    theatre.serve("json", Answer('{"port": 80}'))
    theatre.more = {
        "scorers": {
            "port": {"kind": "schema", "schema_file": "port.json"},
            "digits": {"kind": "regex", "pattern": r"\d+"},
        }
    }
    assert (await theatre.play("single", scorers=("port", "digits"))).model == "json"
    assert (await theatre.play("single", scorers=("digits",))).model == "prose"
    assert (await theatre.play("single", scorers=("code",))).model == "json"
    assert (await theatre.play("single", scorers=("heuristic",))).model == "prose"


async def test_an_unknown_scorer_is_refused_before_anything_is_spent(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"tasks": task("typo"), "scorers": {"bad": {"kind": "regex", "pattern": "(?=a"}}}
    with pytest.raises(ConfigError, match="there is no scorer 'typo'"):
        await theatre.play("single")
    with pytest.raises(ConfigError, match="bad"):
        await theatre.play("single", scorers=("bad",))
    assert not theatre.server.calls


async def test_an_answer_that_calls_tools_is_not_marked_yet(theatre: Theatre) -> None:
    theatre.serve("coast")
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    tool = {"name": "look", "description": "Look.", "parameters": {"type": "object"}}
    request = Request.model_validate(
        {
            "messages": [{"role": "user", "content": PROMPT}],
            "tools": [tool],
            "tool_choice": "look",
            "chain": ["coast"],
        }
    )
    done = await theatre.router.execute(request)
    assert done.tool_calls
    assert theatre.evidence() == []


async def test_a_cascade_climbs_by_the_scorers(theatre: Theatre) -> None:
    theatre.serve("well put", Answer("The hills are quiet today, and every path is in the sun."))
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    done = await theatre.play("cascade")
    assert (done.model, done.confidence) == ("coast", 1.0)
    assert "was marked 0.00 by sea" in done.answers[0].why
    assert [row[:3] for row in theatre.evidence()] == [
        ("scorer:sea", "well put", 0),
        ("scorer:sea", "coast", 1),
    ]
    assert [one.outcome for one in done.attempts] == ["low_quality", "ok"]


async def test_an_ensemble_chooses_among_those_that_satisfy(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet today, and every path is in the sun."))
    theatre.serve("fields", Answer("The hills are quiet today, and every path lies in the sun."))
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    done = await theatre.play("ensemble", resolve="ranking")
    assert done.model == "coast"
    assert sum("left out" in one.why for one in done.answers) == 2
    below = await theatre.play("ensemble", models=["hills", "fields"])
    assert any("no answer was good enough" in one for one in below.warnings)


async def test_a_merged_answer_that_fails_gives_way_to_a_draft(theatre: Theatre) -> None:
    theatre.serve("coast", Answer(GOOD))
    theatre.serve("shore", Answer(GOOD))
    theatre.serve("merger", Answer("The hills are quiet."))
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    done = await theatre.play(
        "ensemble", models=["coast", "shore"], resolve="synthesis", judges=("merger",)
    )
    assert done.content == GOOD
    assert "merged answer was not good enough" in done.why


async def test_a_race_and_a_stream_are_marked_but_not_changed(theatre: Theatre) -> None:
    theatre.serve("hills", Answer("The hills are quiet today, and every path is in the sun."))
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"scorers": {"sea": program(MAGIC)}, "tasks": task("sea")}
    raced = await theatre.play("redundant", models=["hills"])
    assert (raced.model, raced.confidence) == ("hills", 0.0)
    assert any("the answer is not good enough: sea gave 0.00" in one for one in raced.warnings)
    events = [one async for one in theatre.router.stream(PROMPT, chain=["hills"], max_tokens=99)]
    last = events[-1]
    assert last.type == "done"
    assert (last.result.model, last.result.confidence) == ("hills", 0.0)
    assert [row[:2] for row in theatre.evidence() if row[0] != "scorer"] == [
        ("scorer:sea", "hills")
    ] * 2


async def test_giving_up_while_a_scorer_runs_leaves_nothing_behind(theatre: Theatre) -> None:
    import anyio

    theatre.serve("coast", Answer(GOOD), price=PRICE)
    began = anyio.Event()

    async def slow(_request: Request, _answer: str) -> float:
        began.set()
        await anyio.sleep_forever()
        return 1.0

    theatre.scorers = {"slow": slow}
    async with anyio.create_task_group() as group:

        async def play() -> None:
            await theatre.play("single", scorers=("slow",))

        group.start_soon(play)
        await began.wait()
        group.cancel_scope.cancel()
    assert theatre.spent() > 0


async def test_poor_form_still_counts_where_nothing_else_marks(theatre: Theatre) -> None:
    theatre.serve("refuses", Answer(POOR))
    theatre.serve("coast", Answer(GOOD))
    theatre.more = {"tasks": task("heuristic")}
    assert (await theatre.play("single")).model == "coast"
