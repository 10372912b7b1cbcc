"""A run of a workflow is found again after a crash, with every step that went well."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mcp_router.storage.database import Database
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.types import Completion, Usage
from tests.storage.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = {
    "steps": [{"name": "plan"}, {"name": "write", "needs": ["plan"]}],
    "inputs": {"x": "é"},
}


def result(text: str) -> Completion:
    return Completion(
        decision_id=f"d-{text}",
        model="alpha",
        provider="openai",
        content=text,
        finish_reason="stop",
        usage=Usage(output_tokens=3),
        cost_usd=None,
        latency_ms=5,
        attempts=(),
    )


@pytest.fixture
def path(place: Path | str) -> Path | str:
    return place


def test_a_run_goes_on_in_another_process_where_it_stood(path: Path | str) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        assert runs.start("r1", name="essay", definition=DEFINITION, now=NOON)
        runs.finish_step("r1", step="plan", result=result("a plan"), ok=True, now=NOON)
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        assert not runs.start("r1", name="essay", definition={}, now=NOON)
        found = runs.run("r1")
        assert found is not None
        assert (found.name, found.state, found.definition) == ("essay", "running", DEFINITION)
        assert found.results == {"plan": result("a plan")}


def test_a_failed_step_is_tried_again_and_a_good_one_never_replaced(path: Path | str) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        runs.start("r1", name="essay", definition=DEFINITION, now=NOON)
        runs.finish_step("r1", step="plan", result=result("bad"), ok=False, now=NOON)
        found = runs.run("r1")
        assert found is not None
        assert found.results == {}
        runs.finish_step("r1", step="plan", result=result("good"), ok=True, now=NOON)
        runs.finish_step("r1", step="plan", result=result("late"), ok=True, now=NOON)
        runs.finish_step("r1", step="plan", result=result("worse"), ok=False, now=NOON)
        found = runs.run("r1")
        assert found is not None
        assert found.results == {"plan": result("good")}


def test_a_run_ends_and_may_run_again(path: Path | str) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        runs.start("r1", name="essay", definition=DEFINITION, now=NOON)
        for state in ("failed", "running", "done"):
            runs.end("r1", state=state, now=NOON + timedelta(hours=1))
            found = runs.run("r1")
            assert found is not None
            assert found.state == state


def test_a_forgotten_run_leaves_nothing_behind(path: Path | str) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        runs.start("r1", name="essay", definition=DEFINITION, now=NOON)
        runs.finish_step("r1", step="plan", result=result("a plan"), ok=True, now=NOON)
        runs.forget("r1")
        assert runs.run("r1") is None
        with database.reading() as connection:
            assert connection.execute("SELECT count(*) FROM workflow_steps").fetchone() == (0,)


def test_runs_of_a_name_are_listed_with_the_latest_first(path: Path | str) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        for hour, (run_id, name) in enumerate([("r1", "essay"), ("r2", "other"), ("r3", "essay")]):
            runs.start(run_id, name=name, definition={}, now=NOON + timedelta(hours=hour))
        assert runs.runs_of("essay") == ("r3", "r1")
        runs.end("r1", state="failed", now=NOON + timedelta(hours=9))
        assert runs.runs_of("essay") == ("r1", "r3")
        assert runs.runs_of("nothing") == ()


def test_a_run_under_another_definition_keeps_only_what_still_holds(path: Path | str) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        for run_id in ("r1", "r2"):
            runs.start(run_id, name="essay", definition=DEFINITION, now=NOON)
            for step in ("plan", "write"):
                runs.finish_step(run_id, step=step, result=result(step), ok=True, now=NOON)
        runs.end("r1", state="failed", now=NOON)
        runs.redefine("r1", definition={"new": 1}, keep={"plan"}, now=NOON)
        found, other = runs.run("r1"), runs.run("r2")
        assert found is not None
        assert (found.state, found.definition) == ("running", {"new": 1})
        assert found.results == {"plan": result("plan")}
        assert other is not None
        assert set(other.results) == {"plan", "write"}
        runs.finish_step("r1", step="write", result=result("again"), ok=True, now=NOON)
        found = runs.run("r1")
        assert found is not None
        assert found.results["write"] == result("again")


def test_runs_that_nobody_went_on_with_are_pruned_whole(path: Path | str) -> None:
    with SqliteStore.open(path) as store:
        runs = WorkflowRuns(store.database)
        for days, run_id in enumerate(("old", "young")):
            runs.start(run_id, name="essay", definition={}, now=NOON + timedelta(days=days))
            now = NOON + timedelta(days=days)
            runs.finish_step(run_id, step="plan", result=result("x"), ok=True, now=now)
        store.prune(before=NOON + timedelta(hours=1))
        assert runs.runs_of("essay") == ("young",)
        with store.database.reading() as connection:
            steps = connection.execute("SELECT run_id FROM workflow_steps").fetchall()
        assert [row[0] for row in steps] == ["young"]
