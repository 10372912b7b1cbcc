"""Steps run as soon as what they need is there, and a failure takes only its own along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router import (
    Completion,
    FallbackExhaustedError,
    Request,
    StepEvent,
    StepResult,
    StorageError,
    Workflow,
    WorkflowStep,
)
from mcp_router.storage.database import Database
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.workflows.running import Means, Plan, run_steps
from tests.workflows.conftest import completion, held

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[WorkflowRuns]:
    with Database.open(tmp_path / "r.db") as database:
        yield WorkflowRuns(database)


def form(max_parallel: int = 8, **tasks: str) -> Workflow:
    steps = {name: WorkflowStep(task=task) for name, task in tasks.items()}
    return Workflow(name="w", steps=steps, max_parallel=max_parallel)


class Model:
    """Says what it was asked, and remembers who ran beside whom; fails where `breaks` says."""

    def __init__(self, breaks: frozenset[str] = frozenset()) -> None:
        self.breaks = breaks
        self.asked: list[str] = []
        self.running: set[str] = set()
        self.together = 0

    async def __call__(self, request: Request, *, step: WorkflowStep) -> Completion:
        text = request.messages[-1].content
        assert isinstance(text, str)
        name = text.split()[0]
        self.asked.append(text)
        self.running.add(name)
        self.together = max(self.together, len(self.running))
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        self.running.remove(name)
        if name in self.breaks:
            raise FallbackExhaustedError([])
        return completion(f"<{text}>")


async def run(
    workflow: Workflow, model: Model, runs: WorkflowRuns, events: list[StepEvent] | None = None
) -> dict[str, StepResult]:
    runs.start("r", name="w", definition={}, now=NOON)
    kept = runs.run("r")
    assert kept is not None
    plan = Plan(workflow, {}, "r", kept.results)
    tell = None if events is None else events.append
    hold = held(runs, "r")
    with anyio.fail_after(10):
        found = await run_steps(plan, Means(model, runs, lambda: NOON, hold, tell))
    await hold.release()
    return found


async def test_branches_run_side_by_side_and_meet(runs: WorkflowRuns) -> None:
    meet = {name: anyio.Event() for name in "bc"}

    class Waiting(Model):
        async def __call__(self, request: Request, *, step: WorkflowStep) -> Completion:
            name = str(request.messages[-1].content)[0]
            if name in meet:
                # Neither ends before the other has begun.
                meet[name].set()
                await meet["c" if name == "b" else "b"].wait()
            return await super().__call__(request, step=step)

    workflow = form(d="d {{b}} {{c}}", b="b {{a}}", c="c {{a}}", a="a")
    found = await run(workflow, Waiting(), runs)
    assert list(found) == ["d", "b", "c", "a"]
    last = found["d"].completion
    assert last is not None
    assert last.content == "<d <b <a>> <c <a>>>"


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_no_more_steps_run_at_once_than_the_form_allows(
    most: int, runs: WorkflowRuns
) -> None:
    model = Model()
    await run(form(most, **{f"s{n}": f"s{n}" for n in range(7)}), model, runs)
    assert model.together == most


async def test_a_failure_takes_only_those_along_that_need_it(runs: WorkflowRuns) -> None:
    workflow = form(a="a", b="b {{a}}", c="c {{b}}", d="d", e="e {{d}}")
    found = await run(workflow, Model(frozenset("a")), runs)
    states = {name: one.state for name, one in found.items()}
    assert states == {"a": "failed", "b": "skipped", "c": "skipped", "d": "done", "e": "done"}
    assert found["c"].problem == "It needs b."
    again = Model()
    found = await run(workflow, again, runs)
    assert again.asked == ["a", "b <a>", "c <b <a>>"]
    assert {one.state for one in found.values()} == {"done"}
    assert [name for name, one in found.items() if one.reused] == ["d", "e"]


async def test_an_empty_answer_is_a_failure_and_is_not_kept(runs: WorkflowRuns) -> None:
    async def mute(request: Request, *, step: WorkflowStep) -> Completion:
        return completion(" \n")

    runs.start("r", name="w", definition={}, now=NOON)
    means = Means(mute, runs, lambda: NOON, held(runs, "r"))
    found = await run_steps(Plan(form(a="a"), {}, "r", {}), means)
    assert (found["a"].state, found["a"].problem) == ("failed", "m gave an empty answer.")
    kept = runs.run("r")
    assert kept is not None
    assert kept.results == {}


async def test_a_database_that_fails_stops_what_runs(runs: WorkflowRuns) -> None:
    stopped: list[str] = []

    async def carry(request: Request, *, step: WorkflowStep) -> Completion:
        if step.task == "a":
            raise StorageError(path="r.db", problem="is gone")
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append(step.task)
        return completion()

    runs.start("r", name="w", definition={}, now=NOON)
    means = Means(carry, runs, lambda: NOON, held(runs, "r"))
    with pytest.raises(StorageError), anyio.fail_after(10):
        await run_steps(Plan(form(b="b", c="c", a="a"), {}, "r", {}), means)
    assert sorted(stopped) == ["b", "c"]


async def test_the_caller_is_told_of_each_step_when_it_begins_and_ends(runs: WorkflowRuns) -> None:
    events: list[StepEvent] = []
    await run(form(a="a", b="b {{a}}"), Model(), runs, events)
    told = [(one.name, one.done, one.result and one.result.state) for one in events]
    assert told == [("a", 0, None), ("a", 1, "done"), ("b", 1, None), ("b", 2, "done")]


def test_whatever_fails_every_step_is_accounted_and_ran_after_its_needs(tmp_path: Path) -> None:
    with Database.open(tmp_path / "r.db") as database:
        runs = WorkflowRuns(database)

        @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.data())
        def hold(data: st.DataObject) -> None:
            names = [f"s{n}" for n in range(data.draw(st.integers(1, 8)))]
            needs = {
                name: sorted(data.draw(st.sets(st.sampled_from(names[:at])))) if at else []
                for at, name in enumerate(names)
            }
            breaks = data.draw(st.frozensets(st.sampled_from(names)))
            tasks = {n: " ".join([n, *(f"{{{{{one}}}}}" for one in needs[n])]) for n in names}
            model = Model(breaks)
            runs.forget("r")
            found = anyio.run(run, form(data.draw(st.integers(1, 4)), **tasks), model, runs)
            lost: set[str] = set()
            for name in names:
                if lost & {*needs[name]}:
                    assert found[name].state == "skipped"
                    lost.add(name)
                elif name in breaks:
                    assert found[name].state == "failed"
                    lost.add(name)
                else:
                    assert found[name].state == "done"
            begun = [text.split()[0] for text in model.asked]
            assert len(begun) == len({*begun})
            for name in begun:
                assert all(begun.index(one) < begun.index(name) for one in needs[name])

        hold()
