"""A run of a workflow is found again after a crash, with every step that went well."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mcp_router.storage.database import Database
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
def path(tmp_path: Path) -> Path:
    return tmp_path / "router.db"


def test_a_run_goes_on_in_another_process_where_it_stood(path: Path) -> None:
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


def test_a_failed_step_is_tried_again_and_a_good_one_never_replaced(path: Path) -> None:
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


def test_a_run_ends_and_may_run_again(path: Path) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        runs.start("r1", name="essay", definition=DEFINITION, now=NOON)
        for state in ("failed", "running", "done"):
            runs.end("r1", state=state, now=NOON + timedelta(hours=1))
            found = runs.run("r1")
            assert found is not None
            assert found.state == state


def test_a_forgotten_run_leaves_nothing_behind(path: Path) -> None:
    with Database.open(path) as database:
        runs = WorkflowRuns(database)
        runs.start("r1", name="essay", definition=DEFINITION, now=NOON)
        runs.finish_step("r1", step="plan", result=result("a plan"), ok=True, now=NOON)
        runs.forget("r1")
        assert runs.run("r1") is None
        with database.reading() as connection:
            assert connection.execute("SELECT count(*) FROM workflow_steps").fetchone() == (0,)
