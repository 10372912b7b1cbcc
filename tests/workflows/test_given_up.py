"""Whoever gives a workflow up, at any moment, leaves its run to others at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mcp_router import Workflow, WorkflowStep
from mcp_router.storage.workflows import WorkflowRuns
from tests.stepping import cancelled_everywhere
from tests.storage.servers import ENGINES, fresh_schema
from tests.workflows.conftest import Bench, held

FORM = Workflow(
    name="w",
    steps={
        "a": WorkflowStep(task="a", chain="first"),
        "b": WorkflowStep(task="b {{a}}", chain="first"),
    },
)


@pytest.fixture(params=ENGINES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings that name a database of each engine."""
    with ExitStack() as stack:
        place = str(tmp_path / "runs.db")
        if request.param == "postgres":
            place = stack.enter_context(fresh_schema())
        yield {"db": place}


async def test_a_run_cancelled_at_any_await_is_free_and_its_money_back(
    bench: Bench, where: dict[str, Any]
) -> None:
    async with bench.open(**where) as router:
        numbers, runs = count(), WorkflowRuns(router.store.database)
        run_id = ""

        async def work() -> None:
            nonlocal run_id
            run_id = f"r{next(numbers)}"
            await router.run_workflow(FORM, run_id=run_id)

        async def after() -> None:
            assert all(not one.reserved_usd for one in router.budget())
            if runs.run(run_id) is not None:
                await held(runs, run_id).release()

        assert await cancelled_everywhere(work, after=after) >= 5
