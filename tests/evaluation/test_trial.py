"""Pools of which the truth is known: what can be saved is; where nothing can, nothing is lost."""

from __future__ import annotations

from functools import cache

import pytest

from mcp_router.evaluation.intervals import Line, Range
from mcp_router.evaluation.outcomes import Outcomes
from mcp_router.evaluation.trial import RULE, Asked, Trial, run_trial, verdict_on
from tests.evaluation.pools import divided, hopeless


@cache
def trial_of_divided() -> Trial:
    return run_trial(divided())


def line(trial: Trial, policy: str) -> Line:
    return next(one for one in trial.lines if one.policy == policy)


def test_where_the_group_decides_ours_saves_what_can_be_saved() -> None:
    ours = line(trial_of_divided(), "learner")
    # Half of the requests can go to a model at a tenth of the price: 45 %.
    assert ours.saved.value == pytest.approx(0.45, abs=0.05)
    assert ours.saved.low > 0.35
    assert ours.gained.value > -0.03
    assert trial_of_divided().verdict in {"saves", "unsure"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_nothing_can_be_saved_ours_loses_no_more_than_noise(seed: int) -> None:
    trial = run_trial(hopeless(400, seed=seed), asked=Asked(seed=seed))
    ours = line(trial, "learner")
    assert ours.gained.value > -0.02
    assert ours.saved.value < 0.05
    assert trial.verdict in {"nothing", "unsure"}


def test_the_policies_to_beat_are_what_they_are_called() -> None:
    trial = trial_of_divided()
    base, cheapest = line(trial, "best single model"), line(trial, "cheapest")
    assert trial.best == "dear"
    assert base.cost == pytest.approx(0.01)
    assert base.saved == base.gained == Range(0, 0, 0)
    assert cheapest.saved.value == pytest.approx(0.9)
    assert (cheapest.cost, cheapest.quality) == trial.single["cheap"]
    oracle = line(trial, "oracle")
    assert oracle.quality == max(one.quality for one in trial.lines)
    assert line(trial, "random mix").cost == pytest.approx(line(trial, "learner").cost)
    assert line(trial, "random mix").quality < line(trial, "learner").quality - 0.1
    # All requests are of one length, so length can tell nothing apart.
    assert line(trial, "length only").saved.value == 0


def test_every_interval_holds_its_figure() -> None:
    for one in trial_of_divided().lines:
        for found in (one.saved, one.gained):
            assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_the_figures_of_the_pair_know_that_the_group_decides() -> None:
    trial = trial_of_divided()
    pair = trial.pair
    assert (pair.weak, pair.strong) == ("cheap", "dear")
    # Those of law first recovers the gap at half of the requests: an area of three quarters.
    assert pair.apgr == pytest.approx(0.75, abs=0.05)
    assert pair.apgr_by_length == pytest.approx(0.5)
    assert pair.cpt_50 == pytest.approx(0.25, abs=0.05)
    assert pair.cpt_80 == pytest.approx(0.4, abs=0.06)


def test_predictions_are_calibrated_and_all_counted() -> None:
    trial = trial_of_divided()
    assert sum(one.size for one in trial.bins) == trial.requests * 2
    assert trial.ece is not None
    assert trial.ece < 0.06


def test_the_front_rises_and_beats_mixing_models() -> None:
    trial = trial_of_divided()
    costs = [one.cost for one in trial.front]
    qualities = [one.quality for one in trial.front]
    assert costs == sorted(costs)
    assert qualities == sorted(qualities)
    assert trial.aiq is not None
    assert trial.aiq_single is not None
    assert trial.aiq > trial.aiq_single + 0.1


def test_a_seed_gives_the_same_figures_again() -> None:
    pool: Outcomes = divided(200)
    five, six = Asked(seed=5), Asked(seed=6)
    assert run_trial(pool, asked=five) == run_trial(pool, asked=five)
    assert run_trial(pool, asked=five).lines != run_trial(pool, asked=six).lines


def test_several_splits_are_averaged_and_their_spread_is_told() -> None:
    trial = run_trial(divided(200), asked=Asked(splits=3))
    assert trial.spread is not None
    saved, gained = trial.spread
    assert saved.low <= saved.value <= saved.high
    assert saved.value == pytest.approx(line(trial, "learner").saved.value)
    assert gained.value == pytest.approx(line(trial, "learner").gained.value)
    assert sum(one.size for one in trial.bins) == 200 * 2 * 3


def test_no_policy_scores_above_the_oracle_whatever_the_split() -> None:
    trial = run_trial(divided(200), asked=Asked(splits=2, policy="cheap"))
    assert trial.lines[0].policy == "cheap"
    oracle = line(trial, "oracle").quality
    assert all(one.quality <= oracle + 1e-9 for one in trial.lines)
    assert all(one.quality <= oracle + 1e-9 for one in trial.front)


def test_a_rule_is_scored_by_the_models_it_chose() -> None:
    pool = divided(200)
    rule = tuple("cheap" if one.case.group == "code" else "dear" for one in pool.requests)
    trial = run_trial(pool, asked=Asked(policy=RULE, rule=rule))
    assert trial.lines[0].policy == RULE
    assert trial.lines[0].saved.value == pytest.approx(0.45)


def test_any_two_models_can_be_the_pair() -> None:
    pair = run_trial(divided(200), asked=Asked(pair=("cheap", "dear"))).pair
    assert (pair.strong, pair.weak) == ("cheap", "dear")
    # The cheap one is nowhere better, so there is no gap to recover.
    assert pair.apgr is None


def test_latencies_are_those_of_the_chosen_models() -> None:
    pool = divided(100)
    timed = tuple(one._replace(latencies={"dear": 900.0, "cheap": 100.0}) for one in pool.requests)
    trial = run_trial(pool._replace(requests=timed))
    assert trial.latencies["best single model"] == (900.0, 900.0)
    assert trial.latencies["cheapest"] == (100.0, 100.0)
    assert run_trial(pool).latencies == {}


@pytest.mark.parametrize(
    ("saved", "gained", "verdict"),
    [
        (Range(0.3, 0.2, 0.4), Range(0.0, -0.005, 0.005), "saves"),
        (Range(0.3, 0.2, 0.4), Range(0.0, -0.02, 0.02), "unsure"),
        (Range(0.3, 0.2, 0.4), Range(-0.05, -0.07, -0.03), "worse"),
        (Range(0.1, 0.0, 0.4), Range(0.0, 0.0, 0.0), "nothing"),
        (Range(-0.1, -0.2, -0.05), Range(0.1, 0.05, 0.2), "nothing"),
    ],
)
def test_the_verdict_claims_no_more_than_the_intervals(
    saved: Range, gained: Range, verdict: str
) -> None:
    assert verdict_on(Line("learner", 1, 1, saved, gained)) == verdict
