"""Estimates from logged choices, on logs of which the truth is known."""

from __future__ import annotations

import random

import pytest

from mcp_router.errors import InvalidRequestError
from mcp_router.evaluation.history import AS_IT_WAS, LEAST_CHOICES, run_past_trial
from mcp_router.evaluation.logged import Logged
from mcp_router.evaluation.off_policy import (
    LEAST_SIZE,
    MOST_WEIGHT,
    estimate,
    estimated,
    folds,
    safe,
)
from mcp_router.evaluation.policies import point

OPTIONS = {"dear": 0.01, "cheap": 0.001}
TRUTH = {"dear": {"law": 0.9, "code": 0.9}, "cheap": {"law": 0.3, "code": 0.95}}


def log(count: int, *, share: float, seed: int = 1) -> list[Logged]:
    """Choices of which `share` went to the cheap model by chance."""
    rng = random.Random(seed)
    made: list[Logged] = []
    for at in range(count):
        context = ("law", "code")[at % 2]
        model = "cheap" if rng.random() < share else "dear"
        score = float(rng.random() < TRUTH[model][context])
        chance = share if model == "cheap" else 1 - share
        made.append(Logged(context, model, score, OPTIONS[model], OPTIONS, chance))
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_value_of_a_policy_nobody_followed_is_found(seed: int) -> None:
    rows = log(2000, share=0.2, seed=seed)
    picked = ["cheap" if one.context == "code" else "dear" for one in rows]
    found = point(estimate(rows, picked, known=folds(rows)).choice)
    assert found.quality == pytest.approx(0.925, abs=0.03)
    assert found.cost == pytest.approx(0.0055, rel=0.05)


def test_what_was_done_is_estimated_as_it_was() -> None:
    rows = log(300, share=0.5)
    certain = [one._replace(chance=1.0) for one in rows]
    found = estimate(certain, [one.model for one in rows], known=folds(rows))
    assert found.choice.scores == pytest.approx([one.score for one in rows])
    assert found.size == pytest.approx(len(rows))
    assert found.same == len(rows)


def test_the_effective_size_is_kishs() -> None:
    rows = [
        Logged("law", "dear", 1.0, 0.01, OPTIONS, 0.5),
        Logged("law", "dear", 1.0, 0.01, OPTIONS, 0.1),
    ] * 10
    found = estimate(rows, ["dear"] * 20, known=folds(rows))
    assert found.size == pytest.approx((10 * 2 + 10 * 10) ** 2 / (10 * 4 + 10 * 100))


def test_a_rare_choice_counts_no_more_than_is_allowed() -> None:
    rows = [Logged("law", "dear", 1.0, 0.01, OPTIONS, 1e-9), *log(50, share=0.0)]
    found = estimate(rows, ["dear"] * 51, known=folds(rows))
    assert max(found.choice.scores) <= 1 + MOST_WEIGHT


def test_the_safe_learner_moves_only_the_work_that_loses_nothing() -> None:
    rows = log(3000, share=0.3)
    known = folds(rows)
    picks = {
        context: safe(Logged(context, "dear", 1, 0.01, OPTIONS, 1), known[0])
        for context in ("law", "code")
    }
    assert picks == {"law": "dear", "code": "cheap"}
    assert estimated(rows, safe).size > LEAST_SIZE


def test_a_trial_says_what_would_have_been_saved() -> None:
    trial = run_past_trial(log(3000, share=0.3), tried=3000)
    first = trial.lines[0]
    assert first.policy == "learner"
    assert trial.verdict in {"saves", "unsure"}
    assert first.saved.low > 0.1
    was = next(one for one in trial.lines if one.policy == AS_IT_WAS)
    assert was.saved.value == was.gained.value == 0
    assert trial.models == {"dear": trial.models["dear"], "cheap": 3000 - trial.models["dear"]}


def test_a_policy_that_nobody_ever_followed_is_not_enough_evidence() -> None:
    trial = run_past_trial(log(400, share=0.0), policy="cheap")
    assert trial.verdict is None
    assert trial.sizes["cheap"] == 0


def test_too_few_judged_choices_are_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidRequestError, match="not enough evidence") as caught:
        run_past_trial(log(LEAST_CHOICES - 1, share=0.5))
    assert "feedback" in str(caught.value.hint)


def test_a_policy_of_no_known_name_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="'nobody' is no policy"):
        run_past_trial(log(100, share=0.5), policy="nobody")
