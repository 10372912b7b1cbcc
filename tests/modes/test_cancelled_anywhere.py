"""Several models on one task: whenever the caller gives up, none of them runs on."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from mcp_router.testing import Answer
from tests.modes.conftest import assert_nothing_is_left
from tests.modes.theatre import FINE, GOOD, POOR, Theatre
from tests.stepping import cancelled_everywhere

PRICE = {"input": "3", "output": "15"}
JUDGE = Answer('{"grades": {"1": 7, "2": 3, "3": 5}}', header_delay=0.002)
PLAYS: dict[str, dict[str, Any]] = {
    "cascade": {"mode": "cascade", "judges": ("judge",)},
    "vote": {"mode": "ensemble", "resolve": "consensus"},
    "judged": {"mode": "ensemble", "resolve": "judge", "judges": ("judge",)},
    "merged": {"mode": "ensemble", "resolve": "synthesis"},
    "race": {"mode": "redundant", "hedge": False},
    "hedged": {"mode": "redundant"},
}


@pytest.mark.parametrize("name", PLAYS)
async def test_cancelled_at_any_await_no_model_runs_on_and_no_money_is_held(
    theatre: Theatre, name: str
) -> None:
    theatre.more = {"budget": {"daily": "100"}}
    for model, text in (("a", POOR), ("b", GOOD), ("c", FINE)):
        said = Answer(text, header_delay=0.003)
        theatre.serve(model, said, price=PRICE)
    theatre.serve("judge", JUDGE, price=PRICE)
    asked = dict(PLAYS[name])
    mode = asked.pop("mode")
    before = len(asyncio.all_tasks())

    async def work() -> None:
        done = await theatre.play(mode, models=["a", "b", "c"], **asked)
        assert done.content

    async def after() -> None:
        assert_nothing_is_left(theatre)
        with theatre.router.store.database.transaction() as connection:
            connection.execute("DELETE FROM breakers")
        assert len(asyncio.all_tasks()) <= before, "a task runs on"
        with anyio.fail_after(5):
            await theatre.server.wait_until(lambda server: server.connections <= 4)

    stopped = await cancelled_everywhere(work, after=after, every=2)
    assert stopped >= 3
    assert theatre.spent() > 0
