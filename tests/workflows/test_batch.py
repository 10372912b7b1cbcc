"""A batch runs every row once, beside as many others as it may, whatever becomes of them."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp_router import (
    BudgetExceededError,
    Completion,
    FallbackExhaustedError,
    InvalidRequestError,
    RouterError,
    StorageError,
)
from mcp_router.types import Attempt
from mcp_router.workflows.batch import BatchSummary, CarryTask, RowEvent, Work, run_batch
from mcp_router.workflows.results import ResultFile
from mcp_router.workflows.rows import Task, read_rows
from tests.workflows.conftest import completion


def refused(budget: str) -> BudgetExceededError:
    return BudgetExceededError(budget=budget, limit=1, spent=1, reserved=0, asked=1, resets_at=None)


class Model:
    """Answers each prompt, or raises what `errors` hold for it."""

    def __init__(self, **errors: RouterError) -> None:
        self.errors = errors
        self.asked: list[str] = []
        self.tags: set[str] = set()
        self.running = self.together = 0

    async def __call__(self, task: Task) -> Completion:
        text = str(task.request.messages[-1].content)
        self.asked.append(text)
        self.tags |= {*task.request.tags.values()}
        self.running += 1
        self.together = max(self.together, self.running)
        await anyio.lowlevel.checkpoint()
        self.running -= 1
        if text in self.errors:
            raise self.errors[text]
        return completion(text.upper())


async def run(
    folder: Path, carry: CarryTask, *, prompts: str, concurrency: int = 3
) -> tuple[BatchSummary, list[RowEvent]]:
    source = folder / "tasks.jsonl"
    source.write_text("".join(json.dumps({"id": p, "prompt": p}) + "\n" for p in prompts.split()))
    rows = read_rows(source)
    events: list[RowEvent] = []
    hashes = {row.id: row.hash for row in rows}
    with ResultFile(folder / "out.jsonl", hashes=hashes, resume=True) as file:
        work = Work(rows, {}, "b1", concurrency, events.append)
        with anyio.fail_after(10):
            return await run_batch(work, carry=carry, file=file), events


@pytest.mark.parametrize("most", [1, 2, 5])
async def test_no_more_rows_run_at_once_than_allowed(most: int, tmp_path: Path) -> None:
    model = Model()
    summary, events = await run(tmp_path, model, prompts="a b c d e f g", concurrency=most)
    assert model.together == most
    assert (summary.done, summary.left, len(events)) == (7, 0, 7)
    assert summary.cost_usd == Decimal("0.007")
    assert model.tags == {"b1"}


async def test_a_row_that_fails_leaves_the_others_alone_and_its_cost_counts(
    tmp_path: Path,
) -> None:
    tried = Attempt(model="m", provider="p", outcome="cut", cost_usd=Decimal("0.5"))
    model = Model(b=FallbackExhaustedError([tried]), c=refused("max_cost_usd"))
    summary, events = await run(tmp_path, model, prompts="a b c d")
    assert (summary.done, summary.failed, summary.left, summary.stopped) == (2, 2, 0, "")
    assert summary.cost_usd == Decimal("0.502")
    assert {one.row.id for one in events if one.problem} == {"b", "c"}
    again = Model()
    summary, _ = await run(tmp_path, again, prompts="a b c d")
    assert sorted(again.asked) == ["b", "c"]
    assert (summary.reused, summary.done) == (2, 2)


async def test_a_spent_budget_ends_what_runs_and_leaves_the_rest(tmp_path: Path) -> None:
    model = Model(c=refused("day"))
    summary, _ = await run(tmp_path, model, prompts="a b c d e f", concurrency=2)
    assert summary.stopped.startswith("The day budget of $")
    assert summary.done + summary.left == 6
    assert summary.failed == 0
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len(lines) == summary.done
    assert "c" not in {json.loads(one)["id"] for one in lines}


async def test_an_unknown_price_is_counted_and_is_not_nothing(tmp_path: Path) -> None:
    async def carry(task: Task) -> Completion:
        return completion(cost=None if task.request.messages[-1].content == "a" else "0.25")

    for _ in range(2):
        summary, _ = await run(tmp_path, carry, prompts="a b")
        assert (summary.unpriced, summary.cost_usd) == (1, Decimal("0.25"))


async def test_a_database_that_fails_stops_everything_at_once(tmp_path: Path) -> None:
    model = Model(b=StorageError(path="r.db", problem="is gone"))
    with pytest.raises(StorageError):
        await run(tmp_path, model, prompts="a b c d e f", concurrency=1)
    assert model.asked == ["a", "b"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
async def test_results_that_cannot_be_kept_stop_the_spending(tmp_path: Path) -> None:
    import resource

    model, limits = Model(), resource.getrlimit(resource.RLIMIT_FSIZE)
    # The tasks fit, one answer does not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        with pytest.raises(InvalidRequestError, match="cannot be written"):
            await run(tmp_path, model, prompts="a b c d e f", concurrency=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert model.asked == ["a"]
    assert (tmp_path / "out.jsonl").read_bytes() == b""
