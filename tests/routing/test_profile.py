"""Profiles: what one model would need, take and achieve, figure by figure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.settings import Settings
from mcp_router.routing.profile import Profile, demand_of, observed, profile
from mcp_router.routing.rank import quality_floor, rank
from mcp_router.routing.score import PartScores, score_parts, totals
from mcp_router.types import (
    Capability,
    Complexity,
    Constraints,
    Family,
    LatencyPrior,
    ModelInfo,
    Performance,
    RoutingState,
)
from tests.builders import ask, catalog, classified, model, price, quality, situation

USABLE = frozenset({"openai", "anthropic", "google"})
LEVELS = list(Complexity)


def estimate(one: ModelInfo, *, kind: dict[str, Any] | None = None, **asked: Any) -> Profile:
    around = situation(catalog(one), kind=classified(**(kind or {})), **asked)
    return profile(one, demand_of(around))


def seen(**known: Performance) -> RoutingState:
    """What is known of the model m by task type; "general" stands for all of them."""
    found = {"" if name == "general" else name: one for name, one in known.items()}
    return RoutingState(usable_providers=USABLE, performance={"m": found})


@pytest.mark.parametrize(
    ("family", "tokens"),
    [
        (Family.O200K, 500),
        (Family.CL100K, 510),
        (Family.DEEPSEEK, 530),
        (Family.TEKKEN, 540),
        (Family.CLAUDE, 590),
        (Family.CLAUDE5, 750),
    ],
)
def test_the_same_answer_has_more_tokens_in_some_families(family: Family, tokens: int) -> None:
    assert estimate(model("m", family=family)).output_tokens == tokens


@pytest.mark.parametrize(("level", "tokens"), [*zip(LEVELS, [150, 350, 500, 650], strict=True)])
def test_harder_work_takes_more_thinking(level: Complexity, tokens: int) -> None:
    found = estimate(model("m", thinking_factor=1.0), kind={"complexity": level})

    assert (found.output_tokens, found.thinking_tokens) == (500, tokens)


@pytest.mark.parametrize(
    ("limit", "writes", "outputs", "thinking"),
    [
        (None, 16_000, 500, 1_050),
        (None, 1_000, 500, 500),
        (None, 400, 400, 0),
        (600, 16_000, 500, 100),
        (300, 16_000, 300, 0),
        (9_999, 700, 500, 200),
    ],
)
def test_thinking_has_the_room_the_answer_leaves(
    limit: int | None, writes: int, outputs: int, thinking: int
) -> None:
    thinker = model("m", thinking_factor=3.0, max_output=writes)
    found = estimate(thinker, request=ask("x", max_tokens=limit))

    assert (found.output_tokens, found.thinking_tokens) == (outputs, thinking)


def test_latency_is_the_first_token_and_the_rest_at_its_speed() -> None:
    prior = LatencyPrior(first_token_ms=400, tokens_per_second=50.0, basis="test")
    found = estimate(model("m", latency=prior, thinking_factor=1.0))

    assert found.latency_ms == 400 + 1_000 * (500 + 350) // 50
    assert found.latency_high_ms == 2 * found.latency_ms


@pytest.mark.parametrize(
    ("calls", "p95", "latency", "high"),
    [
        (0, None, 5_500, 11_000),
        (20, None, 3_250, 6_500),
        (20, 1_500, 3_250, 6_250),
        (180, 3_000, 1_450, 3_800),
    ],
)
def test_observed_latency_is_trusted_the_more_it_was_observed(
    calls: int, p95: int | None, latency: int, high: int
) -> None:
    known = Performance(calls=calls, latency_p50_ms=1_000, latency_p95_ms=p95)
    found = estimate(model("m"), state=seen(debugging=known))

    assert (found.latency_ms, found.latency_high_ms) == (latency, high)


def test_the_slow_end_is_never_faster_than_the_middle() -> None:
    known = Performance(calls=100_000, latency_p50_ms=9_000, latency_p95_ms=1)
    found = estimate(model("m"), state=seen(debugging=known))

    assert found.latency_high_ms == found.latency_ms > 8_900


def test_what_was_seen_on_the_task_goes_before_what_was_seen_in_general() -> None:
    one = model("m")
    task, general = Performance(successes=1), Performance(successes=2)

    def look(state: RoutingState) -> Performance | None:
        return observed(one, situation(catalog(one), state=state))

    assert look(seen(debugging=task, general=general)) == task
    assert look(seen(general=general)) == general
    assert look(seen(creative=task)) is None
    assert look(RoutingState(usable_providers=USABLE)) is None


@pytest.mark.parametrize(("ratio", "factor"), [(0.5, 0.5), (1.0, 1.0), (1.5, 1.5)])
def test_input_tokens_follow_the_observed_ratio(ratio: float, factor: float) -> None:
    plain = estimate(model("m")).input_tokens
    found = estimate(model("m"), state=seen(general=Performance(token_ratio=ratio)))

    assert found.input_tokens == pytest.approx(plain * factor, abs=1)


@pytest.mark.parametrize("current", ["m", "the-id", "other", None])
@pytest.mark.parametrize("cached", [0, 1_000, 10**9])
def test_a_warm_cache_counts_for_the_current_model_under_either_name(
    current: str | None, cached: int
) -> None:
    tier = price(1.0, 0.0).tiers[0]
    cheap = tier.model_copy(
        update={"rates": tier.rates.model_copy(update={"cache_read": 100_000_000})}
    )
    prices = (price(1.0, 0.0).model_copy(update={"tiers": (cheap,)}),)
    one = model("m", id="the-id", prices=prices)
    request = ask("word " * 2_000, current_model=current, cached_tokens=cached)
    found = estimate(one, request=request)

    warm = min(cached, found.input_tokens) if current in ("m", "the-id") else 0
    assert found.cost == (found.input_tokens - warm) * 1_000 + warm * 100


def rated(**ratings: int) -> ModelInfo:
    known = {Capability(name): rating for name, rating in ratings.items()}
    return model("m", capabilities=dict.fromkeys(Capability, 5) | known)


@pytest.mark.parametrize(
    ("task", "matters", "not_at_all"),
    [
        ("creative", "creativity", "coding"),
        ("math_logic", "reasoning", "creativity"),
        ("coordination", "tools", "vision"),
        ("long_document", "context", "coding"),
        ("multimodal", "vision", "coding"),
        ("my_own_task", "coding", "vision"),
    ],
)
def test_a_task_asks_for_its_own_abilities(task: str, matters: str, not_at_all: str) -> None:
    kind = {"task_type": task, "complexity": Complexity.COMPLEX}
    plain = estimate(rated(), kind=kind)

    assert estimate(rated(**{matters: 9}), kind=kind).fit > plain.fit
    assert estimate(rated(**{not_at_all: 9}), kind=kind).fit == plain.fit


@pytest.mark.parametrize(("level", "least"), [*zip(LEVELS, [5.0, 7.0, 8.5, 9.5], strict=True)])
def test_a_fit_is_whole_once_the_level_is_met(level: Complexity, least: float) -> None:
    for rating in range(1, 11):
        found = estimate(
            rated(creativity=rating), kind={"task_type": "creative", "complexity": level}
        )
        assert found.fit == pytest.approx(min(1.0, rating / least))


def test_a_preference_weighs_as_much_as_all_the_task_asks_for() -> None:
    request = ask("x", constraints=Constraints(prefers=(Capability.VISION,)))
    kind = {"task_type": "creative", "complexity": Complexity.SIMPLE}
    found = estimate(rated(creativity=10, vision=1), kind=kind, request=request)

    assert found.fit == pytest.approx((1 + 1 / 5) / 2)
    twice = Constraints(prefers=(Capability.CREATIVITY,))
    same = estimate(rated(creativity=1), kind=kind, request=ask("x", constraints=twice))
    assert same.fit == pytest.approx(1 / 5)


@given(st.floats(0.0, 1.0), st.sampled_from(LEVELS), st.sampled_from(["chat", "architecture"]))
def test_a_promise_is_never_certain(value: float, level: Complexity, task: str) -> None:
    found = estimate(
        model("m", quality=quality(value)), kind={"task_type": task, "complexity": level}
    )

    assert 0 < found.quality < 1
    extreme = estimate(model("m", quality=quality(min(max(value, 0.01), 0.99))), kind={
        "task_type": task, "complexity": level,
    })  # fmt: skip
    assert found.quality == extreme.quality


def test_an_ability_above_the_general_level_raises_the_promise() -> None:
    kind = {"task_type": "multimodal"}
    ranks = [estimate(rated(vision=rating), kind=kind).quality for rating in range(1, 11)]

    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 10


def test_what_was_seen_moves_history_and_not_the_promise() -> None:
    plain = estimate(model("m"))
    proven = estimate(model("m"), state=seen(debugging=Performance(successes=400)))

    assert plain.historical == pytest.approx(plain.quality)
    assert proven.quality == plain.quality
    assert proven.historical > plain.historical


@pytest.mark.parametrize(("level", "floor"), [*zip(LEVELS, [0.82, 0.84, 0.78, 0.76], strict=True)])
def test_each_level_has_its_floor_and_a_stated_minimum_replaces_it(
    level: Complexity, floor: float
) -> None:
    kind = classified(complexity=level)
    rows = catalog(model("m"))

    assert quality_floor(situation(rows, kind=kind)) == floor
    for least in (0.0, 0.3):
        asked = ask("x", constraints=Constraints(min_quality=least))
        assert quality_floor(situation(rows, kind=kind, request=asked)) == least


def names(*models: ModelInfo, **asked: Any) -> list[str]:
    field = rank(models, situation(catalog(*models), **asked))
    return [one.profile.model.name for one in field.ranked]


def test_ties_go_to_the_cheaper_and_then_by_name() -> None:
    free = Settings.model_validate({"weights": {"cost": 0.0, "quality": 1.0}})
    cheap = model("z", prices=(price(0.1, 0.1),))

    assert names(model("b"), model("a"), cheap, settings=free) == ["z", "a", "b"]
    assert names(model("b", prices=()), model("c"), settings=free) == ["c", "b"]


def test_cost_first_breaks_ties_of_price_by_score() -> None:
    request = ask("x", strategy="cost_first", constraints=Constraints(min_quality=0.1))
    better = model("z", quality=quality(0.9))

    assert names(model("a"), better, model("b"), request=request) == ["z", "a", "b"]


def test_below_the_floor_even_cost_first_goes_by_score() -> None:
    request = ask("x", strategy="cost_first")
    weak, weaker = model("weak", quality=quality(0.7)), model("weaker", quality=quality(0.2))
    cheaper = weaker.model_copy(update={"prices": (price(0.99, 3.99),)})

    assert names(cheaper, weak, request=request) == ["weak", "weaker"]


@pytest.mark.parametrize(
    ("usd", "part"), [(0.0, 1.0), (1.0, 0.0), (50.0, 0.0), (0.0002, 0.9186), (0.01, 0.5384)]
)
def test_the_cost_part_falls_from_one_to_nothing_at_a_dollar(usd: float, part: float) -> None:
    found = estimate(model("m"))._replace(cost=round(usd * 1e9))

    assert score_parts(found).cost == pytest.approx(part, abs=1e-4)


@pytest.mark.parametrize(
    ("ms", "part"), [(0, 1.0), (500, 0.8736), (5_000, 0.5628), (120_000, 0.0), (10**7, 0.0)]
)
def test_the_latency_part_falls_from_one_to_nothing_at_two_minutes(ms: int, part: float) -> None:
    found = estimate(model("m"))._replace(latency_ms=ms)

    assert score_parts(found).latency == pytest.approx(part, abs=1e-4)


@given(st.tuples(*[st.floats(0, 1)] * 5), st.tuples(*[st.floats(0, 0.2)] * 5))
def test_a_total_is_the_weighted_sum_of_the_parts(
    parts: tuple[float, ...], weights: tuple[float, ...]
) -> None:
    expected = sum(part * weight for part, weight in zip(parts, weights, strict=True))

    assert totals([PartScores(*parts)], PartScores(*weights)) == pytest.approx([expected])


def test_what_is_asked_of_a_models_thinking_beats_what_the_task_suggests() -> None:
    row = model("m", thinking_factor=1.0)
    found = [
        estimate(row, request=ask("Fix it", reasoning_effort=effort))
        for effort in ("none", "low", "medium", "high")
    ]
    tokens = [one.thinking_tokens for one in found]
    assert tokens[0] == 0
    assert tokens == sorted(set(tokens))
    costs = [one.cost or 0 for one in found]
    assert costs == sorted(set(costs))
