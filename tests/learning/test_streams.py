"""Over a simulated year the safe learner stays within a point of the best single model."""

from __future__ import annotations

import pytest

from tests.learning.streams import (
    STARTS,
    SafeLearner,
    always,
    at_random,
    best_single,
    oracle,
    run_safe,
    spent,
    year,
)


@pytest.mark.parametrize("seed", range(6))
def test_a_year_of_drift_outage_and_news_costs_less_than_a_point(seed: int) -> None:
    stream = year(seed=seed)
    single = best_single(stream)
    found = spent(run_safe(stream, SafeLearner(STARTS, usual="strong"), seed=seed))
    usual = spent(always(stream, single))
    assert single == "strong"
    assert found.quality >= usual.quality - 0.01
    assert found.cost < usual.cost


def test_without_a_share_nothing_is_ever_tried() -> None:
    stream = year(seed=1, per_day=5)
    taken = run_safe(stream, SafeLearner(STARTS, usual="strong", share=0.0), seed=1)
    assert {model for model, _ in taken} == {"strong"}


def test_models_that_all_fail_are_never_switched_to() -> None:
    stream = [
        ask._replace(chances={one: float(one == "strong") for one in ask.chances})
        for ask in year(seed=2, per_day=5)
    ]
    learner = SafeLearner(STARTS, usual="strong")
    found = spent(run_safe(stream, learner, seed=2))
    assert learner.switches == {}
    assert found.quality > 0.985


def test_the_same_seed_gives_the_same_year_and_the_same_choices() -> None:
    one, other = year(seed=3, per_day=5), year(seed=3, per_day=5)
    assert one == other
    runs = [run_safe(one, SafeLearner(STARTS, usual="strong"), seed=3) for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_baselines_frame_the_learner() -> None:
    stream = year(seed=4, per_day=10)
    usual, best = spent(always(stream, "strong")), spent(oracle(stream, single="strong"))
    worst = spent(at_random(stream, seed=4))
    assert best.quality >= usual.quality - 0.005
    assert best.cost < usual.cost
    assert worst.quality < usual.quality - 0.05
