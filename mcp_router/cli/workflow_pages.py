"""The page of a workflow: each step with who did it, at what cost, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.page import Column, Items, Line, Page, Table
from mcp_router.cli.text import duration, usd

if TYPE_CHECKING:
    from mcp_router.workflows.result import StepResult, WorkflowResult


def workflow_page(result: WorkflowResult) -> Page:
    """Build the page; what went wrong stands below the table."""
    columns = (
        Column("Step"),
        Column("State"),
        Column("Model", flexible=True),
        Column("Mode"),
        Column("Cost", right=True),
        Column("Time", right=True),
    )
    table = Table(columns, tuple(map(_row, result.steps)))
    problems = tuple(f"{one.name}: {one.problem}" for one in result.steps if one.problem)
    items = (Items("Not done", problems),) if problems else ()
    done = sum(one.state == "done" for one in result.steps)
    told = (
        f"{result.name}: {done} of {len(result.steps)} steps done, {usd(result.cost_usd)} in all, "
        f"{duration(result.latency_ms)}. Run {result.run_id}."
    )
    return Page((table, *items, Line(told)))


def step_line(result: StepResult) -> str:
    """Say in one line what came of a step."""
    if result.state != "done":
        return f"{result.name}: {result.state}: {result.problem}"
    _, state, model, _, cost, time = _row(result)
    return f"{result.name}: {state}, {model}, {cost}, {time}"


def _row(one: StepResult) -> tuple[str, ...]:
    done = one.completion
    if done is None:
        cost = "" if one.cost_usd is None else usd(one.cost_usd)
        return one.name, one.state, "", "", cost, ""
    state = "kept" if one.reused else one.state
    cost, time = usd(one.cost_usd), duration(done.latency_ms)
    return one.name, state, done.model, done.mode.value, cost, time
