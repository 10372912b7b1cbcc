"""What came of a workflow: of each step, and of the whole."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import Field

from mcp_router.money import UsdSum
from mcp_router.types import Completion, Value

StepState = Literal["done", "failed", "skipped"]


class StepResult(Value):
    """What came of one step; `reused` tells that an earlier run had finished and paid for it.

    `problem` says why it failed, or which step it would have needed. `cost_usd` is what all
    attempts at it cost together, None where that is not known.
    """

    name: str
    state: StepState
    reused: bool = False
    problem: str = ""
    cost_usd: UsdSum | None = None
    completion: Completion | None = None


class WorkflowResult(Value):
    """What came of a run: every step in the order of the form, and the answer of the last.

    `cost_usd` is what the steps cost together, those of earlier runs included.
    """

    run_id: str
    name: str
    state: Literal["done", "failed"]
    content: str = ""
    cost_usd: UsdSum = Field(default=Decimal())
    latency_ms: int = 0
    steps: tuple[StepResult, ...]


class StepEvent(NamedTuple):
    """A step begins, or has ended with a `result`; `done` of `total` steps are over."""

    name: str
    done: int
    total: int
    result: StepResult | None = None


OnStep = Callable[[StepEvent], None]


def cost_of_attempts(done: Completion) -> Decimal | None:
    """Add up what all attempts cost; None where the answer's own price is unknown."""
    if done.cost_usd is None:
        return None
    return sum((tried.cost_usd or Decimal() for tried in done.attempts), Decimal())
