"""A run is carried out by whoever holds it; one that has lost it pays for nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp_router import Completion, Request, Workflow, WorkflowBusyError, WorkflowStep
from mcp_router.storage.database import Database
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.workflows.hold import Hold
from mcp_router.workflows.running import Means, Plan, run_steps
from mcp_router.workflows.runs import Begun, begin
from tests.storage.servers import ENGINES, fresh_schema
from tests.workflows.conftest import completion, held

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture(params=ENGINES)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkflowRuns]:
    if request.param == "sqlite":
        with Database.open(tmp_path / "r.db") as database:
            yield WorkflowRuns(database)
        return
    with fresh_schema() as address, Database.open(address) as database:
        yield WorkflowRuns(database)


def form(task: str = "b {{a}}") -> Workflow:
    return Workflow(name="w", steps={"a": WorkflowStep(task="a"), "b": WorkflowStep(task=task)})


def go(
    runs: WorkflowRuns,
    workflow: Workflow | None = None,
    *,
    now: datetime = NOON,
    run_id: str | None = "r",
    resume: bool = False,
) -> Begun:
    return begin(runs, workflow or form(), inputs={}, run_id=run_id, resume=resume, now=now)


def run_out(runs: WorkflowRuns) -> None:
    """Let so much time pass that every lease has run out."""
    runs.database.write("UPDATE workflow_leases SET until_ms = 0", ())


def taken_over(runs: WorkflowRuns) -> Hold:
    """Let another process have the run, whose holder does not renew it in between."""
    with runs.database.transaction():
        run_out(runs)
        return held(runs, "r")


def until(runs: WorkflowRuns) -> int:
    with runs.database.reading() as connection:
        (found,) = connection.execute("SELECT until_ms FROM workflow_leases").fetchone()
    return int(found)


async def run(runs: WorkflowRuns, begun: Begun, carry: Model, *, beat_s: float = 60) -> None:
    hold = Hold(runs.database, begun.lease, beat_s=beat_s)
    plan = Plan(form(), {}, begun.run_id, begun.results)
    with anyio.fail_after(20):
        await run_steps(plan, Means(carry, runs, lambda: NOON, hold))


class Model:
    """Has the run taken over by another process while a step runs; stays silent if told to."""

    def __init__(self, runs: WorkflowRuns, at: str, *, silent: bool = False) -> None:
        self._runs, self._at, self._silent = runs, at, silent
        self.asked: list[str] = []
        self.stopped = False

    async def __call__(self, request: Request, *, step: WorkflowStep) -> Completion:
        text = str(request.messages[-1].content)
        self.asked.append(text[0])
        if text[0] == self._at:
            taken_over(self._runs)
            try:
                await anyio.sleep(60 if self._silent else 0)
            finally:
                self.stopped = self._silent
        return completion(text)


def kept(runs: WorkflowRuns) -> set[str]:
    found = runs.run("r")
    assert found is not None
    return {*found.results}


@pytest.mark.parametrize("run_id", ["r", None])
def test_a_run_that_another_process_carries_out_is_left_as_it_is(
    run_id: str | None, runs: WorkflowRuns
) -> None:
    go(runs)
    runs.finish_step("r", step="a", result=completion("a"), ok=True, now=NOON)
    runs.finish_step("r", step="b", result=completion("b"), ok=True, now=NOON)
    before = runs.run("r")
    # Neither a changed form nor a clock that was put on decides about it.
    tomorrow = NOON + timedelta(days=1)
    with pytest.raises(WorkflowBusyError, match="'r' is being carried out by another") as caught:
        go(runs, form("b new {{a}}"), now=tomorrow, run_id=run_id, resume=True)
    assert runs.run("r") == before
    assert caught.value.until is not None
    assert tomorrow < caught.value.until <= tomorrow + timedelta(seconds=30)


def test_a_run_whose_lease_has_run_out_is_taken_over_with_what_is_kept(runs: WorkflowRuns) -> None:
    go(runs)
    runs.finish_step("r", step="a", result=completion("a"), ok=True, now=NOON)
    run_out(runs)
    assert set(go(runs, run_id=None, resume=True).results) == {"a"}


def test_beside_a_run_that_is_held_others_begin(runs: WorkflowRuns) -> None:
    go(runs)
    assert {go(runs, run_id=None).run_id, go(runs, run_id=None).run_id} & {"r"} == set()
    assert go(runs, run_id="s").run_id == "s"


async def test_a_run_that_is_lost_in_a_step_keeps_no_answer_and_pays_for_no_other(
    runs: WorkflowRuns,
) -> None:
    model = Model(runs, "a")
    with pytest.raises(WorkflowBusyError, match="is not ours any more"):
        await run(runs, go(runs), model)
    assert model.asked == ["a"]
    assert kept(runs) == set()


async def test_a_run_that_is_lost_between_two_steps_pays_for_no_other(runs: WorkflowRuns) -> None:
    model, begun = Model(runs, ""), go(runs)
    runs.finish_step("r", step="a", result=completion("a"), ok=True, now=NOON)
    theirs = taken_over(runs)
    with pytest.raises(WorkflowBusyError):
        await run(runs, begun._replace(results={"a": completion("a")}), model)
    assert model.asked == []
    await theirs.check()


async def test_a_step_that_runs_is_stopped_once_its_run_is_lost(runs: WorkflowRuns) -> None:
    model = Model(runs, "b", silent=True)
    with pytest.raises(WorkflowBusyError):
        await run(runs, go(runs), model, beat_s=0.01)
    assert model.asked == ["a", "b"]
    assert model.stopped
    assert kept(runs) == {"a"}


async def test_a_hold_is_renewed_while_a_step_runs(runs: WorkflowRuns) -> None:
    class Slow(Model):
        async def __call__(self, request: Request, *, step: WorkflowStep) -> Completion:
            # Nobody took it over, so that the next beat makes it good again.
            run_out(runs)
            while not until(runs):
                await anyio.lowlevel.checkpoint()
            return await super().__call__(request, step=step)

    await run(runs, go(runs), Slow(runs, ""), beat_s=0.01)
    assert kept(runs) == {"a", "b"}


async def test_what_is_written_by_a_process_that_lost_its_run_is_not_kept(
    runs: WorkflowRuns,
) -> None:
    begun = go(runs)
    mine = Hold(runs.database, begun.lease)
    theirs = taken_over(runs)
    with pytest.raises(WorkflowBusyError):
        await mine.write(partial(runs.end, "r", state="done", now=NOON))
    found = runs.run("r")
    assert found is not None
    assert found.state == "running"
    await mine.release()
    await theirs.write(partial(runs.end, "r", state="failed", now=NOON))
    await theirs.release()
    with pytest.raises(WorkflowBusyError):
        await theirs.check()
    held(runs, "r")
