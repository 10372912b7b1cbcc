"""Filters: each rules out what it should, says why, and nothing slips past it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.settings import BudgetSettings, Settings
from mcp_router.routing.filters import (
    FILTER_NAMES,
    filters_of,
    rejection_after_estimate,
    rejection_before_estimate,
)
from mcp_router.routing.profile import demand_of, profile
from mcp_router.routing.rank import rank
from mcp_router.types import Capability, Constraints, ModelInfo, Need, Rejection, RoutingState
from tests.builders import NOW, ask, catalog, classified, model, price, quality, situation


def rejection_of(one: ModelInfo, **asked: object) -> Rejection | None:
    """The rejection of a model under these constraints, None when it passes."""
    request = ask("Fix the login bug", constraints=Constraints.model_validate(asked))
    field = rank([one], situation(catalog(one), request=request))
    return field.rejected[0] if field.rejected else None


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"deny_models": ("m",)}, "denied"),
        ({"deny_providers": ("openai",)}, "denied"),
        ({"providers": ("google",)}, "denied"),
        ({"requires": ("vision",)}, "requires"),
        ({"requires": ("creativity",)}, "requires"),
        ({"min_capabilities": {"coding": 8}}, "requires"),
        ({"min_context": 200_000}, "context"),
        ({"max_cost_usd": "0.0001"}, "max_cost"),
        ({"max_latency_ms": 100}, "max_latency"),
        ({"min_quality": 0.99}, "min_quality"),
    ],
)
def test_each_constraint_rules_a_model_out_and_names_itself(
    asked: dict[str, object], rule: str
) -> None:
    ratings = dict.fromkeys(Capability, 7) | {Capability.CREATIVITY: 3}
    plain = model("m", features=frozenset(), capabilities=ratings)
    assert rejection_of(plain) is None
    found = rejection_of(plain, **asked)
    assert found is not None
    assert found.filter == rule
    assert found.reason


def test_a_model_is_gone_from_the_day_it_retires_and_its_successor_is_named() -> None:
    today = model("m", retires_on=NOW.date(), successor="n")
    tomorrow = model("m", retires_on=date(2026, 11, 22))
    found = rejection_of(today)
    assert found is not None
    assert found.reason == "retired on 2026-11-21; its successor is n"
    assert rejection_of(tomorrow) is None


def test_a_list_of_models_allows_only_those() -> None:
    rows = catalog(model("a"), model("b"))
    request = ask("Fix it", constraints=Constraints(models=("b",)))
    field = rank(rows.models, situation(rows, request=request))
    assert [one.profile.model.name for one in field.ranked] == ["b"]


def test_a_missing_key_matters_for_running_but_not_for_a_recommendation() -> None:
    one = model("m")
    rows = catalog(one)
    asked = situation(rows, state=RoutingState())
    run = situation(rows, state=RoutingState(require_credentials=True))
    assert rank([one], asked).rejected == ()
    assert rank([one], run).rejected[0].reason == "no key for openai; set OPENAI_API_KEY"


def test_a_local_server_nobody_set_up_is_never_recommended() -> None:
    local = model("m", provider="ollama", local=True)
    found = rank([local], situation(catalog(local))).rejected[0]
    assert (found.filter, "ollama is not set up" in found.reason) == ("credentials", True)


def test_a_blocked_model_is_left_out_with_the_reason_it_is_blocked_for() -> None:
    one = model("m")
    state = RoutingState(usable_providers=frozenset({"openai"}), blocked={"m": "cooling down"})
    assert rank([one], situation(catalog(one), state=state)).rejected == (
        Rejection(model="m", filter="unavailable", reason="cooling down"),
    )


@pytest.mark.parametrize("need", [Need.VISION, Need.TOOLS, Need.JSON])
def test_what_the_request_needs_is_required_without_being_asked_for(need: Need) -> None:
    without = model("m", features=frozenset(Need) - {need})
    field = rank([without], situation(catalog(without), kind=classified(needs=(need,))))
    assert field.rejected[0].reason == f"cannot do {need}, which this request needs"


def test_the_window_must_hold_the_prompt_with_a_margin_and_the_answer() -> None:
    prompt = "word " * 3_000
    tight, roomy = model("tight", context=4_000), model("roomy", context=5_000)
    rows = catalog(tight, roomy)
    field = rank(rows.models, situation(rows, request=ask(prompt, max_tokens=1_000)))
    assert [one.profile.model.name for one in field.ranked] == ["roomy"]
    assert "this request may need" in field.rejected[0].reason


def test_stated_context_counts_against_the_window() -> None:
    one = model("m")
    field = rank([one], situation(catalog(one), request=ask("Go on", context_tokens=150_000)))
    assert field.rejected[0].filter == "context"


def test_an_answer_longer_than_the_model_gives_is_refused() -> None:
    one = model("m", max_output=1_000)
    field = rank([one], situation(catalog(one), request=ask("Go on", max_tokens=1_001)))
    assert field.rejected[0].reason == "answers at most 1,000 tokens, asked for 1,001"


def test_an_unknown_price_cannot_keep_a_limit_and_a_free_model_is_never_blocked() -> None:
    unknown, free = model("unknown", prices=()), model("free", prices=(price(0, 0),))
    found = rejection_of(unknown, max_cost_usd="5")
    assert found is not None
    assert "unknown" in found.reason
    assert rejection_of(free, max_cost_usd="0") is None


def test_a_spent_budget_stops_paid_models_and_lets_free_ones_through() -> None:
    paid, free = model("paid"), model("free", prices=(price(0, 0),))
    unknown = model("unknown", prices=())
    rows = catalog(paid, free, unknown)
    spent = RoutingState.model_validate({"usable_providers": {"openai"}, "budget_left_usd": "0"})
    field = rank(rows.models, situation(rows, state=spent))
    assert [one.profile.model.name for one in field.ranked] == ["free"]
    assert {one.filter for one in field.rejected} == {"budget"}
    allowing = Settings(budget=BudgetSettings(on_unknown_price="allow"))
    field = rank(rows.models, situation(rows, state=spent, settings=allowing))
    assert {one.profile.model.name for one in field.ranked} == {"free", "unknown"}


@given(
    value=st.floats(0.05, 0.95),
    least=st.floats(0.0, 1.0),
    usd=st.integers(0, 100_000),
    context=st.integers(1, 2_000_000),
)
def test_whatever_passes_satisfies_every_constraint(
    value: float, least: float, usd: int, context: int
) -> None:
    one = model("m", quality=quality(value), context=context)
    limits = Constraints.model_validate({"max_cost_usd": usd / 1e6, "min_quality": least})
    around = situation(catalog(one), request=ask("Fix the bug", constraints=limits))
    field = rank([one], around)
    estimate = profile(one, demand_of(around))
    fits = (
        estimate.quality >= least
        and (estimate.cost or 0) <= usd * 1_000
        and round(estimate.input_tokens * 1.15) + estimate.output_tokens <= context
    )
    assert bool(field.ranked) == fits
    assert len(field.ranked) + len(field.rejected) == 1


def passes(one: ModelInfo, **asked: object) -> bool:
    return rejection_of(one, **asked) is None


def test_each_limit_is_kept_to_the_point() -> None:
    one = model("m", context=50_000)
    estimate = profile(one, demand_of(situation(catalog(one), request=ask("Fix the login bug"))))
    assert estimate.cost is not None
    usd = Decimal(estimate.cost) / 10**9

    assert passes(one, min_context=50_000)
    assert not passes(one, min_context=50_001)
    assert passes(one, max_cost_usd=str(usd))
    assert not passes(one, max_cost_usd=str(usd - Decimal("0.000001")))
    assert passes(one, max_latency_ms=estimate.latency_ms)
    assert not passes(one, max_latency_ms=estimate.latency_ms - 1)
    assert passes(one, min_quality=estimate.quality)
    assert not passes(one, min_quality=estimate.quality + 1e-6)
    assert passes(one, min_capabilities={"coding": 7})
    assert not passes(one, min_capabilities={"coding": 8})
    assert passes(one, requires=("coding",))


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (-1, False)])
def test_a_budget_is_spent_to_the_point(extra: int, fits: bool) -> None:
    one = model("m")
    cost = profile(one, demand_of(situation(catalog(one)))).cost
    assert cost is not None
    left = Decimal(cost + extra) / 10**9
    state = RoutingState.model_validate(
        {"usable_providers": {"openai"}, "budget_left_usd": str(left)}
    )

    assert bool(rank([one], situation(catalog(one), state=state)).ranked) is fits


@pytest.mark.parametrize(("asked", "fits"), [(16_000, True), (16_001, False)])
def test_an_answer_may_be_as_long_as_the_model_writes(asked: int, fits: bool) -> None:
    one = model("m", max_output=16_000)
    field = rank([one], situation(catalog(one), request=ask("x", max_tokens=asked)))

    assert bool(field.ranked) is fits


def test_thinking_takes_its_place_in_the_window() -> None:
    plain, thinker = model("plain", context=700), model("thinker", context=700, thinking_factor=2.0)
    rows = catalog(plain, thinker)
    field = rank(rows.models, situation(rows))

    assert [one.profile.model.name for one in field.ranked] == ["plain"]
    assert field.rejected[0].filter == "context"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"deny_models": ("m",)}, "you denied this model"),
        ({"deny_providers": ("openai",)}, "you denied the provider openai"),
        ({"models": ("n",)}, "not among the models you allow"),
        ({"providers": ("google",)}, "not from a provider you allow"),
        ({"models": ("m",), "providers": ("openai",)}, None),
        ({"deny_models": ("n",), "deny_providers": ("google",)}, None),
        ({"models": ("m",), "deny_models": ("m",)}, "you denied this model"),
    ],
)
def test_a_ban_goes_before_a_list_of_those_allowed(
    asked: dict[str, object], reason: str | None
) -> None:
    one = model("m")
    request = ask("x", constraints=Constraints.model_validate(asked))
    rejected = rank([one], situation(catalog(one, model("n")), request=request)).rejected

    assert [found.reason for found in rejected] == ([reason] if reason else [])


@pytest.mark.parametrize("usable", [True, False])
@pytest.mark.parametrize("required", [True, False])
def test_a_key_is_asked_for_only_where_calls_are_made(usable: bool, required: bool) -> None:
    one = model("m")
    providers = frozenset({"openai"}) if usable else frozenset[str]()
    state = RoutingState(usable_providers=providers, require_credentials=required)

    assert bool(rank([one], situation(catalog(one), state=state)).ranked) is (
        usable or not required
    )


def test_filters_are_applied_in_the_order_of_their_names() -> None:
    ratings = dict.fromkeys(Capability, 5)
    worst = model("m", retires_on=date(2025, 1, 1), capabilities=ratings, context=10)
    asked: dict[str, object] = {
        "deny_models": ("m",),
        "min_capabilities": {"coding": 9},
        "max_cost_usd": "0",
        "max_latency_ms": 1,
        "min_quality": 1.0,
    }
    cures: list[tuple[str, dict[str, object]]] = [
        ("retired", {"retires_on": None}),
        ("denied", {}),
        ("requires", {"capabilities": dict.fromkeys(Capability, 9)}),
        ("context", {"context": 128_000}),
        ("max_cost", {"prices": (price(0, 0),)}),
        ("max_latency", {}),
        ("min_quality", {}),
    ]
    lifted = {"denied": "deny_models", "max_latency": "max_latency_ms"}
    told: list[str] = []
    for rule, cure in cures:
        found = rejection_of(worst, **asked)
        assert found is not None
        told.append(found.filter)
        worst = worst.model_copy(update=cure)
        asked.pop(lifted.get(rule, ""), None)

    assert told == [rule for rule, _ in cures]
    assert [name for name in FILTER_NAMES if name in told] == told


limits = st.fixed_dictionaries(
    {},
    optional={
        "max_cost_usd": st.sampled_from(["0", "0.001", "1"]),
        "max_latency_ms": st.sampled_from([100, 60_000]),
        "min_quality": st.sampled_from([0.1, 0.99]),
        "min_context": st.sampled_from([1, 2_000_000]),
        "requires": st.sampled_from([("vision",), ("coding",)]),
        "min_capabilities": st.sampled_from([{"coding": 1}, {"coding": 10}]),
        "models": st.sampled_from([("m",), ("other",)]),
        "deny_models": st.sampled_from([("m",), ("other",)]),
        "providers": st.just(("google",)),
        "deny_providers": st.just(("openai",)),
    },
)
states = st.fixed_dictionaries(
    {},
    optional={
        "blocked": st.just({"m": "it fails"}),
        "budget_left_usd": st.just(Decimal("0.000001")),
        "usable_providers": st.just(frozenset({"openai"})),
        "require_credentials": st.booleans(),
    },
)


@given(asked=limits, state=states, needs=st.sampled_from([(), (Need.CODE,), (Need.VISION,)]))
def test_filters_left_out_of_a_situation_would_not_have_ruled_out_anything(
    asked: dict[str, object], state: dict[str, object], needs: tuple[Need, ...]
) -> None:
    one = model("m", features=frozenset[Need]())
    around = situation(
        catalog(one, model("other")),
        request=ask("Fix the login bug", constraints=Constraints.model_validate(asked)),
        kind=classified(needs=needs),
        state=RoutingState.model_validate(state),
    )
    filters, estimate = filters_of(around), profile(one, demand_of(around))
    early = rejection_before_estimate(one, around)
    late = rejection_after_estimate(estimate, around)

    assert rejection_before_estimate(one, around, filters=filters) == early
    assert rejection_after_estimate(estimate, around, filters=filters) == late
