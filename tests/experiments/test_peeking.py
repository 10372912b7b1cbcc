"""Two equal arms, looked at every day: the chance of a false claim stays below alpha."""

from __future__ import annotations

import math
import random

import pytest

from mcp_router.experiments.proportions import equality_evidence
from mcp_router.experiments.tally import Tally, added
from mcp_router.experiments.verdict import Metric, Rules, stops, verdict

ALPHA = 0.05


def day(rng: random.Random, tally: Tally, calls: int, *, rate: float) -> Tally:
    for _ in range(calls):
        ok = rng.random() < rate
        score = rng.betavariate(8, 2) if ok else rng.betavariate(2, 5)
        tally = added(tally, ok=ok, cost_usd=rng.lognormvariate(-5, 1), score=score)
    return tally


def most(runs: int) -> float:
    """The most false claims that chance lets pass where each run has the chance alpha."""
    return runs * ALPHA + 3 * math.sqrt(runs * ALPHA * (1 - ALPHA))


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.97])
def test_the_evidence_against_equal_arms_seldom_ever_passes_its_bound(rate: float) -> None:
    rng, false, runs = random.Random(round(rate * 100)), 0, 400
    for _ in range(runs):
        one, other = [0, 0], [0, 0]
        for _ in range(60):
            for arm in (one, other):
                good = sum(rng.random() < rate for _ in range(10))
                arm[0] += good
                arm[1] += 10 - good
            if equality_evidence((one[0], one[1]), (other[0], other[1])) > -math.log(ALPHA):
                false += 1
                break
    assert false <= most(runs)


def test_guard_rails_seldom_stop_an_arm_that_is_as_good_as_the_control() -> None:
    rng, false, runs = random.Random(11), 0, 60
    rules = Rules(alpha=ALPHA, max_failure_rate=0.3, max_mean_cost=0.02, max_cost_ratio=1.2)
    for _ in range(runs):
        arms = [Tally("a"), Tally("b")]
        for _ in range(20):
            arms = [day(rng, arm, 15, rate=0.8) for arm in arms]
            if stops(arms, control="a", rules=rules):
                false += 1
                break
    assert false <= most(runs)


@pytest.mark.parametrize("metric", ["success", "score", "cost"])
def test_no_metric_names_a_winner_among_equals_more_often_than_alpha(metric: Metric) -> None:
    rng, false, runs = random.Random(7), 0, 25
    rules = Rules(alpha=ALPHA, margin=0.0, metric=metric)
    for _ in range(runs):
        arms = [Tally("a"), Tally("b")]
        for _ in range(10):
            arms = [day(rng, arm, 30, rate=0.8) for arm in arms]
            if verdict(arms, rules=rules).state == "winner":
                false += 1
                break
    assert false <= most(runs)


def test_a_real_difference_is_found_by_looking_every_day() -> None:
    rng = random.Random(3)
    found = 0
    for _ in range(10):
        arms = [Tally("a"), Tally("b")]
        for _ in range(20):
            rates = {"a": 0.75, "b": 0.92}
            arms = [day(rng, arm, 20, rate=rates[arm.arm]) for arm in arms]
            if verdict(arms).winner == "b":
                found += 1
                break
    assert found >= 9
