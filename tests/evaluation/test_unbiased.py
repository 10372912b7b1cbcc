"""Estimates from logged choices are right on average, and wrong only where they say they may be."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.belief.beta import prior
from mcp_router.errors import InvalidRequestError
from mcp_router.evaluation.history import AS_IT_WAS, run_past_trial
from mcp_router.evaluation.logged import Logged
from mcp_router.evaluation.off_policy import (
    LEAST_JUDGED,
    MOST_WEIGHT,
    Known,
    best_single,
    cheapest,
    estimate,
    estimated,
    folds,
)
from mcp_router.evaluation.policies import point
from mcp_router.evaluation.trial import RULE
from mcp_router.learning.switching import Option, Trial, plan, value_gap

OPTIONS = {"a": 0.010, "b": 0.004, "c": 0.001}
# By context and by a difficulty that no context tells; the chances of being right.
TRUTH = {
    "a": {"law": (0.95, 0.85), "code": (0.95, 0.9)},
    "b": {"law": (0.9, 0.3), "code": (0.9, 0.6)},
    "c": {"law": (0.6, 0.1), "code": (0.95, 0.8)},
}
RUNS = 60

Behaviour = Callable[[str, int], dict[str, float]]


def by_difficulty(context: str, hard: int) -> dict[str, float]:
    """A logger that sees how hard a request is and tries the cheap ones on easy work."""
    return {"a": 0.8, "b": 0.1, "c": 0.1} if hard else {"a": 0.2, "b": 0.3, "c": 0.5}


def log(count: int, *, behaviour: Behaviour, seed: int, told: bool = True) -> list[Logged]:
    """Log choices of a known policy; untold, each has the share that its context shows."""
    rng = random.Random(seed)
    made: list[Logged] = []
    for at in range(count):
        context, hard = ("law", "code")[at % 2], int(rng.random() < 0.5)
        chances = behaviour(context, hard)
        model = rng.choices([*chances], weights=[*chances.values()])[0]
        score = float(rng.random() < TRUTH[model][context][hard])
        # Hard work costs four times as much, which no estimate of the time knew.
        cost = OPTIONS[model] * (1.6 if hard else 0.4) * rng.uniform(0.5, 1.5)
        shown = fmean(behaviour(context, each)[model] for each in (0, 1))
        chance = chances[model] if told else shown
        made.append(Logged(context, model, score, cost, OPTIONS, chance))
    return made


def truth(picks: dict[str, str]) -> float:
    return fmean(fmean(TRUTH[model][context]) for context, model in picks.items())


def values(picks: dict[str, str], *, told: bool = True, behaviour: Behaviour) -> list[float]:
    """Estimate one policy on as many logs as there are runs."""
    found: list[float] = []
    for seed in range(RUNS):
        rows = log(400, behaviour=behaviour, seed=seed, told=told)
        picked = [picks[one.context] for one in rows]
        found.append(point(estimate(rows, picked, known=folds(rows)).choice).quality)
    return found


POLICIES = [{"law": "a", "code": "c"}, {"law": "b", "code": "b"}, {"law": "c", "code": "a"}]


@pytest.mark.parametrize("picks", POLICIES, ids=lambda one: "".join(one.values()))
def test_with_the_logged_chances_the_estimate_is_right_on_average(picks: dict[str, str]) -> None:
    found = values(picks, behaviour=by_difficulty)
    # Marks by context alone are wrong here: easy work is what the cheap models were tried on.
    assert abs(fmean(found) - truth(picks)) < 3.5 * stdev(found) / math.sqrt(RUNS)


def test_with_shares_in_their_place_what_nobody_logged_leads_astray() -> None:
    picks = {"law": "b", "code": "b"}
    blind = values(picks, behaviour=by_difficulty, told=False)
    assert fmean(blind) - truth(picks) > 0.05


def test_with_right_marks_by_context_wrong_chances_do_no_harm() -> None:
    def by_context(context: str, hard: int) -> dict[str, float]:
        return (
            {"a": 0.5, "b": 0.2, "c": 0.3} if context == "law" else {"a": 0.2, "b": 0.2, "c": 0.6}
        )

    picks = {"law": "a", "code": "c"}
    found: list[float] = []
    for seed in range(RUNS):
        rows = [one._replace(chance=0.4) for one in log(400, behaviour=by_context, seed=seed)]
        picked = [picks[one.context] for one in rows]
        found.append(point(estimate(rows, picked, known=folds(rows)).choice).quality)
    # What is pooled leans a little on the other contexts.
    assert abs(fmean(found) - truth(picks)) < 0.02


def test_costs_are_right_on_average_though_estimates_were_half_of_them() -> None:
    picks, costs = {"law": "b", "code": "c"}, list[float]()
    for seed in range(RUNS):
        rows = [
            one._replace(cost=2 * one.cost) for one in log(300, behaviour=by_difficulty, seed=seed)
        ]
        picked = [picks[one.context] for one in rows]
        costs.append(point(estimate(rows, picked, known=folds(rows)).choice).cost)
    wanted = 2 * (OPTIONS["b"] + OPTIONS["c"]) / 2
    assert abs(fmean(costs) - wanted) < 4 * stdev(costs) / math.sqrt(RUNS)


def test_the_gap_of_two_models_is_right_on_average() -> None:
    gaps: list[float] = []
    for seed in range(RUNS):
        rows = log(400, behaviour=by_difficulty, seed=seed)
        trials = [Trial(one.model, one.chance, one.score) for one in rows]
        gaps.append(value_gap(trials, model="c", usual="a", starts=(0.3, 0.99)))
    wanted = truth({"law": "c", "code": "c"}) - truth({"law": "a", "code": "a"})
    assert abs(fmean(gaps) - wanted) < 3.5 * stdev(gaps) / math.sqrt(RUNS)


def test_what_trying_logs_is_enough_to_value_a_switch() -> None:
    usual = Option("a", prior(0.9, weight=200), 100, 10.0)
    other = Option("c", prior(0.85, weight=40), 50, 1.0)
    right, rng = {"a": 0.9, "c": 0.7}, random.Random(3)
    trials: list[Trial] = []
    for _ in range(4_000):
        found = plan(usual, [other], share=0.3, draw=rng.random())
        score = float(rng.random() < right[found.chosen.model])
        trials.append(Trial(found.chosen.model, found.propensity, score))
    # Wrong beliefs and all, as the chances are known.
    gap = value_gap(trials, model="c", usual="a", starts=(0.85, 0.9))
    assert gap == pytest.approx(-0.2, abs=0.04)


LOGS = st.builds(
    lambda count, seed: log(count, behaviour=by_difficulty, seed=seed),
    st.integers(30, 90),
    st.integers(0, 10**6),
)
few = settings(max_examples=25, deadline=None)


@few
@given(LOGS)
def test_keeping_every_choice_is_worth_what_was_done(rows: list[Logged]) -> None:
    found = estimate(rows, [""] * len(rows), known=folds(rows))
    assert found.choice.scores == tuple(one.score for one in rows)
    assert found.choice.costs == tuple(one.cost for one in rows)
    assert (found.size, found.same) == (len(rows), 0)


@few
@given(LOGS, st.sampled_from("abc"))
def test_the_effective_size_is_no_more_than_the_choices_that_were_the_same(
    rows: list[Logged], model: str
) -> None:
    found = estimate(rows, [model] * len(rows), known=folds(rows))
    assert found.same == sum(one.model == model for one in rows)
    assert 0 <= found.size <= found.same + 1e-9


@few
@given(LOGS, st.sampled_from("abc"), st.floats(0.1, 50))
def test_costs_in_another_currency_change_costs_alone(
    rows: list[Logged], model: str, rate: float
) -> None:
    other = [
        one._replace(
            cost=rate * one.cost, options={name: rate * usd for name, usd in one.options.items()}
        )
        for one in rows
    ]
    there = estimate(rows, [model] * len(rows), known=folds(rows)).choice
    back = estimate(other, [model] * len(rows), known=folds(other)).choice
    assert back.scores == pytest.approx(there.scores)
    assert back.costs == pytest.approx([rate * one for one in there.costs])


@few
@given(LOGS, st.integers(0, 10**6))
def test_the_mark_of_a_choice_moves_no_estimate_of_its_own_fold(
    rows: list[Logged], pick: int
) -> None:
    at = pick % len(rows)
    turned = [*rows]
    turned[at] = rows[at]._replace(score=1 - rows[at].score)
    before, after = folds(rows), folds(turned)
    assert before[at % 5] == after[at % 5]
    assert all(before[fold] != after[fold] for fold in range(5) if fold != at % 5)


@few
@given(LOGS, st.floats(1e-9, 1e-3))
def test_one_rare_choice_moves_no_score_by_more_than_its_bound(
    rows: list[Logged], chance: float
) -> None:
    rare = [rows[0]._replace(chance=chance), *rows[1:]]
    model = rows[0].model
    found = estimate(rare, [model] * len(rare), known=folds(rare)).choice
    assert abs(found.scores[0]) <= 1 + MOST_WEIGHT


def test_a_model_is_picked_only_once_it_was_judged_often_enough() -> None:
    rows = [Logged("law", "a", 0.0, 0.01, OPTIONS, 1.0)] * LEAST_JUDGED
    short = [*rows[1:], Logged("law", "c", 1.0, 0.001, OPTIONS, 1.0)]

    def picks(made: Sequence[Logged]) -> list[str]:
        known: Known = folds([one for one in made for _ in range(5)])[0]
        thin = known._replace(counts={one.model: made.count(one) for one in made})
        return [pick(made[0], thin) for pick in (best_single, cheapest)]

    assert picks(rows) == ["a", "a"]
    assert picks(short) == ["", ""]


def test_a_rule_keeps_what_was_chosen_where_it_names_nothing_possible() -> None:
    rows = log(200, behaviour=by_difficulty, seed=4)
    trial = run_past_trial(rows, policy=RULE, rule=["gone"] * 200)
    was = next(one for one in trial.lines if one.policy == AS_IT_WAS)
    assert trial.lines[0].policy == RULE
    assert trial.lines[0][1:] == was[1:]


def test_the_same_seed_gives_the_same_trial_and_another_moves_only_the_intervals() -> None:
    rows = log(300, behaviour=by_difficulty, seed=5)
    first, again, other = (run_past_trial(rows, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.lines != other.lines
    assert [one.quality for one in first.lines] == [one.quality for one in other.lines]
    assert first.sizes == other.sizes


def test_estimated_policies_see_only_what_other_choices_taught() -> None:
    rows = log(250, behaviour=by_difficulty, seed=6)
    seen: list[Known] = []

    def pick(row: Logged, known: Known) -> str:
        seen.append(known)
        return row.model

    estimated(rows, pick)
    made = folds(rows)
    assert seen == [made[at % 5] for at in range(250)]


def test_a_model_that_was_never_an_option_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no model that could have been chosen"):
        run_past_trial(log(60, behaviour=by_difficulty, seed=1), policy="z")
