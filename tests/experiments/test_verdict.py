"""A verdict is given when it is certain, not before, and bad arms are stopped."""

from __future__ import annotations

import random

import pytest

from mcp_router.experiments.tally import Tally, added
from mcp_router.experiments.verdict import Rules, stops, success_rates, verdict


def tally(name: str, successes: int, failures: int, *, cost: float = 0.0) -> Tally:
    """A tally whose costs vary a little around their mean."""
    calls = successes + failures
    squares = calls * cost * cost * 1.01
    return Tally(name, successes, failures, calls, calls * cost, squares)


def test_nothing_is_certain_at_first() -> None:
    found = verdict([tally("a", 3, 0), tally("b", 0, 1)])
    assert (found.state, found.winner) == ("running", None)
    assert found.reason == "nothing is certain yet (a 3/3, b 0/1)"


def test_a_clear_winner_is_named_with_the_least_it_is_better_by() -> None:
    found = verdict([tally("a", 400, 100), tally("b", 480, 20), tally("c", 300, 200)])
    assert (found.state, found.winner) == ("winner", "b")
    assert "b succeeds more often than a, by " in found.reason
    low = next(c.success for c in found.comparisons if {c.arm, c.other} == {"a", "b"})
    assert low.high < 0 < -low.high < 0.16


def test_being_better_than_only_one_of_two_does_not_win() -> None:
    assert verdict([tally("a", 480, 20), tally("b", 478, 22), tally("c", 300, 200)]).winner is None


def test_the_cheaper_of_two_equally_good_arms_wins() -> None:
    good = [tally("dear", 9_500, 500, cost=0.02), tally("cheap", 9_480, 520, cost=0.01)]
    found = verdict(good)
    assert (found.state, found.winner) == ("winner", "cheap")
    assert found.reason == "cheap costs less than dear and is no worse"


def test_a_cheaper_arm_that_may_be_worse_does_not_win() -> None:
    assert verdict([tally("a", 90, 10, cost=0.02), tally("b", 88, 12, cost=0.01)]).winner is None


def test_arms_that_surely_differ_by_little_are_the_same() -> None:
    found = verdict([tally("a", 9_500, 500, cost=0.01), tally("b", 9_490, 510, cost=0.01)])
    assert found.state == "same"


def test_a_single_arm_has_no_verdict() -> None:
    assert verdict([tally("a", 10, 0)]).state == "running"
    assert verdict([]).state == "running"


def test_looking_again_and_again_at_three_equal_arms_names_no_winner() -> None:
    rng = random.Random(31)
    named = 0
    for _ in range(6):
        arms = [Tally(name) for name in "abc"]
        for _ in range(8):
            for _ in range(30):
                arms = [
                    added(arm, ok=rng.random() < 0.8, cost_usd=rng.lognormvariate(-5, 1))
                    for arm in arms
                ]
            named += verdict(arms, rules=Rules(margin=0.0)).state == "winner"
    assert named == 0


@pytest.mark.parametrize(
    ("arm", "rules", "why"),
    [
        (tally("b", 5, 60), Rules(max_failure_rate=0.5), "fails in"),
        (tally("b", 50, 50), Rules(), "succeeds less often than a"),
        (tally("b", 95, 5, cost=1.0), Rules(allowance=100.0), "spent its allowance of $100"),
        (tally("b", 95, 5, cost=1.0), Rules(max_mean_cost=0.5), "costs $"),
    ],
)
def test_a_bad_arm_is_stopped_and_the_reason_named(arm: Tally, rules: Rules, why: str) -> None:
    control = tally("a", 950, 50, cost=0.001)
    found = stops([control, arm], control="a", rules=rules)
    assert [stop.arm for stop in found] == ["b"]
    assert why in found[0].reason


def test_good_arms_and_young_ones_go_on() -> None:
    rules = Rules(max_failure_rate=0.3, allowance=10.0, max_mean_cost=0.1)
    arms = [tally("a", 90, 10, cost=0.01), tally("b", 88, 12, cost=0.02), tally("c", 0, 2)]
    assert stops(arms, control="a", rules=rules) == ()
    assert stops(arms, control="nobody", rules=rules) == ()


def test_a_report_bounds_the_rate_of_each_arm_that_was_seen() -> None:
    rates = success_rates([tally("a", 9, 1), Tally("b")])
    assert set(rates) == {"a"}
    assert rates["a"].low < 0.9 < rates["a"].high
