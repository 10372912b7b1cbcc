"""Calls may share one more budget, which the ledger holds for all of them and for every process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from mcp_router import BudgetExceededError, Completion, InvalidRequestError, Router
from mcp_router.config.settings import Settings
from mcp_router.testing import Answer, FaultServer

TAG = "campaign=spring"
MARK = {"campaign": "spring"}


@pytest.fixture
def anyio_backend() -> str:
    """The fault server runs on asyncio."""
    return "asyncio"


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    async with FaultServer() as server:
        server.script("only", [Answer()], then="repeat last")
        fields = {**server.settings(), "db": str(tmp_path / "r.db")}
        async with Router.open(Settings.model_validate(fields), environ={}) as router:
            yield router


async def ask(router: Router) -> Completion:
    return await router.execute("Say hi.", chain="only", max_tokens=200, tags=MARK)


async def test_calls_side_by_side_never_cost_more_than_they_share(router: Router) -> None:
    done: list[Completion] = []
    refused: list[BudgetExceededError] = []

    async def one(sharing: Router) -> None:
        try:
            done.append(await ask(sharing))
        except BudgetExceededError as error:
            refused.append(error)

    async with router.sharing(TAG, limit_usd="0.001") as sharing:
        for _ in range(6):
            async with anyio.create_task_group() as group:
                for _ in range(6):
                    group.start_soon(one, sharing)
    spent = sum((answer.cost_usd or Decimal() for answer in done), Decimal())
    assert done
    assert refused
    assert spent <= Decimal("0.001")
    assert {error.budget for error in refused} == {"campaign"}


async def test_what_was_spent_before_counts_and_only_for_the_tag(router: Router) -> None:
    cost = (await ask(router)).cost_usd
    assert cost is not None
    async with router.sharing(TAG, limit_usd=cost) as sharing:
        with pytest.raises(BudgetExceededError) as caught:
            await ask(sharing)
        assert Decimal(caught.value.spent) / 10**9 == cost
        assert (await sharing.execute("Say hi.", chain="only")).content


async def test_the_router_it_came_from_is_not_bound_and_stays_open(router: Router) -> None:
    async with router.sharing(TAG, limit_usd=0) as sharing:
        with pytest.raises(BudgetExceededError):
            await ask(sharing)
    assert (await ask(router)).content
    assert {one.name for one in router.budget()} == {"day", "month"}


async def test_without_a_limit_nothing_is_shared(router: Router) -> None:
    async with router.sharing(TAG, limit_usd=None) as sharing:
        assert sharing is router


@pytest.mark.parametrize("limit", ["much", -1, float("nan")])
async def test_a_limit_is_an_amount(limit: float | str, router: Router) -> None:
    with pytest.raises(InvalidRequestError, match="limit_usd: "):
        async with router.sharing(TAG, limit_usd=limit):
            pass
