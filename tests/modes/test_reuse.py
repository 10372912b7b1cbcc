"""A kept answer stands in for a call where that was asked for, and for the same request only."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_router import (
    Completion,
    Constraints,
    Media,
    Message,
    Request,
    Router,
    TaskType,
    Text,
    ToolSpec,
)
from mcp_router.storage.answers import AnswerCache
from mcp_router.testing import Answer, Fault
from tests.modes.theatre import FINE, GOOD, POOR, PROMPT, Theatre
from tests.server.process import environment

PRICE = {"price": {"input": 3, "output": 15}}
ON = {"cache": {"answers": "exact"}}


@pytest.fixture
def stage(theatre: Theatre) -> Theatre:
    """Two models, and answers that are given again."""
    theatre.serve("first", Answer(GOOD), **PRICE)
    theatre.serve("second", Answer(FINE), **PRICE)
    theatre.more = dict(ON)
    return theatre


async def ask(theatre: Theatre, task: Any = PROMPT, **asked: Any) -> Completion:
    return await theatre.play(asked.pop("mode", "single"), task, **asked)


async def test_unless_asked_every_task_is_done_anew(theatre: Theatre) -> None:
    theatre.serve("first", Answer(GOOD))
    for _ in range(2):
        assert not (await ask(theatre)).cached
    assert theatre.calls_of("first") == 2
    assert theatre.rows("SELECT count(*) FROM answer_cache") == [(0,)]


async def test_the_same_request_again_is_answered_at_no_cost(stage: Theatre) -> None:
    first = await ask(stage)
    spent = stage.spent()
    again = await ask(stage)
    assert (first.cached, again.cached) == (False, True)
    assert first.cost_usd
    assert (again.content, again.model, again.confidence) == (GOOD, "first", first.confidence)
    assert (again.cost_usd, again.usage.output_tokens) == (Decimal(0), 0)
    assert again.decision_id != first.decision_id
    (tried,) = again.attempts
    assert (tried.outcome, tried.cost_usd) == ("cache", Decimal(0))
    assert first.decision_id in tried.reason
    assert stage.calls_of("first") == 1
    assert stage.spent() == spent
    assert AnswerCache(stage.router.store.database, ttl=1).statistics()[2:5] == (1, 0, 1)


async def test_one_call_may_ask_for_it_or_refuse_it(theatre: Theatre) -> None:
    theatre.serve("first", Answer(GOOD))
    await ask(theatre, reuse="exact")
    assert (await ask(theatre, reuse="exact")).cached
    assert not (await ask(theatre)).cached
    assert not (await ask(theatre, reuse="off")).cached
    assert theatre.calls_of("first") == 3


async def test_a_refusal_neither_takes_nor_keeps(stage: Theatre) -> None:
    await ask(stage, reuse="off")
    assert stage.rows("SELECT count(*) FROM answer_cache") == [(0,)]


async def test_a_stream_gives_what_an_execution_kept_and_the_other_way_round(
    stage: Theatre,
) -> None:
    await ask(stage)
    events = [event async for event in streamed(stage)]
    assert [event.type for event in events] == ["delta", "done"]
    assert events[0] == (GOOD, "delta")
    assert events[-1].type == "done"
    assert events[-1].result.cached
    other = "Say something nice about the hills."
    events = [event async for event in streamed(stage, other)]
    assert events[-1].type == "done"
    assert not events[-1].result.cached
    assert (await ask(stage, other)).cached


def streamed(theatre: Theatre, task: str = PROMPT) -> Any:
    events: Any = theatre.router.stream(task, chain=theatre.names, max_tokens=400)
    return events


async def test_what_a_fallback_answered_is_found_and_names_who_gave_it(theatre: Theatre) -> None:
    theatre.serve("first", Fault.http(503))
    theatre.serve("second", Answer(GOOD))
    theatre.more = dict(ON)
    await ask(theatre)
    again = await ask(theatre)
    assert (again.cached, again.model) == (True, "second")
    assert again.attempts[0].model == "second"


async def test_an_answer_of_a_model_that_this_request_rules_out_is_none(theatre: Theatre) -> None:
    theatre.serve("first", Fault.http(503), Answer(GOOD))
    theatre.serve("second", Answer(FINE))
    theatre.more = ON | {"fallback": theatre.fallback | {"max_retries": 0}}
    theatre.fallback = theatre.fallback | {"max_retries": 0}
    assert (await ask(theatre)).model == "second"
    ruled = await ask(theatre, constraints=Constraints(deny_models=("second",)))
    assert (ruled.model, ruled.cached) == ("first", False)


async def test_each_user_project_and_tag_has_answers_of_its_own(stage: Theatre) -> None:
    await ask(stage, tags={"user": "anna"})
    for tags in ({"user": "ben"}, {}, {"project": "anna"}, {"user": "anna", "session": "2"}):
        assert not (await ask(stage, tags=tags)).cached, tags
    assert (await ask(stage, tags={"user": "anna"})).cached


async def test_tags_of_our_own_runs_and_those_named_do_not_keep_answers_apart(
    stage: Theatre,
) -> None:
    stage.more = {"cache": {"answers": "exact", "answers_across": ["session"]}}
    await ask(stage, tags={"session": "1"})
    assert (await ask(stage, tags={"session": "2"})).cached
    assert not (await ask(stage, tags={"session": "2", "batch": "b"})).cached


@pytest.mark.parametrize(
    "asked",
    [
        {"max_tokens": 300},
        {"temperature": 0},
        {"json_mode": True},
        {"stop": ("sea",)},
        {"reasoning_effort": "low"},
        {"tools": (ToolSpec(name="look"),)},
        {"mode": "redundant"},
        {"models": ["second", "first"]},
        {"task": "Say something nice about the sea!"},
        {
            "task": (
                Message(role="system", content="Be brief."),
                Message(role="user", content=PROMPT),
            )
        },
    ],
    ids=lambda asked: next(iter(asked)),
)
async def test_whatever_can_change_an_answer_makes_it_another_request(
    stage: Theatre, asked: dict[str, Any]
) -> None:
    await ask(stage)
    assert not (await ask(stage, **asked)).cached


@pytest.mark.parametrize(
    ("answer", "kept"),
    [(Answer(GOOD), 1), (Answer(POOR), 0), (Answer(GOOD, finish="length"), 0)],
)
async def test_only_whole_and_good_answers_are_kept(
    theatre: Theatre, answer: Answer, kept: int
) -> None:
    theatre.serve("first", answer)
    theatre.more = dict(ON)
    await ask(theatre)
    assert theatre.rows("SELECT count(*) FROM answer_cache") == [(kept,)]


async def test_what_is_meant_to_vary_is_kept_only_where_the_call_asks(stage: Theatre) -> None:
    away = Media(url="https://pictures.test/sea.png")
    picture = Message(role="user", content=(Text(text=PROMPT), away))
    for _ in range(2):
        assert not (await ask(stage, temperature=0.7)).cached
        assert not (await ask(stage, (picture,))).cached
    await ask(stage, temperature=0.7, reuse="exact")
    assert (await ask(stage, temperature=0.7, reuse="exact")).cached


async def test_an_ensemble_is_given_again_whole_and_apart_from_its_models(stage: Theatre) -> None:
    await ask(stage)
    voted = await ask(stage, mode="ensemble")
    again = await ask(stage, mode="ensemble")
    assert (voted.cached, again.cached) == (False, True)
    assert [one.model for one in again.answers] == [one.model for one in voted.answers]
    assert {one.cost_usd for one in again.answers} == {Decimal(0)}
    assert not (await ask(stage, mode="ensemble", n=1)).cached
    assert not (await ask(stage, mode="ensemble", models=["first"])).cached


async def test_a_hit_is_no_evidence_and_feedback_reaches_who_gave_it(theatre: Theatre) -> None:
    theatre.serve("first", Fault.http(503))
    theatre.serve("second", Answer(GOOD))
    theatre.more = dict(ON)
    await ask(theatre)
    before = theatre.rows("SELECT model, successes, failures FROM fresh_performance")
    done = await ask(theatre)
    assert theatre.rows("SELECT model, successes, failures FROM fresh_performance") == before
    assert theatre.rows("SELECT model, ok FROM routing_outcomes WHERE source = 'cache'") == [
        ("second", 1)
    ]
    assert theatre.router.feedback(done.decision_id, ok=True).model == "second"
    (row,) = [one for one in theatre.router.stats() if one.group == "second"]
    assert (row.calls, row.ok) == (1, 1)


async def test_the_decision_of_a_hit_says_so(stage: Theatre) -> None:
    first = await ask(stage)
    again = await ask(stage)
    explained = stage.router.explain(again.decision_id)
    assert "Nobody was asked" in explained.reasons[-1]
    assert first.decision_id in explained.reasons[-1]
    assert "Nobody was asked" not in stage.router.explain(first.decision_id).reasons[-1]


async def test_a_spent_budget_does_not_stop_what_costs_nothing(stage: Theatre) -> None:
    await ask(stage)
    assert (await ask(stage, constraints=Constraints(max_cost_usd=Decimal(1)))).cached
    again = await stage.router.execute(
        PROMPT, chain=stage.names, max_tokens=400, request_limit_usd=Decimal("0.0000001")
    )
    assert again.cached


async def test_near_questions_share_an_answer_only_on_request(stage: Theatre) -> None:
    await ask(stage, "How old is Rome?", reuse="near")
    assert not (await ask(stage, "Please, how old is Rome", reuse="exact")).cached
    stage.router.store.database.write("DELETE FROM answer_cache", ())
    await ask(stage, "How old is Rome?", reuse="near")
    near = await ask(stage, "Please, how old is Rome", reuse="near")
    assert near.cached
    assert near.warnings[0].startswith("an answer to a question in other words was kept on")
    statistics = AnswerCache(stage.router.store.database, ttl=1).statistics()
    assert (statistics.near_hits, statistics.hits) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"task": "How old is Oslo?"},
        {"task": "How old is Rome not?"},
        {"task": "How old is Rome 2?"},
        {"tags": {"user": "ben"}},
        {"tools": (ToolSpec(name="look"),)},
        {
            "task": (
                Message(role="system", content="Lie."),
                Message(role="user", content="How old is Rome?"),
            )
        },
    ],
    ids=["name", "negation", "number", "user", "tools", "system"],
)
async def test_near_never_crosses_names_negations_numbers_users_tools_or_systems(
    stage: Theatre, other: dict[str, Any]
) -> None:
    await ask(stage, "Please, how old is Rome?", reuse="near")
    asked = {"task": "How old is Rome?"} | other
    assert not (await ask(stage, **asked, reuse="near")).cached


async def test_an_answer_is_given_again_for_its_time_only_and_never_before_it_was_given(
    stage: Theatre,
) -> None:
    now = [datetime.now(UTC)]
    stage.more = {"cache": {"answers": "exact", "answers_ttl": 60}}
    router = Router.open(stage.router.settings, environ={}, clock=lambda: now[0])
    async with router:
        asked: Any = {"chain": stage.names, "max_tokens": 400}
        start = now[0]
        seen: list[bool] = []
        for seconds in (0, 59, 61, 62, -3600):
            now[0] = start + timedelta(seconds=seconds)
            seen.append((await router.execute(PROMPT, **asked)).cached)
    assert seen == [False, True, False, True, False]


async def test_a_damaged_answer_is_a_miss_and_is_replaced(stage: Theatre) -> None:
    await ask(stage)
    stage.router.store.database.write("UPDATE answer_cache SET answer = x'00ff'", ())
    assert not (await ask(stage)).cached
    assert (await ask(stage)).cached


async def test_settings_take_yes_and_no(theatre: Theatre) -> None:
    theatre.serve("first", Answer(GOOD))
    theatre.more = {"cache": {"answers": True}}
    assert theatre.router.settings.cache.answers == "exact"


def test_what_is_off_is_not_even_imported(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib, tempfile\n"
        "from mcp_router import Router\n"
        "from mcp_router.config.load import load_settings\n"
        "from mcp_router.testing import FaultServer\n"
        "async def main():\n"
        "    folder = pathlib.Path(tempfile.mkdtemp())\n"
        "    async with FaultServer() as server:\n"
        "        server.script('first', [], then='healthy')\n"
        "        given = {'db': str(folder / 'a.db'), **server.settings()}\n"
        "        loaded = load_settings(environ={}, cwd=folder, overrides=given)\n"
        "        async with Router.open(loaded.settings, environ={}) as router:\n"
        "            await router.execute('Say hello to the sea.', chain='first')\n"
        "            [one async for one in router.stream('Say hello.', chain='first')]\n"
        "asyncio.run(main())\n"
        "names = ('modes.reuse', 'storage.answers', 'storage.near', 'execution.sparing')\n"
        "sys.exit(sum('mcp_router.' + name in sys.modules for name in names))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, check=False
    )
    assert done.returncode == 0, done


async def test_what_is_trimmed_is_said_with_the_answer_and_only_on_request(
    theatre: Theatre,
) -> None:
    theatre.serve("first", Answer(GOOD))
    page = "\n".join(f"line {number} of the log book" for number in range(40))
    talk = tuple(
        Message.model_validate({"role": role, "content": text})
        for role, text in (
            ("user", page),
            ("assistant", "Read."),
            ("user", f"Again:\n{page}"),
            ("assistant", "Read."),
            ("user", PROMPT),
        )
    )
    plain = await ask(theatre, talk)
    spare = await ask(theatre, talk, trim=True, reuse="exact")
    again = await ask(theatre, talk, trim=True, reuse="exact")
    assert plain.warnings == ()
    assert spare.usage.input_tokens < plain.usage.input_tokens
    assert spare.warnings[0].startswith("left out of message 3: 40 lines, about ")
    assert again.cached
    assert again.warnings == spare.warnings
    (event,) = [one async for one in theatre.router.stream(talk, trim=True) if one.type == "done"]
    assert event.result.warnings == spare.warnings


async def test_a_cache_that_fails_costs_no_answer(stage: Theatre) -> None:
    stage.router.store.database.write(
        "CREATE TRIGGER full BEFORE INSERT ON answer_cache BEGIN SELECT raise(ABORT, 'full'); END",
        (),
    )
    done = await ask(stage)
    assert done.content == GOOD
    assert done.warnings[0].startswith("the answer could not be kept: ")


async def test_an_answer_that_its_scorers_refuse_is_not_kept(stage: Theatre) -> None:
    def half(_request: Request, _answer: str) -> float:
        return 0.7

    stage.scorers = {"half": half}
    strict = {"scorers": ["half"], "min_quality": 0.9}
    stage.more = ON | {"tasks": {str(kind): strict for kind in TaskType}}
    for _ in range(2):
        events = [event async for event in streamed(stage)]
        assert events[-1].type == "done"
        assert events[-1].result.confidence == 0.7
        assert not events[-1].result.cached
    assert stage.calls_of("first") == 2
