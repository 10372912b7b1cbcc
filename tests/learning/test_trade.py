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
    given = sum(
        one.predicted[model] + one.scores[model] for one, model in zip(weighed, picked, strict=True)
    )
    predicted = sum(one.predicted["b"] for one in weighed)
    # Whichever model is chosen by other requests, it scores at least as much as the worse one.
    scored = sum(min(one.scores.values()) for one in weighed)
    assert given >= predicted + scored - 2 * TOLERANCE * len(rows) - 1e-9


def test_the_luck_of_the_model_that_looks_best_need_not_be_equalled() -> None:
    models = [f"m{n}" for n in range(12)]
    costs = {model: 4.0 - n / 12 for n, model in enumerate(models)}
    taken = 0
    for seed in range(20):
        rng = random.Random(seed)
        # All are equally good: which of them looks best is luck, and the cheapest would do.
        rows = [
            Weighed(
                dict.fromkeys(models, 0.5),
                costs,
                {model: float(rng.random() < 0.5) for model in models},
            )
            for _ in range(200)
        ]
        best = max(models, key=lambda model: sum(one.scores[model] for one in rows))
        ahead = sum(one.scores[best] - one.scores["m11"] for one in rows)
        trade = cheapest_equal(rows, best=best, unit=4.0)
        assert ahead > 2 * TOLERANCE * len(rows) or trade is not None
        taken += trade is not None
    assert taken >= 12


def test_one_lucky_sample_moves_it_less_than_the_scores_alone_would() -> None:
    rng = random.Random(3)
    # Predicted to be far worse, and lucky in what was observed.
    rows = [
        Weighed({"a": 0.3, "b": 0.9}, COSTS, {"a": 1.0, "b": float(rng.random() < 0.9)})
        for _ in range(30)
    ]
    trade = cheapest_equal(rows, best="b", unit=4.0)
    assert trade is None or by_trade(rows[0].predicted, COSTS, trade=trade) == "b"
