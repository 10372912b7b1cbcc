"""One run of a workflow from its form to its result."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_router.errors import InvalidRequestError, RouterError, WorkflowError
from mcp_router.execution.off_loop import off_loop
from mcp_router.storage.run_leases import RunLeases
from mcp_router.workflows.form import Workflow
from mcp_router.workflows.graph import check, output_of
from mcp_router.workflows.hold import Hold
from mcp_router.workflows.reading import inputs_for, read_workflow, workflow_of
from mcp_router.workflows.result import WorkflowResult
from mcp_router.workflows.running import TAG, Means, Plan, request_of, run_steps
from mcp_router.workflows.runs import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from mcp_router.storage.workflows import WorkflowRuns
    from mcp_router.types import Request
    from mcp_router.workflows.result import OnStep, StepResult
    from mcp_router.workflows.running import Carry

MAX_ID = 100


class Order(NamedTuple):
    """What is to be run: a form or the file of one, its texts, and which run to go on with."""

    workflow: Workflow | Path | Mapping[str, object]
    inputs: Mapping[str, str]
    run_id: str | None = None
    resume: bool = False
    on_step: OnStep | None = None


class Outside(NamedTuple):
    """What a run needs of the world.

    `foresee` raises where no model could do a request; `sharing` takes a tag and the dollars that
    all requests with it may cost, and opens the way to carry them out.
    """

    runs: WorkflowRuns
    clock: Callable[[], datetime]
    foresee: Callable[[Request], object]
    sharing: Callable[[str, Decimal | None], AbstractAsyncContextManager[Carry]]


async def run_whole(order: Order, outside: Outside) -> WorkflowResult:
    """Run a workflow, or what an earlier run of it left to do.

    Raises:
        ConfigError: the form is wrong, or an input is missing.
        InvalidRequestError: no model can do one of the steps; nothing has run.
        WorkflowError: a step failed; holds what came of every step.
        WorkflowBusyError: another process carries this run out, or has taken it over.
        StorageError: the database failed.
    """
    form = _form(order.workflow)
    inputs = inputs_for(form, order.inputs, place=form.name)
    if order.run_id is not None and not 0 < len(order.run_id) <= MAX_ID:
        problem = f"is empty or longer than {MAX_ID} characters"
        raise InvalidRequestError(field="run_id", problem=problem)
    database = outside.runs.database
    await off_loop(database, partial(_foresee, form, outside=outside))
    start = partial(
        begin,
        outside.runs,
        form,
        inputs=inputs,
        run_id=order.run_id,
        resume=order.resume,
        now=outside.clock(),
    )
    release = RunLeases(database).release
    begun = await off_loop(database, start, undo=lambda begun: release(begun.lease))
    hold = Hold(database, begun.lease)
    try:
        plan = Plan(form, inputs, begun.run_id, begun.results)
        result = await _carried_out(plan, outside, hold=hold, on_step=order.on_step)
    finally:
        await hold.release()
    if result.state == "failed":
        raise WorkflowError(result)
    return result


async def _carried_out(
    plan: Plan, outside: Outside, *, hold: Hold, on_step: OnStep | None
) -> WorkflowResult:
    began = anyio.current_time()
    tag = f"{TAG}={plan.run_id}"
    async with outside.sharing(tag, plan.workflow.max_cost_usd) as carry:
        means = Means(carry, outside.runs, outside.clock, hold, on_step)
        found = await run_steps(plan, means)
    took = round((anyio.current_time() - began) * 1000)
    result = _result(plan, found, latency_ms=took)
    end = partial(outside.runs.end, plan.run_id, state=result.state, now=outside.clock())
    await hold.write(end)
    return result


def _form(workflow: Workflow | Path | Mapping[str, object]) -> Workflow:
    if isinstance(workflow, Workflow):
        check(workflow, place=workflow.name)
        return workflow
    return read_workflow(workflow) if isinstance(workflow, Path) else workflow_of(workflow)


def _foresee(form: Workflow, *, outside: Outside) -> None:
    """Find a step that no model can do before the first one is paid for."""
    for name, step in form.steps.items():
        # The texts of earlier steps are not known yet; their placeholders stand for themselves.
        unfilled = _Unfilled()
        try:
            outside.foresee(request_of(step, values=unfilled, tags={}))
        except RouterError as error:
            problem = error.message.rstrip(".")
            raise InvalidRequestError(
                field=f"steps.{name}", problem=problem, hint=error.hint
            ) from error


class _Unfilled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name


def _result(plan: Plan, found: Mapping[str, StepResult], *, latency_ms: int) -> WorkflowResult:
    done = found[output_of(plan.workflow)].completion
    costs = [one.cost_usd for one in found.values() if one.cost_usd is not None]
    failed = any(one.state != "done" for one in found.values())
    return WorkflowResult(
        run_id=plan.run_id,
        name=plan.workflow.name,
        state="failed" if failed else "done",
        content="" if done is None else done.content,
        cost_usd=sum(costs, Decimal()),
        latency_ms=latency_ms,
        steps=tuple(found.values()),
    )
