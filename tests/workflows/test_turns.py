"""A call that lacks what others hold waits for them; one that can never run fails at once."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from mcp_router import BudgetExceededError, Completion, FallbackExhaustedError
from mcp_router.types import Attempt
from mcp_router.workflows.turns import LONGEST_WAIT_S, MOST_WAITS, Turns
from tests.workflows.conftest import completion


class Purse:
    """So much money, of which each call holds a part while it runs."""

    def __init__(self, money: int) -> None:
        self.left, self.held, self.most = money, 0, 0

    async def call(self, price: int) -> Completion:
        if price > self.left:
            raise BudgetExceededError(
                budget="day",
                limit=0,
                spent=0,
                reserved=self.held,
                asked=price,
                resets_at=None,
            )
        self.left, self.held = self.left - price, self.held + price
        self.most = max(self.most, self.held)
        await anyio.lowlevel.checkpoint()
        self.left, self.held = self.left + price, self.held - price
        return completion(str(price))


def limited(*outcomes: str) -> FallbackExhaustedError:
    return FallbackExhaustedError(
        [Attempt(model="m", provider="p", outcome=one) for one in outcomes]
    )


async def test_what_does_not_fit_beside_the_others_runs_after_them() -> None:
    purse, turns = Purse(10), Turns()
    done: list[str] = []

    async def one(price: int) -> None:
        done.append((await turns.take(lambda: purse.call(price))).content)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for price in (4, 5, 10, 7, 1, 10):
                group.start_soon(one, price)
    assert sorted(done, key=int) == ["1", "4", "5", "7", "10", "10"]
    assert purse.most <= 10


async def test_those_who_wait_look_for_room_only_when_some_was_given_back() -> None:
    turns, over = Turns(), anyio.Event()
    looked: list[int] = []

    async def long() -> Completion:
        await over.wait()
        return completion("long")

    async def short(number: int) -> Completion:
        looked.append(number)
        await anyio.lowlevel.checkpoint()
        if not over.is_set():
            raise BudgetExceededError(
                budget="day", limit=9, spent=0, reserved=9, asked=1, resets_at=None
            )
        return completion("short")

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(turns.take, long)
            for number in range(5):
                group.start_soon(turns.take, lambda number=number: short(number))
            await anyio.wait_all_tasks_blocked()
            assert sorted(looked) == [0, 1, 2, 3, 4]
            over.set()
    assert sorted(looked) == sorted(2 * [0, 1, 2, 3, 4])


async def test_what_fits_never_is_refused_once_nobody_holds_anything() -> None:
    purse, turns = Purse(10), Turns()
    refused: list[int] = []

    async def one(price: int) -> None:
        try:
            await turns.take(lambda: purse.call(price))
        except BudgetExceededError as error:
            refused.append(error.asked)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for price in (4, 11, 12, 5):
                group.start_soon(one, price)
    assert sorted(refused) == [11, 12]


async def test_only_rate_limits_are_waited_for_longer_each_time() -> None:
    waits: list[float] = []
    answers = [limited("rate_limited"), limited("rate_limited", "rate_limited"), None]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def call() -> Completion:
        error = answers.pop(0)
        if error is not None:
            raise error
        return completion()

    assert (await Turns(sleep=sleep).take(call)).content == "fine"
    assert waits == [1.0, 2.0]
    for error in (limited("rate_limited", "auth"), limited()):
        answers[:] = [error]
        with pytest.raises(FallbackExhaustedError):
            await Turns(sleep=sleep).take(call)
    assert waits == [1.0, 2.0]


async def test_a_limit_that_never_clears_is_an_error_in_the_end() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def call() -> Completion:
        raise limited("rate_limited")

    with pytest.raises(FallbackExhaustedError):
        await Turns(sleep=sleep).take(call)
    assert len(waits) == MOST_WAITS
    assert max(waits) == LONGEST_WAIT_S
