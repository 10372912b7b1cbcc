"""Carries the rows of a batch out, so many at a time; what each gave is kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

import anyio

from mcp_router.errors import (
    BudgetExceededError,
    FallbackExhaustedError,
    InvalidRequestError,
    RouterError,
    StorageError,
)
from mcp_router.money import UsdSum
from mcp_router.types import Value
from mcp_router.workflows.result import cost_of_attempts
from mcp_router.workflows.rows import task_of
from mcp_router.workflows.turns import Turns

if TYPE_CHECKING:
    from mcp_router.types import Completion
    from mcp_router.workflows.results import ResultFile
    from mcp_router.workflows.rows import Row, Task

TAG = "batch"
"""The key of the tag that marks every request of a batch; its value is the batch's id."""
# Limits on one request say nothing about the rows after it.
_OF_ONE_ROW = ("request", "max_cost_usd")


class CarryTask(Protocol):
    """Carries the task of one row out, as `Router.execute` does."""

    async def __call__(self, task: Task) -> Completion:
        """Carry it out.

        Raises:
            RouterError: it could not be done.
        """
        ...


class BatchSummary(Value):
    """What came of a batch: rows by their fate, and what was spent on them.

    `reused` were done before; `invalid` are rows that could not be read, and `left` those that
    did not run, as `stopped` says. `cost_usd` counts this run and the answers of earlier ones.
    """

    total: int
    done: int = 0
    reused: int = 0
    failed: int = 0
    invalid: int = 0
    left: int = 0
    cost_usd: UsdSum = Decimal()
    unpriced: int = 0
    stopped: str = ""


class RowEvent(NamedTuple):
    """A row is over; `problem` says what was wrong with it, "" for one that went well."""

    row: Row
    problem: str = ""
    invalid: bool = False


class Work(NamedTuple):
    """A batch to carry out: its rows, what they leave unsaid, its id, and how many run at once."""

    rows: Sequence[Row]
    defaults: Mapping[str, object]
    batch: str
    concurrency: int = 8
    on_row: Callable[[RowEvent], None] | None = None


async def run_batch(work: Work, *, carry: CarryTask, file: ResultFile) -> BatchSummary:
    """Run the rows that the file holds no result for.

    A row that fails is kept with its reason, and the others go on. A spent budget stops the
    batch: what runs ends, and the rest is left for another day.

    Raises:
        InvalidRequestError: a result could not be written.
        StorageError: the database failed.
    """
    running = _Running(work, carry, file)
    await running.run()
    return running.summary()


class _Running:
    """One batch while it lasts."""

    def __init__(self, work: Work, carry: CarryTask, file: ResultFile) -> None:
        self._work, self._carry, self._file = work, carry, file
        self._done = file.standing.done
        self._rows: Iterator[Row] = iter([one for one in work.rows if one.id not in self._done])
        self._turns = Turns()
        self._counts = {"done": 0, "failed": 0, "invalid": 0}
        self._cost = Decimal()
        self._unpriced = 0
        self._stopped = ""
        self._broken: RouterError | None = None

    async def run(self) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(self._work.concurrency):
                group.start_soon(self._worker, group.cancel_scope)
        if self._broken is not None:
            raise self._broken

    def summary(self) -> BatchSummary:
        mine = [self._done[one.id] for one in self._work.rows if one.id in self._done]
        before = [Decimal(str(one["cost_usd"])) for one in mine if one.get("cost_usd") is not None]
        total = len(self._work.rows)
        return BatchSummary(
            total=total,
            reused=len(mine),
            left=total - len(mine) - sum(self._counts.values()),
            cost_usd=sum(before, self._cost),
            unpriced=self._unpriced + len(mine) - len(before),
            stopped=self._stopped,
            **self._counts,
        )

    async def _worker(self, scope: anyio.CancelScope) -> None:
        while not self._stopped and (row := next(self._rows, None)) is not None:
            try:
                await self._row(row)
            except RouterError as error:
                # Raised in here, it would leave the group as an exception group.
                self._broken = self._broken or error
                scope.cancel()
                return

    async def _row(self, row: Row) -> None:
        try:
            task = task_of(row, defaults=self._work.defaults)
        except InvalidRequestError as error:
            self._over(row, "invalid", error=error)
            return
        tags = {**task.request.tags, TAG: self._work.batch}
        task = task._replace(request=task.request.model_copy(update={"tags": tags}))
        try:
            done = await self._turns.take(lambda: self._carry(task))
        except StorageError:
            raise
        except BudgetExceededError as error:
            if error.budget not in _OF_ONE_ROW:
                self._stopped = self._stopped or error.message
                return
            self._over(row, "failed", error=error)
        except RouterError as error:
            self._over(row, "failed", error=error)
        else:
            self._answered(row, done)

    def _answered(self, row: Row, done: Completion) -> None:
        cost = cost_of_attempts(done)
        self._spent(cost)
        result = done.model_dump(mode="json")
        spent = None if cost is None else f"{cost:f}"
        self._file.add({**self._head(row), "ok": True, "cost_usd": spent, "result": result})
        self._told("done", RowEvent(row))

    def _over(self, row: Row, fate: str, *, error: RouterError) -> None:
        if isinstance(error, FallbackExhaustedError):
            costs = [one.cost_usd for one in error.attempts if one.cost_usd is not None]
            self._cost += sum(costs, Decimal())
        said = {"type": type(error).__name__, "message": str(error)}
        self._file.add({**self._head(row), "ok": False, "error": said})
        self._told(fate, RowEvent(row, error.message, fate == "invalid"))

    def _head(self, row: Row) -> dict[str, object]:
        return {"id": row.id, "line": row.line, "hash": row.hash, "batch": self._work.batch}

    def _spent(self, cost: Decimal | None) -> None:
        self._cost += cost or 0
        self._unpriced += cost is None

    def _told(self, fate: str, event: RowEvent) -> None:
        self._counts[fate] += 1
        if self._work.on_row is not None:
            self._work.on_row(event)
