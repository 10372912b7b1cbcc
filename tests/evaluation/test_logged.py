"""Judged decisions as choices: what was chosen, from what, at which cost and with what chance."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.evaluation.logged import logged
from mcp_router.storage.judged import JudgedDecision


def judged(
    model: str = "small",
    *,
    costs: dict[str, str | None] | None = None,
    cost_nanos: int | None = 2_000_000,
    propensity: float | None = None,
) -> JudgedDecision:
    priced = {"small": "0.001", "large": "0.01"} if costs is None else costs
    candidates = [{"model": name, "estimated_cost_usd": usd} for name, usd in priced.items()]
    decision = json.dumps({"candidates": candidates})
    return JudgedDecision(model, "debugging", "medium", 1.0, cost_nanos, propensity, decision)


def test_a_choice_has_its_options_and_what_it_really_cost() -> None:
    (choice,), places = logged([judged()])
    assert (choice.model, choice.cost) == ("small", 0.002)
    assert choice.options == {"small": 0.001, "large": 0.01}
    assert choice.context == "debugging medium"
    assert places == (0,)


def test_an_estimate_stands_in_for_a_cost_that_is_not_known() -> None:
    (choice,), _ = logged([judged(cost_nanos=None)])
    assert choice.cost == pytest.approx(0.001)


@pytest.mark.parametrize(
    "row",
    [
        judged(costs={"small": "0.001"}),
        judged(costs={"large": "0.01", "other": "0.02"}),
        judged(costs={}),
        judged(costs={"small": None, "large": "0.01"}, cost_nanos=None),
    ],
    ids=["nothing to choose from", "not among the options", "no candidates", "no price"],
)
def test_what_was_no_choice_is_left_out(row: JudgedDecision) -> None:
    choices, places = logged([row, judged()])
    assert len(choices) == 1
    assert places == (1,)


def test_a_known_chance_beats_the_share_that_was_seen() -> None:
    rows = [judged(), judged(), judged("large"), judged("large", propensity=0.1)]
    choices, _ = logged(rows)
    assert [one.chance for one in choices] == [0.5, 0.5, 0.5, 0.1]


def test_what_was_no_choice_is_no_part_of_how_often_a_model_was_chosen() -> None:
    named = [judged(costs={"small": "0.001"})] * 98
    choices, _ = logged([*named, judged(), judged("large")])
    assert [one.chance for one in choices] == [0.5, 0.5]


@given(st.lists(st.sampled_from(["small", "large"]), min_size=1, max_size=30))
def test_the_seen_chances_of_a_context_sum_to_one(models: list[str]) -> None:
    choices, _ = logged([judged(name) for name in models])
    chances = {one.model: one.chance for one in choices}
    assert sum(chances.values()) == pytest.approx(1.0)
