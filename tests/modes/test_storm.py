"""Invariants that hold whatever happens: in every mode, under faults drawn by chance."""

from __future__ import annotations

import random

import pytest

from mcp_router import Constraints, Mode, RouterError
from mcp_router.money import to_nanos
from mcp_router.testing import Answer
from mcp_router.testing.catalogue import QUICK
from tests.modes.theatre import FINE, GOOD, POOR, Theatre, costs

PLAYS = 30
LIMIT = "0.02"
WAITING = ("rate", "silence", "stall")
POOL = [fault for name, fault in QUICK.items() if not name.startswith(WAITING)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_costs_add_up_within_the_limit_and_the_winner_is_among_the_answers(
    theatre: Theatre, seed: int
) -> None:
    chance = random.Random(seed)
    judge = Answer('{"grades": {"1": 7, "2": 3, "3": 5}}')
    for name, said in (("a", GOOD), ("b", POOR), ("c", FINE), ("d", "51")):
        theatre.serve(name, Answer(said), price={"input": "3", "output": "15"}, max_output=30_000)
    theatre.serve("judge", judge, price={"input": "3", "output": "15"})
    theatre.server.random_faults(rate=0.35, seed=seed, pool=POOL)
    spent = answered = 0
    for _ in range(PLAYS):
        mode = chance.choice(["cascade", "ensemble", "redundant"])
        models = chance.sample(["a", "b", "c", "d"], chance.randint(1, 3))
        resolve = chance.choice(["auto", "consensus", "judge", "synthesis", "ranking"])
        options = {"resolve": resolve} if mode == "ensemble" else {}
        judges = {"judges": ("judge",)} if mode != "redundant" else {"hedge": False}
        try:
            done = await theatre.play(
                mode,
                models=models,
                max_tokens=chance.choice([None, 300]),
                constraints=Constraints.model_validate({"max_cost_usd": LIMIT}),
                **options,
                **judges,
            )
        except RouterError:
            spent = theatre.spent()
            continue
        answered += 1
        assert to_nanos(done.cost_usd or 0) == costs(done) == theatre.spent() - spent
        assert costs(done) <= 20_000_000
        spent = theatre.spent()
        (winner,) = [one for one in done.answers if one.won]
        assert (winner.model, winner.content) == (done.model, done.content)
        assert done.mode is Mode(mode)
        assert done.why
    assert answered > PLAYS // 4
