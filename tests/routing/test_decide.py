"""Decisions: deterministic, explained, in the person's own order where there is one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TypedDict, Unpack

import pytest

from mcp_router.config.settings import Settings, TaskSettings
from mcp_router.errors import NoCandidateError, UnknownModelError
from mcp_router.routing.decide import decide
from mcp_router.routing.situation import situate, understood_before
from mcp_router.types import (
    Classification,
    Constraints,
    Decision,
    Request,
    RoutingState,
    Strategy,
)
from tests.builders import NOW, ask, catalog, classified, model, price, quality, situation

STRONG = model("strong", provider="anthropic", quality=quality(0.95), prices=(price(5, 25),))
MIDDLE = model("middle", provider="google", quality=quality(0.85), prices=(price(1, 5),))
CHEAP = model("cheap", quality=quality(0.78), prices=(price(0.05, 0.2),))
OLD = model("old", retires_on=date(2025, 1, 1), successor="strong")
ROWS = catalog(STRONG, MIDDLE, CHEAP, OLD)


class Asked(TypedDict, total=False):
    request: Request
    kind: Classification
    settings: Settings
    state: RoutingState


def decided(**asked: Unpack[Asked]) -> Decision:
    return decide(situation(ROWS, **asked), decision_id="dec_1")


def test_the_same_situation_gives_the_same_decision() -> None:
    assert decided() == decided()


def test_a_decision_accounts_for_every_model() -> None:
    decision = decided()
    told = {one.model for one in decision.candidates} | {one.model for one in decision.rejected}
    assert told == {"strong", "middle", "cheap", "old"}
    assert decision.candidates[0].model == decision.model
    assert decision.fallbacks == tuple(one.model for one in decision.candidates[1:])


def test_the_best_dozen_tell_their_parts_and_the_rest_their_scores() -> None:
    many = [model(f"m{n:02}", quality=quality(0.7 + n / 100)) for n in range(20)]
    decision = decide(situation(catalog(*many)), decision_id="d")
    scores = [one.score for one in decision.candidates] + list(decision.others.values())
    assert (len(decision.candidates), len(decision.others)) == (12, 8)
    above = [one.model for one in decision.candidates if one.quality >= 0.9]
    assert above
    assert scores == sorted(scores, reverse=True)


def test_a_decision_survives_a_round_trip_through_json() -> None:
    decision = decided()
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_json_has_the_contracted_fields_and_no_noisy_numbers() -> None:
    told = decided().model_dump(mode="json")
    contracted = {
        "decision_id", "model", "provider", "task_type", "complexity", "pattern", "strategy",
        "confidence", "reason", "reasons", "estimated", "fallbacks", "candidates", "rejected",
        "counterfactuals",
    }  # fmt: skip
    assert contracted <= set(told)
    assert isinstance(told["estimated"]["cost_usd"], str)
    parts = {"capability", "cost", "quality", "latency", "historical"}
    assert set(told["candidates"][0]["parts"]) == parts


def test_easy_work_goes_to_the_cheap_model_and_hard_work_to_a_strong_one() -> None:
    assert decided(kind=classified(complexity="simple")).model == "cheap"
    assert decided(kind=classified(complexity="critical")).model == "strong"


def test_a_chain_is_followed_in_its_order_and_nothing_else_is_a_candidate() -> None:
    decision = decided(request=ask("Fix it", chain=("strong", "cheap")))
    assert (decision.model, decision.fallbacks) == ("strong", ("cheap",))
    assert "your chain" in decision.reason
    assert {one.model for one in decision.candidates} == {"strong", "cheap"}


def test_a_chain_skips_what_is_ruled_out() -> None:
    decision = decided(request=ask("Fix it", chain=("old", "cheap")))
    assert decision.model == "cheap"
    assert decision.rejected[0].model == "old"


def test_a_task_of_ones_own_takes_its_primary_then_its_fallbacks_then_the_rest() -> None:
    tasks = {"debugging": TaskSettings(primary="strong", fallbacks=("cheap",))}
    decision = decided(settings=Settings(tasks=tasks))
    assert (decision.model, decision.fallbacks) == ("strong", ("cheap", "middle"))
    assert decision.reason.startswith("Your choice")


def test_the_minimum_quality_of_a_task_is_kept() -> None:
    tasks = {"debugging": TaskSettings(min_quality=0.97)}
    decision = decided(settings=Settings(tasks=tasks))
    assert decision.model == "strong"
    assert {one.filter for one in decision.rejected} == {"min_quality", "retired"}


def test_the_default_model_is_taken_when_the_task_is_unclear() -> None:
    settings = Settings(default_model="strong")
    assert decided(settings=settings).model != "strong"
    unclear = decided(settings=settings, kind=classified(confidence=0.2))
    assert unclear.model == "strong"
    assert "unclear" in unclear.reason
    assert any("unclear" in warning for warning in unclear.warnings)


def test_no_model_left_names_the_rule_and_an_example() -> None:
    impossible = ask("Fix it", constraints=Constraints(min_quality=1.0))
    with pytest.raises(NoCandidateError) as caught:
        decided(request=impossible)
    assert len(caught.value.rejected) == 4
    assert "min_quality" in caught.value.hint


def test_only_retired_models_says_so() -> None:
    with pytest.raises(NoCandidateError, match="Ask for a current model"):
        decided(request=ask("Fix it", chain=("old",)))


@pytest.mark.parametrize("place", ["chain", "models", "deny_models"])
def test_a_wrong_name_is_told_wherever_it_stands(place: str) -> None:
    wrong: dict[str, object] = {place: ("strnog",)}
    changes = wrong if place == "chain" else {"constraints": wrong}
    with pytest.raises(UnknownModelError, match="strong"):
        decided(request=ask("Fix it", **changes))


def test_contradictory_constraints_leave_no_model() -> None:
    both = Constraints(models=("strong",), deny_models=("strong",))
    with pytest.raises(NoCandidateError, match="you denied this model"):
        decided(request=ask("Fix it", constraints=both))


def test_a_request_may_loosen_a_limit_but_not_lift_a_ban() -> None:
    settings = Settings(constraints=Constraints(min_quality=0.99, deny_models=("strong",)))
    loose = Constraints(min_quality=0.1, deny_models=("cheap",))
    decision = decided(settings=settings, request=ask("Fix it", constraints=loose))
    assert decision.model == "middle"


def test_savings_are_told_against_the_strongest_model_or_the_one_named() -> None:
    easy = classified(complexity="simple")
    against_best = decided(kind=easy).baseline
    assert against_best is not None
    assert against_best.model == "strong"
    assert against_best.saved_usd > 0
    named = decided(kind=easy, settings=Settings(baseline="cheap")).baseline
    assert named is not None
    assert named.saved_usd == Decimal(0)


def test_a_missing_key_is_named() -> None:
    state = RoutingState(usable_providers=frozenset({"anthropic"}))
    assert decided(state=state, request=ask("x", chain="cheap")).needs_key == "OPENAI_API_KEY"
    assert decided(state=state, request=ask("x", chain="strong")).needs_key is None


def test_a_model_that_retires_soon_is_announced() -> None:
    soon = model("soon", retires_on=date(2026, 12, 11), successor="later")
    decision = decide(situation(catalog(soon, model("later"))), decision_id="d")
    warned = [one for one in decision.warnings if "soon retires on 2026-12-11" in one]
    assert bool(warned) == (decision.model == "soon")
    assert decide(situation(catalog(soon)), decision_id="d").warnings[0].startswith("soon retires")


def test_all_candidates_tell_their_parts_when_debugging() -> None:
    many = [model(f"m{n:02}") for n in range(20)]
    decision = decide(situation(catalog(*many), settings=Settings(debug=True)), decision_id="d")
    assert (len(decision.candidates), len(decision.others)) == (20, 0)


def test_the_reason_is_true_of_the_ranking() -> None:
    assert decided().reason.startswith("Best trade for")
    cheapest = decided(request=ask("Fix the login bug", strategy="cost_first"))
    assert cheapest.reason.startswith("Cheapest that is good enough for")
    alone = decide(situation(catalog(STRONG)), decision_id="d")
    assert alone.reason.startswith("Best score for")


def test_a_winner_below_what_is_wanted_says_so() -> None:
    poor = decide(situation(catalog(model("poor", quality=quality(0.3)))), decision_id="d")
    assert "It is 0% sure to reach quality 0.84; 80% is asked." in poor.reasons


def test_a_model_that_costs_nothing_is_called_free() -> None:
    free = decide(situation(catalog(model("home", prices=(price(0, 0),)))), decision_id="d")
    assert free.reason.endswith(", free.")


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_recorded_decision_is_made_again_from_its_record(strategy: Strategy) -> None:
    first = decided(request=ask("Fix the login bug in auth.py", strategy=strategy))
    stored = Decision.model_validate_json(first.model_dump_json())
    assert stored.request.messages == ()
    again = situate(
        understood_before(stored),
        settings=Settings(),
        catalog=ROWS,
        state=RoutingState(usable_providers=frozenset({"openai", "anthropic", "google"})),
        now=NOW,
    )
    assert decide(again, decision_id="dec_1") == first


def test_estimates_have_ranges_around_them() -> None:
    estimated = decided().estimated
    assert estimated.cost_low_usd is not None
    assert estimated.cost_usd is not None
    assert estimated.cost_high_usd is not None
    assert estimated.cost_low_usd < estimated.cost_usd < estimated.cost_high_usd
    assert estimated.latency_low_ms < estimated.latency_ms < estimated.latency_high_ms


def test_a_record_keeps_nothing_of_what_was_said() -> None:
    secret = "zanzibar"
    request = ask(
        f"Fix {secret}",
        tools=({"name": secret, "parameters": {"a": secret}},),
        response_schema={"title": secret},
        stop=(secret,),
    )

    assert secret not in decided(request=request).model_dump_json()
