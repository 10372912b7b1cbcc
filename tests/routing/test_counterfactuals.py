"""Counterfactuals: whatever is said to make another model win does so when it is tried."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.config.settings import Settings, TaskSettings, Weights
from mcp_router.errors import NoCandidateError
from mcp_router.routing.decide import decide
from mcp_router.routing.score import PART_NAMES
from mcp_router.routing.situation import Situation
from mcp_router.types import (
    Capability,
    Constraints,
    Decision,
    LatencyPrior,
    Need,
    RoutingState,
    Strategy,
)
from tests.builders import NOW, ask, catalog, classified, model, price, quality, situation

SEES = frozenset(Need)
BLIND = SEES - {Need.VISION}
CODER = dict.fromkeys(Capability, 7) | {Capability.CODING: 9}
ROWS = catalog(
    model("strong", provider="anthropic", quality=quality(0.95), prices=(price(5, 25),)),
    model("coder", provider="anthropic", capabilities=CODER, features=BLIND),
    model("middle", provider="google", quality=quality(0.85), prices=(price(1, 5),)),
    model("cheap", quality=quality(0.78), prices=(price(0.05, 0.2),), features=BLIND),
    model("small", quality=quality(0.6), prices=(price(0.01, 0.02),)),
    model("unpriced", quality=quality(0.9), prices=()),
)
NAMES = tuple(row.name for row in ROWS.models)
NOTHING_DENIED = {"models": (), "deny_models": (), "providers": (), "deny_providers": ()}
LIFTED: dict[str, dict[str, object]] = {
    "without max_cost_usd": {"max_cost_usd": None},
    "without max_latency_ms": {"max_latency_ms": None},
    "without min_quality": {"min_quality": None},
    "without min_context": {"min_context": None},
    "without your requirements": {"requires": (), "min_capabilities": {}},
    "if you allowed it": NOTHING_DENIED,
}


def tried(line: str, asked: Situation) -> tuple[str, str]:
    """The model that a counterfactual names, and the one that wins once it is tried."""
    match = re.fullmatch(r"(\S+) would win (.+?)(?:: .*)?\.", line)
    assert match is not None, line
    return match[1], decide(changed(match[1], match[2], asked), decision_id="d").model


def changed(rival: str, how: str, asked: Situation) -> Situation:
    if how in LIFTED:
        limits = asked.constraints.model_copy(update=LIFTED[how])
        return asked._replace(constraints=limits)
    if how == "among models whose key is set":
        usable = asked.state.usable_providers
        wanted = asked.constraints.providers or tuple(usable)
        only = {"providers": tuple(one for one in wanted if one in usable)}
        return asked._replace(constraints=asked.constraints.model_copy(update=only))
    if how == "with a larger budget":
        state = asked.state.model_copy(update={"budget_left_usd": None})
        return asked._replace(state=state)
    if how == "if it came first in the chain":
        chain = (rival, *asked.request.chain)
        return asked._replace(request=asked.request.model_copy(update={"chain": chain}))
    if how.startswith("with strategy "):
        strategy = Strategy(how.removeprefix("with strategy "))
        return asked._replace(request=asked.request.model_copy(update={"strategy": strategy}))
    if how == "if the conversation began anew":
        anew = asked.request.model_copy(update={"current_model": None})
        return asked._replace(request=anew)
    own: dict[str, object] = {"tasks": {}}
    if how == "without your default model":
        own = {"default_model": None}
    elif how != "without your choice for this task":
        weight = re.fullmatch(r"with weight (\w+) (\d\.\d\d) instead of \d\.\d\d", how)
        assert weight is not None, how
        weights = asked.settings.weights.model_dump() | {weight[1]: float(weight[2])}
        own = {"weights": Weights.model_validate(weights)}
    return asked._replace(settings=asked.settings.model_copy(update=own))


def checked(asked: Situation) -> Decision:
    """A decision all of whose counterfactuals were tried."""
    decision = decide(asked, decision_id="d")
    for line in decision.counterfactuals:
        rival, winner = tried(line, asked)
        assert (rival, rival != decision.model) == (winner, True), line
    return decision


def limits() -> st.SearchStrategy[Constraints]:
    some = {
        "max_cost_usd": st.sampled_from(["0.0005", "0.003", "0.02"]),
        "max_latency_ms": st.sampled_from([5_000, 8_000]),
        "min_quality": st.sampled_from([0.5, 0.9, 0.95]),
        "requires": st.sampled_from([("vision",), ("coding",)]),
        "min_capabilities": st.just({"coding": 9}),
        "deny_models": st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
        "providers": st.just(("anthropic",)),
    }
    return st.fixed_dictionaries({}, optional=some).map(Constraints.model_validate)


@settings(max_examples=300)
@given(
    limits=limits(),
    strategy=st.sampled_from(Strategy),
    chain=st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
    weights=st.tuples(*[st.integers(1, 9)] * 5),
    own=st.sampled_from(["", "task", "default"]),
    left=st.sampled_from([None, "0.0004", "0.01"]),
    keys=st.sets(st.sampled_from(["openai", "anthropic", "google"])),
    current=st.sampled_from([None, *NAMES]),
)
def test_every_counterfactual_holds_when_it_is_tried(
    limits: Constraints,
    strategy: Strategy,
    chain: list[str],
    weights: tuple[int, ...],
    own: str,
    left: str | None,
    keys: set[str],
    current: str | None,
) -> None:
    mine = Settings(
        weights=Weights.model_validate(dict(zip(PART_NAMES, weights, strict=True))),
        default_model="strong" if own == "default" else None,
        tasks={"debugging": TaskSettings(primary="strong")} if own == "task" else {},
    )
    state = RoutingState.model_validate({"usable_providers": keys, "budget_left_usd": left})
    asked = situation(
        ROWS,
        request=ask(
            "Fix it",
            strategy=strategy,
            constraints=limits,
            chain=tuple(chain),
            current_model=current,
        ),
        kind=classified(confidence=0.3 if own == "default" else 0.8),
        settings=mine,
        state=state,
    )
    with contextlib.suppress(NoCandidateError):
        checked(asked)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"max_cost_usd": "0.0005"}, "without max_cost_usd"),
        ({"deny_models": ("middle",)}, "if you allowed it"),
        ({"requires": ("coding",), "min_capabilities": {"coding": 8}}, "without your requirements"),
    ],
)
def test_a_limit_that_cost_the_winner_its_place_is_told_first(
    limits: dict[str, object], told: str
) -> None:
    asked = situation(ROWS, request=ask("Fix it", constraints=Constraints.model_validate(limits)))
    assert told in checked(asked).counterfactuals[0]


def test_a_limit_that_changes_nothing_is_not_told() -> None:
    first = decide(situation(ROWS), decision_id="d").model
    loser = next(name for name in NAMES if name != first)
    denied = ask("Fix it", constraints=Constraints(deny_models=(loser,)))
    lines = checked(situation(ROWS, request=denied)).counterfactuals
    assert not any("allowed" in line for line in lines)


def test_in_a_chain_only_its_order_and_its_limits_count() -> None:
    asked = situation(ROWS, request=ask("Fix it", chain=("small", "strong")))
    assert checked(asked).counterfactuals == ("strong would win if it came first in the chain.",)


def test_the_weights_of_other_strategies_are_not_one_s_own_to_change() -> None:
    asked = situation(ROWS, request=ask("Fix it", strategy="quality_first"))
    assert not any("weight" in line for line in checked(asked).counterfactuals)


@pytest.mark.parametrize(
    ("limits", "hint"),
    [
        ({"max_cost_usd": "0.0000001"}, "Raise max_cost_usd. The nearest is small: about $"),
        ({"min_quality": 1.0}, "Lower min_quality. The nearest is strong: predicted quality"),
        ({"min_context": 10**9}, "Lower min_context. The nearest is strong: holds 128,000 tokens"),
        (
            {"models": ("strong",), "deny_models": ("strong",)},
            "Allow more models or providers. The nearest is strong: you denied this model.",
        ),
        (
            {"models": ("strong",), "requires": ("vision",), "max_latency_ms": 1},
            "Raise max_latency_ms. The nearest is strong: about",
        ),
    ],
)
def test_a_dead_end_names_the_nearest_way_out(limits: dict[str, object], hint: str) -> None:
    asked = situation(ROWS, request=ask("Fix it", constraints=Constraints.model_validate(limits)))
    with pytest.raises(NoCandidateError) as caught:
        decide(asked, decision_id="d")
    assert caught.value.hint.startswith(hint)


def test_asking_only_for_a_retired_model_names_its_successor() -> None:
    rows = catalog(model("old", retires_on=NOW.date(), successor="new"), model("new"))
    request = ask("Fix it", constraints=Constraints(models=("old",)))
    with pytest.raises(NoCandidateError) as caught:
        decide(situation(rows, request=request), decision_id="d")
    assert caught.value.hint == (
        "Ask for a current model. old: retired on 2026-11-21; its successor is new."
    )


def test_asking_only_for_a_disabled_model_says_so() -> None:
    rows = ROWS.extended(disabled=("strong",))
    request = ask("Fix it", constraints=Constraints(models=("strong",)))
    with pytest.raises(NoCandidateError) as caught:
        decide(situation(rows, request=request), decision_id="d")
    assert caught.value.hint.startswith("strong: disabled in your settings")


def lines(asked: Situation) -> tuple[str, ...]:
    return checked(asked).counterfactuals


@pytest.mark.parametrize(
    ("limits", "left", "told"),
    [
        ({"max_cost_usd": "0.0005"}, None, "would win without max_cost_usd: about $"),
        ({"max_latency_ms": 600}, None, "would win without max_latency_ms: about "),
        ({"min_context": 200_000}, None, "would win without min_context: holds 128,000"),
        ({"requires": ("vision",)}, None, "would win without your requirements: cannot do vision"),
        ({"deny_providers": ("openai",)}, None, "would win if you allowed it: you denied"),
        ({}, "0.0005", "would win with a larger budget: about $"),
    ],
)
def test_every_rule_that_cost_the_better_model_its_place_is_told(
    limits: dict[str, object], left: str | None, told: str
) -> None:
    fast = LatencyPrior(first_token_ms=50, tokens_per_second=5_000.0, basis="test")
    better = model("better", quality=quality(0.97), features=BLIND, prices=(price(0.5, 2),))
    worse = model(
        "worse",
        provider="google",
        quality=quality(0.5),
        context=1_000_000,
        latency=fast,
        prices=(price(0, 0),),
    )
    state = RoutingState.model_validate(
        {"usable_providers": {"openai", "google"}, "budget_left_usd": left}
    )
    request = ask("Fix it", constraints=Constraints.model_validate(limits))
    asked = situation(catalog(better, worse), request=request, state=state)

    assert checked(asked).model == "worse"
    assert lines(asked)[0].startswith(f"better {told}")


def test_a_strategy_is_told_only_if_it_is_another_with_another_winner() -> None:
    dear = model("dear", quality=quality(0.97), prices=(price(20, 90),))
    cheap = model("cheap", quality=quality(0.93), prices=(price(0.01, 0.02),))
    told = [
        line
        for strategy in Strategy
        for line in lines(situation(catalog(dear, cheap), request=ask("Fix it", strategy=strategy)))
        if f"with strategy {strategy}." in line
    ]

    assert told == []


@pytest.mark.parametrize("heavy", ["quality", "historical"])
def test_a_weight_told_is_the_smallest_that_does(heavy: str) -> None:
    dear = model("dear", quality=quality(0.97), prices=(price(5, 25),), capabilities=CODER)
    cheap = model("cheap", quality=quality(0.9), prices=(price(0.05, 0.2),))
    rows = catalog(dear, cheap)
    own = Settings(weights=Weights.model_validate({heavy: 3.0}))
    asked = situation(rows, settings=own, kind=classified(complexity="simple"))
    winner = checked(asked).model
    told = [line for line in lines(asked) if "with weight" in line]

    assert told
    for line in told:
        found = re.search(r"weight (\w+) (\d\.\d\d) instead of (\d\.\d\d)", line)
        assert found is not None
        name, raised, was = found[1], float(found[2]), float(found[3])
        normal = asked.settings.weights.model_dump()
        assert normal[name] == pytest.approx(was, abs=0.006)
        assert raised > was
        less = Weights.model_validate({**normal, name: raised - 0.02})
        changed_ = asked.settings.model_copy(update={"weights": less})
        assert decide(asked._replace(settings=changed_), decision_id="d").model == winner


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("anthropic",), []),
        (("google",), ["middle would win among models whose key is set."]),
        (("google", "anthropic"), []),
        ((), []),
    ],
)
def test_without_the_key_of_the_winner_the_best_that_can_be_called_is_named(
    keys: tuple[str, ...], told: list[str]
) -> None:
    state = RoutingState.model_validate({"usable_providers": keys})
    asked = situation(ROWS, request=ask("Fix it", strategy="quality_first"), state=state)

    assert checked(asked).model == "strong"
    assert [line for line in lines(asked) if "whose key" in line] == told


def test_a_conversation_that_would_stay_is_not_said_to_leave() -> None:
    asked = situation(ROWS, request=ask("Fix it", strategy="quality_first"))
    before = [line for line in lines(asked) if " would win with strategy" in line]
    request = ask("Fix it", strategy="quality_first", current_model="strong", cached_tokens=9)
    running = situation(ROWS, request=request)

    assert before
    assert len([line for line in lines(running) if "with strategy" in line]) < len(before)


def test_the_order_is_not_told_where_the_default_would_step_in() -> None:
    tasks = {"debugging": TaskSettings(primary="small")}
    for confidence, default, told in [
        (0.2, "middle", False),
        (0.8, "middle", True),
        (0.2, None, True),
    ]:
        asked = situation(
            ROWS,
            settings=Settings(tasks=tasks, default_model=default),
            kind=classified(confidence=confidence),
        )
        found = any("without your choice" in line for line in lines(asked))
        assert found is told


def test_the_best_first_in_its_order_has_nothing_to_tell() -> None:
    best = decide(situation(ROWS), decision_id="d").model
    asked = situation(ROWS, request=ask("Fix it", chain=(best, "small")))

    assert lines(asked) == ()


def test_at_most_six_are_told_and_of_weights_three() -> None:
    many = [
        model(
            f"m{at:02}",
            quality=quality(0.97 - at / 200),
            prices=(price(10 / 2**at, 40 / 2**at),),
            latency=LatencyPrior(
                first_token_ms=2_000 // (at + 1), tokens_per_second=40.0 * (at + 1), basis="test"
            ),
        )
        for at in range(12)
    ]
    for weights in ({"quality": 5.0}, {"cost": 5.0}, {"latency": 5.0}, {"capability": 5.0}):
        own = Settings(weights=Weights.model_validate(weights))
        found = lines(situation(catalog(*many), settings=own))
        assert len(found) <= 6
        assert sum("with weight" in line for line in found) <= 3
        rivals = [line.split(" ")[0] for line in found if "with weight" in line]
        assert len(set(rivals)) == len(rivals)
