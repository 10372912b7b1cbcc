"""Dead ends: the rule that stands in the way, and the model that misses it by least."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_router.errors import NoCandidateError
from mcp_router.routing.decide import decide
from mcp_router.types import Capability, Constraints, LatencyPrior, ModelInfo, Need, RoutingState
from tests.builders import NOW, ask, catalog, classified, model, price, quality, situation

SLOW = LatencyPrior(first_token_ms=9_000, tokens_per_second=10.0, basis="test")
NEAR = model("near", quality=quality(0.85), prices=(price(0.5, 2),), context=50_000)
FAR = model("far", latency=SLOW, quality=quality(0.6), context=9_000)
USABLE = frozenset({"openai", "anthropic", "google"})


def hint(*models: ModelInfo, limits: dict[str, Any] | None = None, **asked: Any) -> str:
    """The way out that is told when every model is ruled out."""
    constraints = Constraints.model_validate(limits or {})
    changes = asked.pop("changes", {})
    request = ask("Fix it", constraints=constraints, **changes)
    with pytest.raises(NoCandidateError) as caught:
        decide(situation(catalog(*models), request=request, **asked), decision_id="d")
    return caught.value.hint


@pytest.mark.parametrize("models", [(NEAR, FAR), (FAR, NEAR)])
@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ({"limits": {"max_cost_usd": "0"}}, "Raise max_cost_usd. The nearest is near: about $"),
        ({"limits": {"max_latency_ms": 1}}, "Raise max_latency_ms. The nearest is near: about 5,"),
        ({"limits": {"min_quality": 1.0}}, "Lower min_quality. The nearest is near: predicted"),
        ({"limits": {"min_context": 99_999}}, "Lower min_context. The nearest is near: holds 50"),
        (
            {"changes": {"context_tokens": 60_000}},
            "Send less at a time. The nearest is near: holds 50,000 tokens, this request",
        ),
        (
            {"limits": {"min_capabilities": {"coding": 9}}},
            "Require less. The nearest is near: coding is rated 7, your minimum is 9.",
        ),
        (
            {"limits": {"deny_providers": ("openai",)}},
            "Allow more models or providers. The nearest is near: you denied the provider openai.",
        ),
        (
            {
                "state": RoutingState.model_validate(
                    {"usable_providers": USABLE, "budget_left_usd": "0"}
                )
            },
            "Raise the budget or add a free local model. The nearest is near: about $",
        ),
        (
            {"state": RoutingState(require_credentials=True)},
            "Set a key. The nearest is near: no key for openai; set OPENAI_API_KEY.",
        ),
        (
            {
                "state": RoutingState(
                    usable_providers=USABLE, blocked={"near": "cooling", "far": "cooling"}
                )
            },
            "Try again later. The nearest is near: cooling.",
        ),
    ],
)
def test_the_advice_names_the_rule_and_the_nearest_model(
    models: tuple[ModelInfo, ...], asked: dict[str, Any], start: str
) -> None:
    assert hint(*models, **asked).startswith(start)


def test_an_unpriced_model_is_the_farthest_from_a_limit_of_cost() -> None:
    unpriced = model("unpriced", prices=(), quality=quality(0.99))

    assert "The nearest is far" in hint(unpriced, FAR, limits={"max_cost_usd": "0"})


def test_the_rule_that_stops_most_models_is_told() -> None:
    blind = model("blind", features=frozenset(Need) - {Need.VISION})
    stopped = {"requires": ("vision",), "max_cost_usd": "0"}

    assert hint(NEAR, FAR, blind, limits=stopped).startswith("Raise max_cost_usd")
    also = blind.model_copy(update={"name": "also"})
    third = blind.model_copy(update={"name": "third"})
    assert hint(NEAR, FAR, blind, also, third, limits=stopped).startswith("Require less")


def test_models_that_were_denied_count_only_where_all_were() -> None:
    limits = {"deny_models": ("far", "other"), "max_cost_usd": "0"}

    assert hint(NEAR, FAR, model("other"), limits=limits).startswith("Raise max_cost_usd")


def test_of_the_models_asked_for_the_nearest_is_told_and_no_other() -> None:
    limits = {"models": ("far",), "max_latency_ms": 1}

    assert hint(NEAR, FAR, limits=limits).startswith("Raise max_latency_ms. The nearest is far")


def test_models_that_are_gone_are_not_the_nearest() -> None:
    gone = model("gone", quality=quality(0.99), retires_on=NOW.date())

    assert "The nearest is far" in hint(gone, FAR, limits={"min_quality": 1.0})
    assert hint(gone) == "Ask for a current model. gone: retired on 2026-11-21."


def test_at_most_three_gone_models_are_listed() -> None:
    gone = [model(f"g{n}", retires_on=NOW.date()) for n in range(5)]

    assert hint(*gone).count("retired on") == 3


def test_an_empty_catalogue_has_no_way_out_to_name() -> None:
    assert hint() == "Ask for a current model."


def test_a_disabled_model_beside_another_is_not_blamed() -> None:
    rows = catalog(NEAR, FAR).extended(disabled=("far",))
    limits = Constraints.model_validate({"models": ("near", "far"), "min_quality": 1.0})
    with pytest.raises(NoCandidateError) as caught:
        decide(situation(rows, request=ask("x", constraints=limits)), decision_id="d")

    assert caught.value.hint.startswith("Lower min_quality. The nearest is near")


def test_what_the_request_needs_is_told_as_a_need() -> None:
    blind = model("blind", features=frozenset[Need]())
    found = hint(blind, kind=classified(needs=(Need.VISION,)))

    assert (
        found == "Require less. The nearest is blind: cannot do vision, which this request needs."
    )


def test_a_required_rating_is_told_with_the_rating_there_is() -> None:
    ratings = dict.fromkeys(Capability, 7) | {Capability.CREATIVITY: 6}
    found = hint(model("m", capabilities=ratings), limits={"requires": ("creativity",)})

    assert found.endswith("The nearest is m: creativity is rated 6, required is 7.")


@pytest.mark.parametrize(
    ("limits", "nearest"),
    [
        ({"max_latency_ms": 1}, "quick"),
        ({"min_context": 10**9}, "wide"),
        ({"min_quality": 1.0}, "good"),
        ({"max_cost_usd": "0"}, "cheap"),
    ],
)
def test_each_rule_measures_nearness_in_its_own_unit(limits: dict[str, Any], nearest: str) -> None:
    quick = LatencyPrior(first_token_ms=10, tokens_per_second=1_000.0, basis="test")
    rows = (
        model("good", quality=quality(0.95), prices=(price(9, 9),)),
        model("quick", latency=quick, prices=(price(9, 9),)),
        model("wide", context=1_000_000, prices=(price(9, 9),)),
        model("cheap", prices=(price(0.1, 0.1),)),
    )

    assert f"The nearest is {nearest}:" in hint(*rows, limits=limits)
