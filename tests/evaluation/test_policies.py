from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.evaluation.outcomes import Judged
from mcp_router.evaluation.policies import (
    aim,
    best_single,
    by_length,
    cheapest,
    choose,
    mixed,
    oracle,
    point,
)
from mcp_router.learning.learner import Case
from mcp_router.learning.trade import by_trade

unit = st.floats(0, 1)


def request(a: float, b: float, *, words: int = 10) -> Judged:
    return Judged(Case("", frozenset(), words, {"a": a, "b": b}), {"a": 1.0, "b": 4.0})


def test_the_best_single_model_scores_highest_and_among_equals_is_cheapest() -> None:
    assert best_single([request(0, 1), request(1, 1)]) == "b"
    assert best_single([request(0, 1), request(1, 0)]) == "a"


def test_the_cheapest_costs_least_whatever_it_scores() -> None:
    assert cheapest([request(0, 1)]) == "a"


def test_the_oracle_pays_only_for_what_helps() -> None:
    assert [oracle(request(*one)) for one in ((1, 1), (0, 0), (0, 1), (1, 0))] == [
        "a",
        "a",
        "b",
        "a",
    ]


def test_length_sends_longer_requests_to_the_strong_model() -> None:
    pick = by_length(10, weak="a", strong="b")
    assert [pick(request(0, 0, words=one)) for one in (9, 10, 11)] == ["a", "a", "b"]


def test_a_choice_is_costed_and_scored() -> None:
    found = choose([request(1, 0), request(0, 1)], oracle)
    assert (found.costs, found.scores) == ((1.0, 4.0), (1, 1))
    assert point(found) == (2.5, 1.0)


@given(unit)
def test_a_random_mix_lies_on_the_line_between_both(share: float) -> None:
    found = point(mixed([request(0, 1), request(1, 1)], weak="a", strong="b", share=share))
    assert found.cost == pytest.approx(1 + 3 * share)
    assert found.quality == pytest.approx(0.5 + 0.5 * share)


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=10), unit)
def test_no_policy_scores_above_the_oracle(scores: list[tuple[float, float]], trade: float) -> None:
    pool = [request(*one) for one in scores]
    best = point(choose(pool, oracle)).quality
    found = choose(pool, lambda one: by_trade(one.case.scores, one.costs, trade=trade))
    assert point(found).quality <= best + 1e-9


def test_of_models_about_as_good_as_the_best_the_cheapest_is_aimed_at() -> None:
    # "b" is better by half a point, which 200 requests cannot tell from chance.
    even = [request(1, 0), request(0, 1)] * 99 + [request(0, 1), request(1, 1)]
    assert best_single(even) == "b"
    assert aim(even) == "a"
    assert aim([request(0, 1), request(1, 1)] * 50) == "b"
