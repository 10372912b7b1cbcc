"""The form of a workflow: steps with their own tasks, and one budget for the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from mcp_router.money import Usd
from mcp_router.types import (
    Constraints,
    Effort,
    Mode,
    ModeOptions,
    Prose,
    Strategy,
    Value,
)

NAME = r"\A[A-Za-z][A-Za-z0-9_-]{0,63}\Z"
MAX_STEPS = 200
MAX_TEXT = 1_000_000
Name = Annotated[str, StringConstraints(pattern=NAME)]
Instruction = Annotated[Prose, StringConstraints(max_length=MAX_TEXT)]


class WorkflowStep(Value):
    """One step: its task, in which `{{name}}` stands for an input or an earlier step's answer.

    A step starts as soon as the steps that its texts name, and those in `needs`, are done. The
    other fields are those of a `Request` and of `Router.execute`.
    """

    task: Annotated[Instruction, StringConstraints(min_length=1)]
    system: Instruction = ""
    needs: tuple[Name, ...] = ()
    strategy: Strategy | None = None
    mode: Mode = Mode.SINGLE
    options: ModeOptions = ModeOptions()
    chain: str | tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    reasoning_effort: Effort | None = None
    json_mode: bool = False
    response_schema: Mapping[str, JsonValue] | None = None
    timeout_s: Annotated[float, Field(gt=0.0, le=86_400.0)] | None = None
    category: str | None = None


class Workflow(Value):
    """Steps by name, what they start from, and what all of them together may cost.

    `inputs` are texts by name; an empty one must be given when the workflow is run. `output` is
    the step whose answer is the result, the last one unless it is named. `max_parallel` bounds how
    many steps run at once. `tags` mark every request, for budgets and reports.
    """

    name: Name
    inputs: Mapping[Name, Prose] = {}
    steps: Annotated[Mapping[Name, WorkflowStep], Field(min_length=1, max_length=MAX_STEPS)]
    output: Name | None = None
    max_cost_usd: Usd | None = None
    max_parallel: Annotated[int, Field(ge=1, le=64)] = 8
    tags: Mapping[str, str] = {}
