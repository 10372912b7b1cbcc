"""Going on finds the right run, and keeps the steps that would be asked the same again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_router import Workflow, WorkflowStep
from mcp_router.storage.database import Database
from mcp_router.storage.run_leases import RunLeases
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.workflows.runs import Begun, begin, definition_of, unchanged
from tests.workflows.conftest import completion

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
TASKS = {"a": "about {{topic}}", "b": "{{a}}", "c": "{{other}}", "d": "{{b}} {{c}}"}
INPUTS = {"topic": "sea", "other": "land"}


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[WorkflowRuns]:
    with Database.open(tmp_path / "r.db") as database:
        yield WorkflowRuns(database)


def form(**changes: str) -> Workflow:
    steps = {name: WorkflowStep(task=task) for name, task in {**TASKS, **changes}.items()}
    return Workflow(name="w", inputs={"topic": "", "other": ""}, steps=steps)


def go(
    runs: WorkflowRuns,
    *,
    workflow: Workflow | None = None,
    hours: int = 0,
    run_id: str | None = None,
    resume: bool = False,
    **inputs: str,
) -> Begun:
    """Begin, and be done with it at once."""
    begun = begin(
        runs,
        workflow or form(),
        inputs={**INPUTS, **inputs},
        run_id=run_id,
        resume=resume,
        now=NOON + timedelta(hours=hours),
    )
    RunLeases(runs.database).release(begun.lease)
    return begun


def finish(runs: WorkflowRuns, begun: Begun, *steps: str) -> None:
    for step in steps:
        runs.finish_step(begun.run_id, step=step, result=completion(step), ok=True, now=NOON)


@pytest.mark.parametrize(
    ("after", "inputs", "kept"),
    [
        (form(), INPUTS, "abcd"),
        (form(c="new"), INPUTS, "ab"),
        (form(a="new"), INPUTS, "c"),
        (form(), {**INPUTS, "other": "sky"}, "ab"),
        (form(), {**INPUTS, "topic": "sky"}, "c"),
        (form(e="new"), INPUTS, "abcd"),
        (form().model_copy(update={"max_cost_usd": 9}), INPUTS, "abcd"),
    ],
)
def test_a_change_touches_a_step_and_all_that_build_on_it(
    after: Workflow, inputs: dict[str, str], kept: str
) -> None:
    before = definition_of(form(), INPUTS)
    assert unchanged(after, before=before, now=definition_of(after, inputs)) == {*kept}


def test_resuming_takes_up_the_latest_run_about_the_same(runs: WorkflowRuns) -> None:
    old = go(runs)
    finish(runs, old, "a")
    other = go(runs, hours=1, topic="sky")
    found = go(runs, hours=2, resume=True)
    assert (found.run_id, set(found.results)) == (old.run_id, {"a"})
    assert go(runs, hours=3, resume=True, topic="sky").run_id == other.run_id


def test_resuming_a_changed_form_keeps_what_still_holds(runs: WorkflowRuns) -> None:
    old = go(runs)
    finish(runs, old, "a", "b", "c")
    found = go(runs, workflow=form(b="new {{a}}"), resume=True)
    assert (found.run_id, set(found.results)) == (old.run_id, {"a", "c"})
    # A crash now loses nothing of it either.
    again = go(runs, workflow=form(b="new {{a}}"), resume=True)
    assert set(again.results) == {"a", "c"}


def test_of_a_run_with_other_inputs_or_nothing_in_common_nothing_is_taken(
    runs: WorkflowRuns,
) -> None:
    old = go(runs)
    finish(runs, old, "a", "c")
    others = (
        go(runs, resume=True, topic="sky"),
        go(runs, resume=True, workflow=form(a="new", c="new")),
    )
    for found in others:
        assert found.run_id != old.run_id
        assert found.results == {}
    kept = runs.run(old.run_id)
    assert kept is not None
    assert set(kept.results) == {"a", "c"}


def test_the_run_of_which_most_still_counts_is_taken(runs: WorkflowRuns) -> None:
    for steps in ("a", "abc", "ab"):
        finish(runs, go(runs), *steps)
    assert set(go(runs, workflow=form(d="new"), resume=True).results) == {"a", "b", "c"}


def test_with_nothing_to_go_on_with_a_run_begins(runs: WorkflowRuns) -> None:
    begun = go(runs, resume=True)
    assert (begun.run_id[:4], begun.results) == ("run_", {})
    assert go(runs, run_id="mine").run_id == "mine"


def test_a_run_that_is_done_is_given_again_until_the_next_one_begins(runs: WorkflowRuns) -> None:
    for name in (None, "mine"):
        begun = go(runs, run_id=name)
        finish(runs, begun, *"abcd")
        runs.end(begun.run_id, state="done", now=NOON)
    (drawn,) = [one for one in runs.runs_of("w") if one != "mine"]
    assert set(go(runs, run_id=drawn).results) == {*"abcd"}
    runs.end(drawn, state="done", now=NOON)
    third = go(runs)
    # The one with a name of its own may be asked for again; the other's texts are gone.
    assert set(runs.runs_of("w")) == {"mine", third.run_id}


def test_a_run_that_is_not_done_outlives_the_start_of_others(runs: WorkflowRuns) -> None:
    first, second = go(runs), go(runs)
    assert first.run_id != second.run_id
    assert set(runs.runs_of("w")) == {first.run_id, second.run_id}
