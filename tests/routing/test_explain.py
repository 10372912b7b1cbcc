"""What a decision says of itself: headline, reasons, warnings, estimates and confidence."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.settings import Settings, TaskSettings
from mcp_router.routing.decide import decide
from mcp_router.routing.rank import MAX_FALLBACKS
from mcp_router.types import Capability, Constraints, Decision, ModelInfo, RoutingState, Strategy
from tests.builders import NOW, ask, catalog, classified, model, price, quality, situation

USABLE = frozenset({"openai", "anthropic", "google"})
PLAIN = model("plain")


def decided(*models: ModelInfo, **asked: Any) -> Decision:
    return decide(situation(catalog(*models), **asked), decision_id="d")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"task_type": "debugging", "complexity": "medium"}, "for a medium debugging task:"),
        ({"task_type": "simple_task", "complexity": "simple"}, "for a simple task:"),
        ({"task_type": "code_review", "complexity": "complex"}, "for a complex code review task:"),
        ({"task_type": "my_own", "complexity": "critical"}, "for a critical my own task:"),
    ],
)
def test_the_headline_names_the_task_in_plain_words(kind: dict[str, Any], told: str) -> None:
    assert told in decided(PLAIN, kind=classified(**kind)).reason


@pytest.mark.parametrize(
    ("prices", "told"),
    [((), "price unknown."), ((price(0, 0),), "free."), ((price(1, 4),), "about $0.00201.")],
)
def test_the_headline_ends_in_the_price(prices: tuple[Any, ...], told: str) -> None:
    assert decided(model("m", prices=prices)).reason.endswith(told)


def test_the_first_reason_says_how_the_task_was_read() -> None:
    cues = tuple(f"cue {n}" for n in range(6))
    found = decided(PLAIN, kind=classified(cues=cues)).reasons[0]

    assert found == (
        "The task reads as debugging (medium, single_shot) with confidence 0.80:"
        " cue 0, cue 1, cue 2, cue 3."
    )
    bare = decided(PLAIN, kind=classified(cues=())).reasons[0]
    assert bare.endswith("with confidence 0.80.")


def test_the_score_is_told_part_by_part_the_largest_share_first() -> None:
    told = decided(PLAIN, request=ask("Fix it", strategy="latency_first")).reasons[1]

    assert told.startswith("Score 0.")
    assert " under latency_first: " in told
    shares = [part.split(" ")[1::2] for part in told.split(": ")[1].rstrip(".").split(", ")]
    products = [float(part) * float(weight) for part, weight in shares]
    assert len(products) == 5
    assert products == sorted(products, reverse=True)


@pytest.mark.parametrize(
    ("task", "prefers", "told"),
    [
        ("debugging", (), "coding 8, reasoning 5"),
        ("translation", (), "creativity 4, reasoning 5"),
        ("creative", (), "creativity 4"),
        ("architecture", (), "reasoning 5, coding 8, context 5"),
        ("my_own_task", (), "reasoning 5, coding 8"),
        ("creative", ("vision",), "creativity 4, vision 9"),
    ],
)
def test_the_ratings_told_are_those_that_the_task_goes_by(
    task: str, prefers: tuple[str, ...], told: str
) -> None:
    ratings = dict.fromkeys(Capability, 5) | {
        Capability.VISION: 9,
        Capability.CODING: 8,
        Capability.CREATIVITY: 4,
    }
    preferred = Constraints.model_validate({"prefers": prefers})
    found = decided(
        model("m", capabilities=ratings),
        kind=classified(task_type=task),
        request=ask("x", constraints=preferred),
    ).reasons[2]

    assert found.startswith(f"M is rated {told} of 10; quality 0.")
    assert found.endswith("from test.")


@pytest.mark.parametrize(("factor", "told"), [(0.0, False), (2.0, True)])
def test_use_is_told_with_hidden_reasoning_only_where_there_is_some(
    factor: float, told: bool
) -> None:
    found = decided(model("m", thinking_factor=factor)).reasons[3]

    assert "tokens in, 500 out" in found
    assert ("of hidden reasoning" in found) is told


def test_without_a_price_no_use_is_told() -> None:
    unpriced = decided(model("m", prices=()))

    assert not any(reason.startswith("About") for reason in unpriced.reasons)


def test_the_second_is_named_and_alone_there_is_none() -> None:
    both = decided(model("a", quality=quality(0.95)), model("b", quality=quality(0.9)))

    assert any(reason.startswith("Next is b with 0.") for reason in both.reasons)
    assert not any(reason.startswith("Next is") for reason in decided(PLAIN).reasons)


def test_where_the_cheapest_is_asked_for_the_next_is_told_by_its_price() -> None:
    rows = (
        model("a", quality=quality(0.95), prices=(price(1, 4),)),
        model("b", quality=quality(0.96), prices=(price(2, 8),)),
    )
    found = decided(*rows, request=ask("Fix it", strategy="cost_first"))

    price_told = [one for one in found.reasons if one.startswith("Next is b at $0.00")]
    assert (found.model, len(price_told)) == ("a", 1)


@pytest.mark.parametrize(("value", "warned"), [(0.3, True), (0.95, False)])
def test_a_model_that_is_likely_too_weak_is_warned_of(value: float, warned: bool) -> None:
    kind = classified(complexity="critical")
    found = decided(model("m", quality=quality(value)), kind=kind).warnings

    assert any(one.startswith("m is ") and "% sure to reach quality" in one for one in found) is (
        warned
    )


def test_nobody_warns_of_a_weak_model_that_was_chosen_before_a_good_one() -> None:
    weak, good = model("weak", quality=quality(0.3)), model("good", quality=quality(0.95))
    found = decided(weak, good, request=ask("x", chain=("weak", "good")))

    assert (found.model, found.warnings) == ("weak", ())


def test_a_better_score_that_promises_too_little_is_told() -> None:
    cheap = model("cheap", quality=quality(0.6), prices=(price(0, 0),))
    strong = model("strong", quality=quality(0.95), prices=(price(15, 75),))
    found = decided(cheap, strong, kind=classified(complexity="complex"))

    assert found.model == "strong"
    told = [reason for reason in found.reasons if reason.startswith("cheap scores")]
    assert len(told) == 1
    assert told[0].endswith("% sure to reach quality 0.78; 80% is asked.")


def test_a_worse_score_that_promises_too_little_is_not_told() -> None:
    weak = model("weak", quality=quality(0.2), prices=(price(15, 75),))
    strong = model("strong", quality=quality(0.95))

    assert not any("weak scores" in reason for reason in decided(weak, strong).reasons)


@pytest.mark.parametrize(("days", "warned"), [(1, True), (60, True), (61, False), (400, False)])
def test_a_retirement_within_sixty_days_is_announced(days: int, warned: bool) -> None:
    day = NOW.date() + timedelta(days=days)
    found = decided(model("m", retires_on=day)).warnings

    assert found == ((f"m retires on {day.isoformat()}.",) if warned else ())
    named = decided(model("m", retires_on=day, successor="n")).warnings
    assert bool(named) is warned
    assert all("(successor: n)" in one for one in named)


@pytest.mark.parametrize(("confidence", "unsure"), [(0.34, True), (0.35, False), (0.9, False)])
def test_an_unclear_task_is_warned_of(confidence: float, unsure: bool) -> None:
    found = decided(PLAIN, kind=classified(confidence=confidence)).warnings

    assert any("unclear" in one for one in found) is unsure


def test_an_unknown_price_is_warned_of() -> None:
    assert decided(model("m", prices=())).warnings == (
        "The price of m is unknown; set it in the config.",
    )


def test_the_estimate_is_half_and_double_the_output() -> None:
    thinker = model("m", thinking_factor=1.0, prices=(price(0, 4),))
    found = decided(thinker).estimated

    assert found.output_tokens == 500 + 350
    assert found.cost_usd == Decimal("0.0034")
    assert found.cost_low_usd == Decimal("0.0017")
    assert found.cost_high_usd == Decimal("0.0068")
    assert found.latency_low_ms == found.latency_ms // 2
    assert found.latency_high_ms == 2 * found.latency_ms


def test_without_a_price_there_is_no_range_of_costs() -> None:
    found = decided(model("m", prices=())).estimated

    assert (found.cost_low_usd, found.cost_usd, found.cost_high_usd) == (None, None, None)


@pytest.mark.parametrize("understood", [0.1, 0.5, 0.8])
def test_confidence_is_how_well_the_task_is_known_and_how_clearly_one_leads(
    understood: float,
) -> None:
    kind = classified(confidence=understood)
    twins = decided(model("a"), model("b"), kind=kind)
    ahead = decided(model("a", quality=quality(0.97)), model("b", quality=quality(0.3)), kind=kind)

    assert twins.confidence == pytest.approx(0.6 * understood)
    assert ahead.confidence == pytest.approx(understood)
    assert decided(PLAIN, kind=kind).confidence == pytest.approx(understood)


def test_whoever_is_not_good_enough_takes_nothing_from_a_clear_lead() -> None:
    cheap = model("cheap", quality=quality(0.6), prices=(price(0, 0),))
    strong = model("strong", quality=quality(0.95), prices=(price(15, 75),))
    found = decided(cheap, strong, kind=classified(complexity="complex", confidence=0.8))

    assert found.model == "strong"
    assert found.candidates[1].score > found.candidates[0].score
    assert found.confidence == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("other", "clear"),
    [((1, 4), 0.0), ((1.1, 4.4), 0.3636), ((2, 8), 1.0), ((0, 0), 1.0), (None, 1.0)],
)
def test_the_cheapest_leads_as_clearly_as_it_saves(
    other: tuple[float, float] | None, clear: float
) -> None:
    rows = (
        model("a", prices=(price(1, 4),), quality=quality(0.95)),
        model("b", prices=(price(*other),) if other else (), quality=quality(0.95)),
    )
    found = decided(*rows, request=ask("Fix it", strategy="cost_first"))

    assert found.model == ("b" if other == (0, 0) else "a")
    assert found.confidence == pytest.approx(0.8 * (0.6 + 0.4 * clear), abs=1e-3)


def test_two_free_models_are_no_clear_choice() -> None:
    rows = [model(name, prices=(price(0, 0),), quality=quality(0.95)) for name in "ab"]
    found = decided(*rows, request=ask("Fix it", strategy="cost_first"))

    assert found.confidence == pytest.approx(0.8 * 0.6)


def test_a_narrow_lead_gives_a_confidence_between() -> None:
    found = decided(model("a", quality=quality(0.95)), model("b", quality=quality(0.93)))
    lead = found.candidates[0].score - found.candidates[1].score

    assert 0 < lead < 0.05
    assert found.confidence == pytest.approx(0.8 * (0.6 + 0.4 * lead / 0.05), abs=2e-3)


def test_scores_and_parts_are_told_to_four_digits() -> None:
    first = decided(model("m", quality=quality(0.777777))).candidates[0]

    told = [first.score, first.quality, *first.parts.model_dump().values()]
    assert all(value == round(value, 4) for value in told)


@pytest.mark.parametrize(
    ("changes", "baseline"),
    [
        ({}, "strong"),
        ({"prices": ()}, "plain"),
        ({"retires_on": NOW.date()}, "plain"),
        ({"retires_on": NOW.date() + timedelta(days=1)}, "strong"),
    ],
)
def test_savings_are_told_against_the_strongest_model_that_can_be_had(
    changes: dict[str, Any], baseline: str
) -> None:
    strong = model("strong", **{"quality": quality(0.99), "prices": (price(15, 75),), **changes})
    found = decided(PLAIN, strong, request=ask("Fix it", chain=("plain",))).baseline

    assert found is not None
    assert found.model == baseline
    assert (found.saved_usd > 0) is (baseline == "strong")


def test_without_a_price_there_are_no_savings() -> None:
    strong = model("strong", quality=quality(0.99))
    unpriced = model("unpriced", prices=())

    assert decided(unpriced, strong, request=ask("x", chain=("unpriced",))).baseline is None
    assert decided(unpriced).baseline is None
    named = decided(PLAIN, unpriced, settings=Settings(baseline="unpriced"))
    assert named.baseline is None


PROVIDERS = st.sampled_from(["openai", "anthropic", "google"])


@given(st.lists(PROVIDERS, min_size=1, max_size=8), st.integers(0, 4), st.randoms())
def test_fallbacks_are_ones_own_then_others_and_nobody_comes_twice(
    providers: list[str], own: int, random: Any
) -> None:
    models = [
        model(f"m{at}", provider=name, quality=quality(0.9 + at / 100))
        for at, name in enumerate(providers)
    ]
    names = [one.name for one in models]
    order = random.sample(names, min(own, len(names)))
    tasks = (
        {"debugging": TaskSettings(primary=order[0], fallbacks=tuple(order[1:]))} if order else {}
    )
    found = decided(*models, settings=Settings(tasks=tasks))
    chosen = [found.model, *found.fallbacks]

    assert chosen[: len(order)] == order
    assert len(set(chosen)) == len(chosen)
    assert len(chosen) == min(len(models), max(len(order), 1 + MAX_FALLBACKS))
    of = dict(zip(names, providers, strict=True))
    used = {of[name] for name in chosen[: max(1, len(order))]}
    for name in chosen[max(1, len(order)) :]:
        fresh = set(providers) - used
        assert not fresh or of[name] in fresh
        used.add(of[name])


def test_a_second_choice_of_the_same_provider_neither_repeats_nor_hides_the_rest() -> None:
    rows = (
        model("a", quality=quality(0.9)),
        model("b", quality=quality(0.8)),
        model("c", provider="anthropic", quality=quality(0.85)),
        model("d", quality=quality(0.82)),
    )
    tasks = {"debugging": TaskSettings(primary="a", fallbacks=("b",))}

    assert decided(*rows, settings=Settings(tasks=tasks)).fallbacks == ("b", "c", "d")


@pytest.mark.parametrize(
    ("request_", "settings", "strategy"),
    [
        (ask("x"), Settings(), Strategy.BALANCED),
        (ask("x"), Settings(strategy=Strategy.COST_FIRST), Strategy.COST_FIRST),
        (
            ask("x", strategy="quality_first"),
            Settings(strategy=Strategy.COST_FIRST),
            Strategy.QUALITY_FIRST,
        ),
    ],
)
def test_the_strategy_of_the_request_goes_before_that_of_the_settings(
    request_: Any, settings: Settings, strategy: Strategy
) -> None:
    assert decided(PLAIN, request=request_, settings=settings).strategy is strategy


@pytest.mark.parametrize(
    ("confidence", "chosen"), [(0.34, "default"), (0.35, "best"), (0.36, "best")]
)
def test_the_default_steps_in_below_its_threshold_only(confidence: float, chosen: str) -> None:
    rows = (model("best", quality=quality(0.97)), model("default", quality=quality(0.5)))
    settings = Settings(default_model="default")

    assert decided(*rows, settings=settings, kind=classified(confidence=confidence)).model == chosen


@pytest.mark.parametrize(
    ("chain", "task", "default", "rule"),
    [
        (("b",), True, True, "First of your chain"),
        ((), True, True, "Your choice"),
        ((), False, True, "Your default"),
        ((), False, False, "Best score"),
    ],
)
def test_a_chain_goes_before_a_task_and_a_task_before_the_default(
    chain: tuple[str, ...], task: bool, default: bool, rule: str
) -> None:
    settings = Settings(
        tasks={"debugging": TaskSettings(primary="b")} if task else {},
        default_model="b" if default else None,
    )
    rows = (model("a"), model("b", quality=quality(0.7)))
    kind = classified(confidence=0.2)
    found = decided(*rows, request=ask("x", chain=chain), settings=settings, kind=kind)

    assert found.reason.startswith(rule)


def test_a_task_of_ones_own_without_a_first_choice_is_scored() -> None:
    tasks = {"debugging": TaskSettings(constraints=Constraints(min_quality=0.1))}

    assert decided(PLAIN, settings=Settings(tasks=tasks)).reason.startswith("Best score")


@pytest.mark.parametrize(
    ("provider", "usable", "key"),
    [
        ("anthropic", USABLE, None),
        ("anthropic", frozenset({"openai"}), "ANTHROPIC_API_KEY"),
        ("openai", frozenset[str](), "OPENAI_API_KEY"),
    ],
)
def test_the_key_still_to_be_set_is_named(
    provider: str, usable: frozenset[str], key: str | None
) -> None:
    found = decided(model("m", provider=provider), state=RoutingState(usable_providers=usable))

    assert found.needs_key == key


@pytest.mark.parametrize("successor", ["new", None])
def test_a_model_past_its_day_is_rejected_with_its_successor_if_it_has_one(
    successor: str | None,
) -> None:
    old = model("old", retires_on=date(2026, 1, 2), successor=successor)
    reason = decided(PLAIN, old).rejected[0].reason

    assert reason == "retired on 2026-01-02" + (
        f"; its successor is {successor}" if successor else ""
    )
