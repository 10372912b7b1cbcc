"""Which run to go on with, and which of its steps still count."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.errors import WorkflowBusyError
from mcp_router.storage.run_leases import Lease, RunLeases
from mcp_router.workflows.graph import inputs_of, needs_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcp_router.storage.workflows import WorkflowRun, WorkflowRuns
    from mcp_router.types import Completion
    from mcp_router.workflows.form import Workflow


_DRAWN = "run_"


class Begun(NamedTuple):
    """A run that is in the store, the results of the steps that need not run again, and its lease.

    Nobody else carries the run out until the lease is released, or was not renewed in time.
    """

    run_id: str
    results: Mapping[str, Completion]
    lease: Lease


def new_run_id() -> str:
    """Draw an id for a run: "run_" and 16 hex digits."""
    return f"{_DRAWN}{secrets.token_hex(8)}"


def definition_of(workflow: Workflow, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Write down what a run is about, as JSON."""
    form = workflow.model_dump(mode="json", exclude_defaults=True)
    return {"workflow": form, "inputs": dict(inputs)}


def begin(
    runs: WorkflowRuns,
    workflow: Workflow,
    *,
    inputs: Mapping[str, str],
    run_id: str | None,
    resume: bool,
    now: datetime,
) -> Begun:
    """Start a run, or go on with one: that of the id, or the latest that is to be resumed.

    Where the form or the inputs have changed since, the steps they touch run again, and those
    that need them.

    Raises:
        WorkflowBusyError: another process carries that run out.
        StorageError: the database failed.
    """
    definition = definition_of(workflow, inputs)
    # In one piece: what is found is still so when it is taken.
    with runs.database.transaction():
        found = runs.run(run_id) if run_id is not None else None
        if found is None and resume and run_id is None:
            found = _latest(runs, workflow, definition=definition)
        if found is not None:
            run_id = found.run_id
        elif run_id is None:
            _forget_finished(runs, workflow.name)
            run_id = new_run_id()
        if found is None:
            runs.start(run_id, name=workflow.name, definition=definition, now=now)
        lease = RunLeases(runs.database).take(run_id)
        if isinstance(lease, Lease):
            results = _taken_up(runs, workflow, found, definition=definition, now=now)
            return Begun(run_id, results, lease)
    raise WorkflowBusyError(run_id, until=now + timedelta(milliseconds=lease.left_ms))


def _taken_up(
    runs: WorkflowRuns,
    workflow: Workflow,
    found: WorkflowRun | None,
    *,
    definition: Mapping[str, Any],
    now: datetime,
) -> Mapping[str, Completion]:
    """Say that a run goes on; return the results of it that still hold."""
    if found is None:
        return {}
    if found.definition == definition:
        runs.end(found.run_id, state="running", now=now)
        return found.results
    kept = unchanged(workflow, before=found.definition, now=definition)
    runs.redefine(found.run_id, definition=definition, keep=kept, now=now)
    return {name: done for name, done in found.results.items() if name in kept}


def unchanged(
    workflow: Workflow, *, before: Mapping[str, Any], now: Mapping[str, Any]
) -> frozenset[str]:
    """Name the steps that ask the same as before, and so do all that they need."""
    needs = needs_of(workflow)
    old, new = before["workflow"]["steps"], now["workflow"]["steps"]

    def same(name: str) -> bool:
        asks_the_same = old.get(name) == new[name]
        inputs = inputs_of(workflow, name)
        told_the_same = all(before["inputs"].get(one) == now["inputs"][one] for one in inputs)
        return asks_the_same and told_the_same

    changed = {name for name in needs if not same(name)}
    while late := {name for name in needs if name not in changed and changed & {*needs[name]}}:
        changed |= late
    return frozenset(needs) - changed


def _latest(
    runs: WorkflowRuns, workflow: Workflow, *, definition: Mapping[str, Any]
) -> WorkflowRun | None:
    """Find the latest run about the same; else, for the same inputs, one that is worth going on.

    That is the unfinished one of which most finished steps still count. Of runs with other
    inputs nothing is taken: somebody may want to go on with those.
    """
    found = [run for run in map(runs.run, runs.runs_of(workflow.name)) if run is not None]
    same = next((run for run in found if run.definition == definition), None)
    if same is not None:
        return same

    def worth(run: WorkflowRun) -> int:
        if run.state == "done" or run.definition["inputs"] != definition["inputs"]:
            return 0
        kept = unchanged(workflow, before=run.definition, now=definition)
        return sum(name in kept for name in run.results)

    best = max(found, key=worth, default=None)
    return best if best is not None and worth(best) else None


def _forget_finished(runs: WorkflowRuns, name: str) -> None:
    """Keep texts no longer than they serve: a run that is done, until the next one starts.

    Those whose ids somebody chose stay, as they may be asked for again.
    """
    for run_id in runs.runs_of(name):
        found = runs.run(run_id) if run_id.startswith(_DRAWN) else None
        if found is not None and found.state == "done":
            runs.forget(run_id)
