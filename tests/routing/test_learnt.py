"""What was learnt changes a choice only where it applies, and never leaves it half changed."""

from __future__ import annotations

from decimal import Decimal

from mcp_router.config.settings import Settings
from mcp_router.routing.decide import decide
from mcp_router.types import Capability, Decision, Learnt, RoutingState, Switch, Trying
from tests.builders import PROVIDERS, ask, catalog, model, price, situation

LESS = dict.fromkeys(Capability, 5)
ROWS = catalog(
    model("strong", prices=(price(10.0, 40.0),)),
    model("cheap", prices=(price(1.0, 4.0),), capabilities=LESS),
    model("tiny", prices=(price(0.1, 0.4),), capabilities=LESS),
)
ABLEST = {"capability": 1, "cost": 0, "quality": 0, "latency": 0, "historical": 0}
SWITCH = {"debugging": Switch(usual="strong", model="cheap", chance=0.8)}


def chosen(*, share: float = 0.0, left: str = "1", **learnt: object) -> Decision:
    trying = Trying(share=share, left_usd=Decimal(left), seed="s")
    given = Learnt.model_validate({"trying": trying, "parts": {"debugging": 0.05}, **learnt})
    state = RoutingState(usable_providers=frozenset(PROVIDERS), learnt=given)
    settings = Settings.model_validate({"weights": ABLEST})
    found = situation(ROWS, request=ask("Fix the bug"), settings=settings, state=state)
    return decide(found, decision_id="dec_0000000000000000")


def kind(decision: Decision) -> str:
    return "" if decision.learnt is None else decision.learnt.kind


def test_a_model_worth_it_is_tried_within_the_allowance() -> None:
    found = chosen(share=1.0)
    assert (found.model, kind(found)) == ("tiny", "explored")


def test_a_trial_that_is_too_dear_leaves_the_usual_model() -> None:
    found = chosen(share=1.0, left="0.000000001")
    assert (found.model, kind(found)) == ("strong", "usual")


def test_a_trial_that_is_too_dear_leaves_a_switch_in_force() -> None:
    found = chosen(share=1.0, left="0.000000001", switches=SWITCH)
    told = {kind(found): found.model}
    # One in ten requests stays with the usual model; this one need not be of them.
    assert told == {"switched": "cheap"}


def test_a_switch_from_another_usual_model_does_not_apply() -> None:
    switch = {"debugging": Switch(usual="gone", model="cheap", chance=0.8)}
    assert chosen(switches=switch).model == "strong"


def test_with_less_room_for_losses_fewer_requests_try_a_model_and_a_switch_ends() -> None:
    assert kind(chosen(share=1.0, room=0.5)) == "explored"
    few = chosen(share=1.0, room=0.2)
    assert few.learnt is not None
    assert (few.learnt.kind, few.learnt.propensity) == ("usual", 0.6)
    assert kind(chosen(share=1.0, room=0.0)) == "usual"
    held, ended = chosen(switches=SWITCH), chosen(switches=SWITCH, room=0.0)
    assert (held.model, ended.model) == ("cheap", "strong")
    assert ended.learnt is not None
    assert ended.learnt.failed
