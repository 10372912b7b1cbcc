"""Scores: absolute, bounded, monotone, and slow to be moved by luck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.settings import Weights
from mcp_router.routing.posterior import SURE
from mcp_router.routing.profile import PRIOR_OBSERVATIONS, Profile, demand_of, historical, profile
from mcp_router.routing.rank import chance, fallbacks, rank
from mcp_router.routing.score import score_parts, strategy_weights, totals
from mcp_router.types import (
    Capability,
    Classification,
    Complexity,
    Family,
    LatencyPrior,
    ModelInfo,
    Performance,
    RoutingState,
    Strategy,
)
from tests.builders import ask, catalog, classified, model, price, quality, situation

RATINGS = st.fixed_dictionaries({one: st.integers(1, 10) for one in Capability})
MODELS = st.builds(
    lambda name, value, ratings, usd, speed: model(
        f"m{name}",
        quality=quality(value),
        capabilities=ratings,
        prices=(price(usd, 4 * usd),),
        latency=LatencyPrior(first_token_ms=500, tokens_per_second=speed, basis="test"),
    ),
    st.integers(0, 99),
    st.floats(0.3, 0.97),
    RATINGS,
    st.floats(0, 20),
    st.floats(5, 3000),
)
KINDS = st.builds(
    lambda task, level: classified(task_type=task, complexity=level),
    st.sampled_from(["debugging", "creative", "math_logic", "chat", "my_own_task"]),
    st.sampled_from(list(Complexity)),
)


@given(st.lists(MODELS, min_size=1, max_size=8, unique_by=lambda m: m.name), KINDS)
def test_every_part_and_score_lies_between_nothing_and_one(
    models: list[ModelInfo], kind: Classification
) -> None:
    rows = catalog(*models)
    field = rank(models, situation(rows, kind=kind))
    for one in field.ranked:
        assert 0 <= one.score <= 1
        assert all(0 <= part <= 1 for part in one.parts)


@given(MODELS, MODELS, st.sampled_from(list(Strategy)))
def test_a_score_does_not_depend_on_who_else_is_there(
    one: ModelInfo, other: ModelInfo, strategy: Strategy
) -> None:
    request = ask("Fix it", strategy=strategy)
    alone = rank([one], situation(catalog(one), request=request)).ranked[0].score
    both = rank([one, other], situation(catalog(one, other), request=request)).ranked
    assert any(abs(ranked.score - alone) < 1e-12 for ranked in both)


@given(
    st.tuples(*[st.floats(0, 100)] * 5).filter(lambda w: sum(w) > 0.01),
    st.sampled_from(list(Strategy)),
)
def test_weights_of_every_strategy_sum_to_one(
    weights: tuple[float, ...], strategy: Strategy
) -> None:
    names = ("capability", "cost", "quality", "latency", "historical")
    own = Weights.model_validate(dict(zip(names, weights, strict=True)))
    assert sum(strategy_weights(strategy, balanced=own)) == pytest.approx(1)


def estimate(one: ModelInfo, **changes: object) -> Profile:
    return profile(one, demand_of(situation(catalog(one), kind=classified(**changes))))


def test_dearer_slower_and_weaker_each_lower_their_own_part() -> None:
    base = score_parts(estimate(model("m")))
    dear = score_parts(estimate(model("m", prices=(price(10, 40),))))
    slow = LatencyPrior(first_token_ms=5_000, tokens_per_second=10.0, basis="test")
    late = score_parts(estimate(model("m", latency=slow)))
    weak = score_parts(estimate(model("m", quality=quality(0.5))))
    assert dear.cost < base.cost
    assert late.latency < base.latency
    assert weak.quality < base.quality
    assert dear._replace(cost=base.cost) == base


def test_harder_work_lowers_the_predicted_quality() -> None:
    levels = [
        estimate(model("m"), task_type="creative", complexity=level).quality for level in Complexity
    ]
    assert levels == sorted(levels, reverse=True)
    assert levels[2] == pytest.approx(0.8), "a prior is the chance on complex work"


def test_work_where_wrong_answers_look_right_asks_for_more() -> None:
    debugging = estimate(model("m"), task_type="debugging").quality
    assert estimate(model("m"), task_type="architecture").quality < debugging
    assert debugging < estimate(model("m"), task_type="translation").quality


def test_an_unknown_price_scores_as_the_dearest() -> None:
    assert score_parts(estimate(model("m", prices=()))).cost == 0.0
    assert score_parts(estimate(model("m", prices=(price(0, 0),)))).cost == 1.0


def test_ten_lucky_calls_do_not_outvote_the_prior_and_many_do() -> None:
    lucky = historical(0.6, Performance(successes=10))
    proven = historical(0.6, Performance(successes=500))
    assert lucky < 0.7 < 0.95 < proven
    assert historical(0.6, Performance()) == pytest.approx(0.6)


@given(st.floats(0, 1), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_posterior_lies_between_the_prior_and_what_was_seen(
    prior: float, good: float, bad: float
) -> None:
    mean = historical(prior, Performance(successes=good, failures=bad))
    seen = good / (good + bad) if good + bad else prior
    assert min(prior, seen) - 1e-9 <= mean <= max(prior, seen) + 1e-9
    assert PRIOR_OBSERVATIONS == 40


def test_what_was_observed_moves_latency_and_token_estimates() -> None:
    one = model("m")
    seen = Performance(calls=200, latency_p50_ms=9_000, latency_p95_ms=20_000, token_ratio=2.0)
    state = RoutingState(performance={"m": {"debugging": seen}})
    plain = profile(one, demand_of(situation(catalog(one))))
    known = profile(one, demand_of(situation(catalog(one), state=state)))
    assert 8_000 < known.latency_ms < 9_000
    assert known.latency_high_ms > 18_000
    assert known.input_tokens == 2 * plain.input_tokens


def test_leaving_a_warm_prompt_cache_costs() -> None:
    rates = price(1.0, 4.0).tiers[0].rates.model_copy(update={"cache_read": 100_000_000})
    tier = price(1.0, 4.0).tiers[0].model_copy(update={"rates": rates})
    cached = (price(1.0, 4.0).model_copy(update={"tiers": (tier,)}),)
    here, there = model("here", prices=cached), model("there", prices=cached)
    rows = catalog(here, there)
    request = ask("word " * 2_000, current_model="here", cached_tokens=1_500)
    field = rank(rows.models, situation(rows, request=request))
    costs = {one.profile.model.name: one.profile.cost or 0 for one in field.ranked}
    assert costs["there"] - costs["here"] == 1_500 * 900
    assert field.ranked[0].profile.model.name == "here"


def test_tokenizer_families_make_the_same_text_dearer() -> None:
    lean, wordy = model("lean"), model("wordy", family=Family.CLAUDE5)
    rows = catalog(lean, wordy)
    ranked = rank(rows.models, situation(rows, request=ask("word " * 500))).ranked
    tokens = {one.profile.model.name: one.profile.input_tokens for one in ranked}
    assert tokens["wordy"] > 1.2 * tokens["lean"]


def test_preferred_capabilities_weigh_without_ruling_out() -> None:
    plain = dict.fromkeys(Capability, 6)
    poet = model("poet", quality=quality(0.9), capabilities=plain | {Capability.CREATIVITY: 10})
    coder = model("coder", quality=quality(0.9), capabilities=plain | {Capability.CODING: 7})
    rows = catalog(poet, coder)
    asked = ask("Fix it", constraints={"prefers": ("creativity",)})
    assert rank(rows.models, situation(rows)).ranked[0].profile.model.name == "coder"
    assert rank(rows.models, situation(rows, request=asked)).ranked[0].profile.model.name == "poet"


@given(st.lists(MODELS, min_size=2, max_size=8, unique_by=lambda m: m.name), KINDS)
def test_cost_first_takes_the_cheapest_that_clears_the_floor(
    models: list[ModelInfo], kind: Classification
) -> None:
    rows = catalog(*models)
    around = situation(rows, request=ask("Fix it", strategy="cost_first"), kind=kind)
    field = rank(models, around)
    clears = [one for one in field.ranked if not one.band]
    if clears:
        assert field.ranked[0].profile.cost == min(one.profile.cost or 0 for one in clears)


@given(st.lists(MODELS, min_size=2, max_size=8, unique_by=lambda m: m.name), KINDS)
def test_nobody_below_the_quality_floor_beats_somebody_above_it(
    models: list[ModelInfo], kind: Classification
) -> None:
    field = rank(models, situation(catalog(*models), kind=kind))
    bands = [one.band for one in field.ranked]
    assert bands == sorted(bands)
    above = [one for one in field.ranked if one.band == 0]
    assert all(chance(one, floor=field.floor) >= SURE for one in above)
    assert all(one.profile.quality >= field.floor for one in above)


def test_fallbacks_change_provider_first() -> None:
    models = [
        model("a", provider="openai", quality=quality(0.95)),
        model("b", provider="openai", quality=quality(0.94)),
        model("c", provider="anthropic", quality=quality(0.93)),
        model("d", provider="google", quality=quality(0.92)),
    ]
    field = rank(models, situation(catalog(*models)))
    assert fallbacks(field.ranked) == ("c", "d", "b")


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_a_total_never_leaves_the_scale(parts: list[float]) -> None:
    weights = strategy_weights(Strategy.BALANCED, balanced=Weights())
    assert all(0 <= one <= 1 for one in totals([type(weights)(*parts)], weights))
