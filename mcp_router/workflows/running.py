"""Runs the steps of a workflow, each as soon as what it needs is there."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import anyio

from mcp_router.errors import RouterError, StorageError, WorkflowBusyError
from mcp_router.types import Message, Request
from mcp_router.workflows.graph import needs_of
from mcp_router.workflows.placeholders import filled
from mcp_router.workflows.result import OnStep, StepEvent, StepResult, cost_of_attempts
from mcp_router.workflows.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mcp_router.storage.workflows import WorkflowRuns
    from mcp_router.types import Completion
    from mcp_router.workflows.form import Workflow, WorkflowStep
    from mcp_router.workflows.hold import Hold


class Carry(Protocol):
    """Carries one request of a step out, as `Router.execute` does."""

    async def __call__(self, request: Request, *, step: WorkflowStep) -> Completion:
        """Carry it out.

        Raises:
            RouterError: it could not be done.
        """
        ...


class Plan(NamedTuple):
    """A run to carry out: its form and texts, its id, and what is done already."""

    workflow: Workflow
    inputs: Mapping[str, str]
    run_id: str
    results: Mapping[str, Completion]


class Means(NamedTuple):
    """What running takes: the way to a model, the store, the clock, the run's hold, who is told."""

    carry: Carry
    runs: WorkflowRuns
    clock: Callable[[], datetime]
    hold: Hold
    on_step: OnStep | None = None


TAG = "workflow"
"""The key of the tag that marks every request of a run; its value is the run's id."""


async def run_steps(plan: Plan, means: Means) -> dict[str, StepResult]:
    """Run every step that is not done; the answer of each is kept before anything builds on it.

    A step that fails takes those that need it along; the others run to their end.

    Raises:
        WorkflowBusyError: another process has taken the run over; what runs is stopped.
        StorageError: the database failed; what runs is stopped.
    """
    return await _Running(plan, means).run()


def request_of(
    step: WorkflowStep, *, values: Mapping[str, str], tags: Mapping[str, str]
) -> Request:
    """Build the request of a step, its placeholders filled."""
    texts = [("system", step.system)] if step.system else []
    messages = [
        Message.model_validate({"role": role, "content": filled(text, values=values)})
        for role, text in (*texts, ("user", step.task))
    ]
    return Request(
        messages=tuple(messages),
        strategy=step.strategy,
        constraints=step.constraints,
        chain=step.chain,
        max_tokens=step.max_tokens,
        temperature=step.temperature,
        reasoning_effort=step.reasoning_effort,
        json_mode=step.json_mode,
        response_schema=step.response_schema,
        category=step.category,
        tags=tags,
    )


class _Running:
    """One run while it lasts."""

    def __init__(self, plan: Plan, means: Means) -> None:
        self._plan, self._means = plan, means
        self._steps = plan.workflow.steps
        self._needs = needs_of(plan.workflow)
        self._over = {name: anyio.Event() for name in self._steps}
        self._found: dict[str, StepResult] = {}
        self._turns = Turns()
        self._room = anyio.CapacityLimiter(plan.workflow.max_parallel)
        self._broken: RouterError | None = None

    async def run(self) -> dict[str, StepResult]:
        for name, done in self._plan.results.items():
            self._end(_done(name, done, reused=True))
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep, group.cancel_scope)
            async with anyio.create_task_group() as steps:
                for name in self._steps:
                    if name not in self._found:
                        steps.start_soon(self._step, name, group.cancel_scope)
            group.cancel_scope.cancel()
        if self._broken is not None:
            raise self._broken
        return {name: self._found[name] for name in self._steps}

    async def _keep(self, scope: anyio.CancelScope) -> None:
        try:
            await self._means.hold.keep()
        except WorkflowBusyError as error:
            self._stop(error, scope)

    def _stop(self, error: RouterError, scope: anyio.CancelScope) -> None:
        # Raised in a task, it would leave the group as an exception group.
        self._broken = self._broken or error
        scope.cancel()

    async def _step(self, name: str, scope: anyio.CancelScope) -> None:
        for needed in self._needs[name]:
            await self._over[needed].wait()
        lacking = [one for one in self._needs[name] if self._found[one].state != "done"]
        if lacking:
            problem = f"It needs {', '.join(lacking)}."
            self._end(StepResult(name=name, state="skipped", problem=problem))
            return
        try:
            async with self._room:
                result = await self._answered(name)
        except (StorageError, WorkflowBusyError) as error:
            self._stop(error, scope)
            return
        except RouterError as error:
            result = _failed(name, error)
        self._end(result)

    async def _answered(self, name: str) -> StepResult:
        step, plan, means = self._steps[name], self._plan, self._means
        self._tell(name, None)
        answers = {one: self._answer(one) for one in self._needs[name]}
        values = {**plan.inputs, **answers}
        tags = {**plan.workflow.tags, TAG: plan.run_id}
        request = request_of(step, values=values, tags=tags)
        done = await self._turns.take(lambda: self._carried(request, step))
        ok = bool(done.content.strip())
        keep = partial(means.runs.finish_step, plan.run_id, step=name, result=done, ok=ok)
        await means.hold.write(partial(keep, now=means.clock()))
        result = _done(name, done)
        if ok:
            return result
        said = {"state": "failed", "problem": f"{done.model} gave an empty answer."}
        return result.model_copy(update=said)

    async def _carried(self, request: Request, step: WorkflowStep) -> Completion:
        await self._means.hold.check()
        return await self._means.carry(request, step=step)

    def _answer(self, name: str) -> str:
        done = self._found[name].completion
        return "" if done is None else done.content

    def _end(self, result: StepResult) -> None:
        self._found[result.name] = result
        self._over[result.name].set()
        self._tell(result.name, result)

    def _tell(self, name: str, result: StepResult | None) -> None:
        if self._means.on_step is not None:
            event = StepEvent(name, len(self._found), len(self._steps), result)
            self._means.on_step(event)


def _done(name: str, done: Completion, *, reused: bool = False) -> StepResult:
    cost = cost_of_attempts(done)
    return StepResult(name=name, state="done", reused=reused, cost_usd=cost, completion=done)


def _failed(name: str, error: RouterError) -> StepResult:
    from mcp_router.errors import FallbackExhaustedError

    tried = error.attempts if isinstance(error, FallbackExhaustedError) else ()
    costs = [one.cost_usd for one in tried if one.cost_usd is not None]
    return StepResult(
        name=name,
        state="failed",
        problem=str(error),
        cost_usd=sum(costs, Decimal()) if costs else None,
    )
