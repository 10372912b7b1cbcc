from __future__ import annotations

import random

import pytest

from mcp_router.evaluation.halves import always, at_random, decided, ours, split
from mcp_router.evaluation.outcomes import Judged, Outcomes, Row, outcomes
from mcp_router.evaluation.policies import point
from tests.evaluation.pools import divided, hopeless


def halved(pool: Outcomes) -> tuple[list[Judged], list[Judged]]:
    first, second = split(pool.requests, rng=random.Random(1))
    return [pool.requests[at] for at in first], [pool.requests[at] for at in second]


def test_halves_hold_every_request_once_and_are_as_large() -> None:
    requests = divided(101).requests
    first, second = split(requests, rng=random.Random(1))
    assert abs(len(first) - len(second)) == 1
    assert sorted([*first, *second]) == list(range(len(requests)))


def test_requests_of_the_same_words_are_never_on_both_sides() -> None:
    rows = [
        Row(prompt=f"task {at % 7}", scores={"a": 1, "b": 0}, costs={"a": 1, "b": 2})
        for at in range(60)
    ]
    requests = outcomes(rows, rates={}).requests
    first, second = split(requests, rng=random.Random(1))
    assert not {requests[at].words for at in first} & {requests[at].words for at in second}


def test_what_is_scored_changes_nothing_of_what_was_learnt() -> None:
    first, second = halved(divided(200))
    flipped = [
        one._replace(case=one.case._replace(scores={"dear": 0.0, "cheap": 1.0}, group="law"))
        for one in first
    ]
    there = decided(first, taught_by=second, weak="cheap")
    back = decided(flipped, taught_by=second, weak="cheap")
    assert there._replace(requests=()) == back._replace(requests=())


def test_ours_sends_each_group_to_the_cheapest_model_that_is_good_at_it() -> None:
    first, second = halved(divided(800))
    half = decided(first, taught_by=second, weak="cheap")
    costs = ours(half, half.trade).costs
    right = [
        (cost == 0.001) == (one.case.group == "code")
        for cost, one in zip(costs, half.requests, strict=True)
    ]
    assert sum(right) / len(right) > 0.9


def test_without_a_trade_off_ours_stays_on_the_best_single_model() -> None:
    first, second = halved(hopeless(100))
    half = decided(first, taught_by=second, weak="cheap")
    assert ours(half, None) == always(half, "dear")


def test_a_random_mix_costs_what_ours_costs() -> None:
    first, second = halved(divided(300))
    half = decided(first, taught_by=second, weak="cheap")
    spent = point(ours(half, half.trade)).cost
    assert point(at_random(half, weak="cheap")).cost == pytest.approx(spent)


def test_the_cost_of_a_request_is_expected_from_what_it_is_about() -> None:
    requests = [
        one._replace(costs={"dear": 0.05 if one.case.group == "law" else 0.01, "cheap": 0.001})
        for one in divided(300).requests
    ]
    half = decided(requests[:100], taught_by=requests[100:], weak="cheap")
    for one, costs in zip(half.requests, half.costs, strict=True):
        assert (costs["dear"] > 0.03) is (one.case.group == "law")
    assert half.unit == pytest.approx(0.03)


def test_length_is_used_where_it_tells_what_the_cheap_model_can() -> None:
    rows = [
        Row(
            prompt="",
            words=10 if at % 2 else 90,
            scores={"cheap": float(at % 2), "dear": 1.0},
            costs={"cheap": 1, "dear": 9},
        )
        for at in range(60)
    ]
    requests = outcomes(rows, rates={}).requests
    assert decided(requests[:30], taught_by=requests[30:], weak="cheap").longest == 10
