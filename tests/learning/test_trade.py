from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.learning.trade import TOLERANCE, Weighed, by_trade, cheapest_equal, trades

COSTS = {"a": 1.0, "b": 4.0}
unit = st.floats(0, 1)


def test_a_higher_price_of_cost_moves_the_choice_to_the_cheaper() -> None:
    assert by_trade({"a": 0.5, "b": 0.8}, COSTS, trade=0.09) == "b"
    assert by_trade({"a": 0.5, "b": 0.8}, COSTS, trade=0.11) == "a"
    assert by_trade({"a": 0.5, "b": 0.5}, COSTS, trade=0) == "a"


def test_trades_scale_with_the_price_of_the_pool() -> None:
    assert trades(0.5) == pytest.approx([2 * one for one in trades(1.0)])
    assert list(trades(0.0)) == sorted(trades(0.0))


def test_what_is_as_good_for_less_is_taken() -> None:
    easy = Weighed({"a": 0.9, "b": 0.9}, COSTS, {"a": 1, "b": 1})
    hard = Weighed({"a": 0.1, "b": 0.9}, COSTS, {"a": 0, "b": 1})
    trade = cheapest_equal([easy, hard] * 20, best="b", unit=4.0)
    assert trade is not None
    picked = [by_trade(one.predicted, one.costs, trade=trade) for one in (easy, hard)]
    assert picked == ["a", "b"]


def test_where_nothing_is_as_good_there_is_no_trade_but_to_stay() -> None:
    hard = Weighed({"a": 0.1, "b": 0.9}, COSTS, {"a": 0, "b": 1})
    trade = cheapest_equal([hard] * 20, best="b", unit=4.0)
    assert trade is None or by_trade(hard.predicted, COSTS, trade=trade) == "b"


@given(st.lists(st.tuples(unit, unit, unit, unit), min_size=1, max_size=30))
def test_it_never_costs_more_nor_loses_more_than_it_may(
    rows: list[tuple[float, float, float, float]],
) -> None:
    weighed = [
        Weighed({"a": one, "b": other}, COSTS, {"a": score, "b": better})
        for one, other, score, better in rows
    ]
    trade = cheapest_equal(weighed, best="b", unit=4.0)
    if trade is None:
        return
    picked = [by_trade(one.predicted, one.costs, trade=trade) for one in weighed]
    assert sum(COSTS[one] for one in picked) <= 4 * len(rows)
    gain = sum(
        (one.predicted[model] - one.predicted["b"] + one.scores[model] - one.scores["b"]) / 2
        for one, model in zip(weighed, picked, strict=True)
    )
    assert gain >= -TOLERANCE * len(rows) - 1e-9


def test_one_lucky_sample_moves_it_less_than_the_scores_alone_would() -> None:
    rng = random.Random(3)
    # Predicted to be far worse, and lucky in what was observed.
    rows = [
        Weighed({"a": 0.3, "b": 0.9}, COSTS, {"a": 1.0, "b": float(rng.random() < 0.9)})
        for _ in range(30)
    ]
    trade = cheapest_equal(rows, best="b", unit=4.0)
    assert trade is None or by_trade(rows[0].predicted, COSTS, trade=trade) == "b"
