"""Money for several calls is set aside whole, shared out to the last nano-dollar, given back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router import BudgetExceededError
from mcp_router.execution.share import Price
from mcp_router.modes.purse import shared_out
from mcp_router.testing import Answer
from tests.modes.theatre import FINE, GOOD, Theatre, costs

DOLLAR = {"input": "3", "output": "15"}

prices = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(lambda p: Price(min(p), max(p))),
    min_size=1,
    max_size=6,
)


@given(given_prices=prices, left=st.none() | st.integers(0, 10**10))
@settings(max_examples=200)
def test_shares_lie_between_least_and_most_and_never_pass_what_is_left(
    given_prices: list[Price], left: int | None
) -> None:
    shares = shared_out(given_prices, left=left)
    if shares is None:
        assert left is not None
        assert sum(one.least for one in given_prices) > left
        return
    assert left is None or sum(shares) <= left
    for share, price in zip(shares, given_prices, strict=True):
        assert price.least <= share <= price.most


async def test_where_the_budget_holds_fewer_models_fewer_are_asked(theatre: Theatre) -> None:
    for name, said in (("a", GOOD), ("b", FINE), ("c", GOOD)):
        theatre.serve(name, Answer(said), price=DOLLAR)
    # Each takes about 0.0062 at the most.
    theatre.more = {"budget": {"daily": "0.014"}}
    done = await theatre.play("ensemble")
    assert len(theatre.server.calls) == 2
    assert any("the budget held only 2 of 3 models" in one for one in done.warnings)


async def test_where_not_one_fits_the_budget_says_its_numbers(theatre: Theatre) -> None:
    theatre.serve("a", Answer(GOOD), price=DOLLAR)
    theatre.serve("b", Answer(GOOD), price=DOLLAR)
    theatre.more = {"budget": {"daily": "0.004"}}
    for mode in ("ensemble", "redundant"):
        with pytest.raises(BudgetExceededError, match=r"day budget of \$0\.004"):
            await theatre.play(mode)
    assert theatre.server.calls == ()


async def test_answers_of_no_set_length_are_bounded_before_a_model_is_left_out(
    theatre: Theatre,
) -> None:
    for name in ("a", "b"):
        theatre.serve(name, Answer(GOOD), price=DOLLAR, max_output=100_000)
    theatre.more = {"budget": {"daily": "0.05"}}
    done = await theatre.play("ensemble", max_tokens=None)
    asked = [int(call.body["max_tokens"]) for call in theatre.server.calls]
    assert len(done.answers) == 2
    assert sum(asked) * 15 <= 50_000, "millionths of a dollar"


async def test_the_limit_of_the_request_holds_for_all_models_together(theatre: Theatre) -> None:
    for name in ("a", "b", "c"):
        theatre.serve(name, Answer(GOOD), price=DOLLAR)
    done = await theatre.play("ensemble", request_limit_usd="0.013")
    assert len(theatre.server.calls) == 2
    assert costs(done) <= 13_000_000


async def test_free_models_are_never_held_back_by_a_spent_budget(theatre: Theatre) -> None:
    for name in ("a", "b"):
        theatre.serve(name, Answer(GOOD), price={"input": "0", "output": "0"})
    theatre.more = {"budget": {"daily": "0"}}
    for mode in ("cascade", "ensemble", "redundant"):
        assert (await theatre.play(mode)).cost_usd == 0


async def test_a_model_of_unknown_price_runs_where_no_budget_is_set(theatre: Theatre) -> None:
    theatre.serve("a", Answer(GOOD), price=None)
    theatre.serve("b", Answer(FINE))
    done = await theatre.play("ensemble")
    assert len(done.answers) == 2
    assert done.cost_usd is None, "unknown is not nothing"


async def test_no_money_for_a_judge_leaves_the_models(theatre: Theatre) -> None:
    theatre.serve("a", Answer(GOOD), price=DOLLAR)
    theatre.serve("b", Answer(FINE), price=DOLLAR)
    theatre.serve("judge", Answer("{}"), price={"input": "900", "output": "900"})
    theatre.more = {"budget": {"daily": "0.5"}}
    done = await theatre.play("ensemble", models=["a", "b"], resolve="judge", judges=("judge",))
    assert theatre.calls_of("judge") == 0
    assert any("the budget held no judge" in one for one in done.warnings)
