"""Experiments assign what is executed, count what came of it, and stop what must stop."""

from __future__ import annotations

import multiprocessing
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from mcp_router import BudgetExceededError, Constraints, FallbackExhaustedError, Mode, Router
from mcp_router.experiments.tally import results
from mcp_router.storage.database import Database
from mcp_router.storage.exposures import Exposures
from mcp_router.testing import Answer, Fault
from tests.modes.theatre import FINE, GOOD, POOR, PROMPT
from tests.studies.laboratory import NOW, Laboratory


def two(lab: Laboratory, *second: Any) -> None:
    lab.serve("first", Answer(GOOD))
    lab.serve("second", *(second or (Answer(FINE),)))


async def test_each_arm_runs_its_own_models_and_the_decision_says_so(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    for _ in range(12):
        done = await lab.ask()
        arm = lab.arm_of(done)
        decision = lab.router.explain(done.decision_id)
        assert (arm, done.model) in {("a", "first"), ("b", "second")}
        assert decision.model == done.model
        assert f"Experiment trial, arm {arm}." in decision.reasons
    found = {tally.arm: tally for tally in lab.log.tallies("trial")}
    assert set(found) == {"a", "b"}
    assert sum(map(results, found.values())) == 12
    assert all(tally.failures == 0 and tally.priced == results(tally) for tally in found.values())


async def test_a_session_stays_in_its_arm(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    for name in ("x", "y", "z"):
        met = {(await lab.ask(f"Question {at}", tags={"session": name})).model for at in range(4)}
        assert len(met) == 1


async def test_only_what_is_executed_takes_part(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    lab.router.route(PROMPT)
    await lab.ask(chain=["first"])
    await lab.ask(constraints=Constraints(models=("second",)))
    assert lab.log.tallies("trial") == ()


async def test_a_stream_counts_when_it_has_ended(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    events = [event async for event in lab.router.stream(PROMPT, max_tokens=100)]
    assert events[-1].type == "done"
    (tally,) = lab.log.tallies("trial")
    assert (results(tally), tally.successes) == (1, 1)
    async with aclosing(lab.router.stream(f"{PROMPT} Again.", max_tokens=100)) as stream:
        async for event in stream:
            if event.type == "done":
                break
    assert sum(map(results, lab.log.tallies("trial"))) == 2


async def test_poor_answers_and_failures_count_against_their_arm(lab: Laboratory) -> None:
    two(lab, Answer(POOR), Fault.invalid_key())
    lab.start()
    failed = 0
    for _ in range(14):
        try:
            await lab.ask()
        except FallbackExhaustedError:
            failed += 1
    found = {tally.arm: tally for tally in lab.log.tallies("trial")}
    assert failed > 0
    assert (found["a"].failures, found["b"].successes) == (0, 0)
    assert found["b"].failures == failed + 1
    assert found["a"].score / found["a"].scored > 0.6 > found["b"].score / found["b"].scored


async def test_feedback_is_the_last_word(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    done = await lab.ask()
    lab.router.feedback(done.decision_id, ok=False)
    assert [tally[1:3] for tally in lab.log.tallies("trial")] == [(0, 1)]
    lab.router.feedback(done.decision_id, score=0.9)
    (tally,) = lab.log.tallies("trial")
    assert (tally.successes, tally.failures, round(tally.score, 3)) == (1, 0, 0.9)


@pytest.mark.parametrize("mode", [Mode.CASCADE, Mode.ENSEMBLE, Mode.REDUNDANT])
async def test_every_mode_works_with_the_models_of_the_arm(lab: Laboratory, mode: Mode) -> None:
    for name in ("first", "second", "third", "fourth"):
        lab.serve(name, Answer(GOOD))
    arms = {"a": {"chain": ["first", "second"]}, "b": {"chain": ["third", "fourth"]}}
    lab.start(arms=arms)
    for _ in range(6):
        done = await lab.ask(mode=mode)
        asked = {one.model for one in done.attempts}
        assert asked <= set(arms[lab.arm_of(done) or ""]["chain"])
    tallies = lab.log.tallies("trial")
    assert sum(map(results, tallies)) == 6


async def test_an_arm_that_rules_every_model_out_has_failed_and_the_task_goes_on(
    lab: Laboratory,
) -> None:
    two(lab)
    lab.models["second"] = {"context": 50}
    lab.start()
    seen: set[str] = set()
    for _ in range(10):
        done = await lab.ask()
        decision = lab.router.explain(done.decision_id)
        assert done.model == "first"
        if not decision.experiments:
            seen.update(decision.warnings)
    assert "Decided without experiment: arm b of trial leaves no model for this task." in seen
    found = {tally.arm: tally for tally in lab.log.tallies("trial")}
    assert (found["a"].failures, found["b"].successes) == (0, 0)
    assert found["b"].failures > 0


async def test_weights_of_an_arm_choose_the_model(lab: Laboratory) -> None:
    lab.serve("first", Answer(GOOD), quality=0.99, price={"input": "50", "output": "200"})
    lab.serve("second", Answer(GOOD), quality=0.95, price={"input": "0.1", "output": "0.1"})
    lab.more = {"constraints": {"models": ["first", "second"]}}
    arms = {"dear": {"weights": {"quality": 1, **dict.fromkeys(("capability", "cost"), 0)}}}
    arms["dear"]["weights"] |= {"latency": 0, "historical": 0}
    arms["cheap"] = {"weights": {**arms["dear"]["weights"], "quality": 0, "cost": 1}}
    lab.start(arms=arms)
    for _ in range(10):
        done = await lab.ask()
        wanted = {"dear": "first", "cheap": "second"}
        assert done.model == wanted[lab.arm_of(done) or ""]


async def test_a_failing_arm_is_stopped_at_once_and_the_control_takes_over(
    lab: Laboratory,
) -> None:
    two(lab, Fault.invalid_key())
    lab.start(max_failure_rate=0.2)
    for _ in range(60):
        try:
            await lab.ask()
        except FallbackExhaustedError:
            continue
        if lab.alerts:
            break
    assert lab.alerts == [line for line in lab.alerts if "arm b is stopped" in line][:1]
    stored = lab.log.experiment("trial")
    assert stored is not None
    assert set(stored.stopped) == {"b"}
    before = {tally.arm: results(tally) for tally in lab.log.tallies("trial")}
    met = {(await lab.ask()).model for _ in range(12)}
    assert met == {"first"}
    assert {tally.arm: results(tally) for tally in lab.log.tallies("trial")}["b"] == before["b"]


async def test_an_arm_stops_at_its_budget_and_the_experiment_at_its_size(lab: Laboratory) -> None:
    two(lab)
    lab.start(arm_budget_usd="0.0002", max_samples=15)
    for _ in range(40):
        await lab.ask()
    stored = lab.log.experiment("trial")
    assert stored is not None
    assert stored.state in ("stopped", "decided")
    assert any("has ended" in line for line in lab.alerts)
    done = await lab.ask()
    assert lab.router.explain(done.decision_id).experiments == {}


async def test_what_a_caller_breaks_off_counts_nowhere(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    async with aclosing(lab.router.stream(PROMPT)) as stream:
        assert (await anext(stream)).type != "done"
    assert sum(map(results, lab.log.tallies("trial"))) == 0


async def test_what_no_budget_paid_for_counts_nowhere(lab: Laboratory) -> None:
    two(lab)
    lab.more = {"budget": {"daily": "0.0000001"}}
    lab.models |= {name: {"price": {"input": "3", "output": "15"}} for name in lab.names}
    lab.start()
    with pytest.raises(BudgetExceededError):
        await lab.ask()
    assert sum(map(results, lab.log.tallies("trial"))) == 0


async def test_an_experiment_with_models_that_are_unknown_here_is_left_to_others(
    lab: Laboratory,
) -> None:
    two(lab)
    lab.start(arms={"a": {}, "b": {"chain": ["no-such-model"]}})
    done = await lab.ask()
    assert lab.router.explain(done.decision_id).experiments == {}


async def test_the_same_request_under_the_same_state_is_decided_the_same(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    tags = {"session": "same"}
    made = [lab.router.explain((await lab.ask(tags=tags)).decision_id) for _ in range(3)]
    assert len({one.decision_id for one in made}) == 3
    assert len({(one.model, one.reasons, one.fallbacks) for one in made}) == 1


async def test_an_answer_that_was_kept_counts_nowhere(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    tags = {"session": "same"}
    first = await lab.ask(tags=tags, reuse="exact")
    again = await lab.ask(tags=tags, reuse="exact")
    assert (first.cached, again.cached) == (False, True)
    assert sum(map(results, lab.log.tallies("trial"))) == 1


def _stop(path: str, names: Any) -> None:
    with Database.open(path) as database:
        told = Exposures(database).stop_arm("trial", arm="b", reason="it fails", now=NOW)
        names.put(told)


def test_of_many_processes_one_stops_an_arm_and_all_see_it(tmp_path: Path) -> None:
    path = str(tmp_path / "router.db")
    with Database.open(path) as database:
        log = Exposures(database)
        log.define("trial", details={}, now=NOW)
        context = multiprocessing.get_context("spawn")
        told = context.Queue()
        processes = [context.Process(target=_stop, args=(path, told)) for _ in range(3)]
        for process in processes:
            process.start()
        assert sorted(told.get(timeout=60) for _ in processes) == [False, False, True]
        for process in processes:
            process.join(60)
        stored = log.experiment("trial")
    assert stored is not None
    assert stored.stopped == {"b": "it fails"}


async def test_two_routers_on_one_database_see_a_stop_with_the_next_call(lab: Laboratory) -> None:
    two(lab)
    lab.start()
    await lab.ask()
    models = {f"u{at}": (await lab.ask(tags={"session": f"u{at}"})).model for at in range(8)}
    moved = next(name for name, model in models.items() if model == "second")
    async with Router.open(lab.router.settings, environ={}) as other:
        assert (await other.execute(PROMPT, tags={"session": moved})).model == "second"
        lab.log.stop_arm("trial", arm="b", reason="it fails", now=NOW)
        assert (await other.execute(PROMPT, tags={"session": moved})).model == "first"
