"""A running conversation stays with its model unless another is worth leaving its warm cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mcp_router.config.settings import Settings, TaskSettings
from mcp_router.routing.conversation import SWITCH_GAIN, SWITCH_SAVING
from mcp_router.routing.decide import decide
from mcp_router.types import (
    Constraints,
    Decision,
    ModelInfo,
    Price,
    PriceTier,
    Rates,
    RoutingState,
    Strategy,
)
from tests.builders import ask, catalog, classified, model, price, quality, situation

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HARD = {"complexity": "complex"}


def cached_price(usd_in: float, usd_out: float) -> Price:
    """A tenth of the input price for what is read from the cache."""
    whole = round(usd_in * 1e9)
    rates = Rates(input=whole, output=round(usd_out * 1e9), cache_read=whole // 10)
    return Price(tiers=(PriceTier(rates=rates),))


FINE = model("fine", provider="anthropic", quality=quality(0.92), prices=(cached_price(3, 12),))
NEAR = model("near", quality=quality(0.92), prices=(cached_price(2.5, 12),))
TINY = model("tiny", provider="google", quality=quality(0.6), prices=(cached_price(0.05, 0.2),))


def decided(
    rows: Sequence[ModelInfo], *, kind: dict[str, Any] | None = None, **asked: Any
) -> Decision:
    own = {name: asked.pop(name) for name in ("settings", "state") if name in asked}
    request = ask("Fix the login bug", **asked)
    where = situation(catalog(*rows), request=request, kind=classified(**kind or {}), **own)
    return decide(where, decision_id="dec_1")


def test_a_conversation_stays_where_another_is_hardly_better() -> None:
    fresh = decided([FINE, NEAR])
    assert fresh.model == "near"

    running = decided([FINE, NEAR], current_model="fine")

    assert running.model == "fine"
    assert running.reason.startswith("Stays with the conversation's model for a")
    assert running.reasons[-1].startswith("The conversation stays with fine: near scores 0.0")
    assert running.fallbacks == ("near",)
    assert "near would win if the conversation began anew." in running.counterfactuals


def test_a_conversation_moves_on_where_the_gain_pays_for_it() -> None:
    dear = model("dear", quality=quality(0.92), prices=(cached_price(60, 240),))

    running = decided([dear, NEAR], current_model="dear")

    assert running.model == "near"
    assert "more than the 0.03 wanted" in running.reasons[-1]


def test_a_warm_cache_keeps_a_long_conversation_that_would_move_on_without_it() -> None:
    long = {"context_tokens": 100_000, "current_model": "fine"}
    half = model("half", quality=quality(0.92), prices=(cached_price(0.4, 4),))

    cold = decided([FINE, half], **long)
    warm = decided([FINE, half], **long, cached_tokens=100_000)

    assert (cold.model, warm.model) == ("half", "fine")
    assert "100,000 tokens of its prompt are cached" in warm.reasons[-1]


def test_a_model_that_is_too_weak_for_the_next_turn_is_left() -> None:
    running = decided([TINY, FINE], kind=HARD, current_model="tiny", cached_tokens=50_000)

    assert running.model == "fine"
    assert "sure to reach quality 0.78; 80% is asked" in running.reasons[-1]


def test_a_model_that_may_not_run_any_more_is_left_and_the_reason_told() -> None:
    denied = Constraints(deny_models=("fine",))

    running = decided([FINE, NEAR], current_model="fine", constraints=denied)
    gone = decided([NEAR], current_model="forgotten")

    assert running.model == gone.model == "near"
    assert running.reasons[-1].startswith("The conversation leaves fine: ")
    assert gone.reasons[-1] == "The conversation leaves forgotten, which is no candidate."


def test_a_persons_own_order_comes_before_staying() -> None:
    task = Settings(tasks={"debugging": TaskSettings(primary="near")})

    by_task = decided([FINE, NEAR], current_model="fine", settings=task)
    by_chain = decided([FINE, NEAR], current_model="fine", chain=("near", "fine"))

    assert by_task.model == by_chain.model == "near"
    assert by_task.reasons[-1] == ("The conversation leaves fine, as your own order comes first.")


def test_an_unclear_turn_does_not_pull_a_conversation_to_the_default_model() -> None:
    unsure = {"confidence": 0.2}
    default = Settings(default_model="near")

    assert decided([FINE, NEAR], kind=unsure, settings=default).model == "near"
    running = decided([FINE, NEAR], kind=unsure, settings=default, current_model="fine")
    assert running.model == "fine"
    assert not any("began anew" in line for line in running.counterfactuals)


def test_the_cheapest_must_save_a_quarter_to_take_over() -> None:
    def rivals(share: float) -> list[ModelInfo]:
        rate = 1 - share
        other = model("other", quality=quality(0.92), prices=(price(4 * rate, 8 * rate),))
        return [other, model("mine", quality=quality(0.92), prices=(price(4, 8),))]

    for saved, chosen in ((SWITCH_SAVING - 0.02, "mine"), (SWITCH_SAVING + 0.02, "other")):
        running = decided(rivals(saved), strategy=Strategy.COST_FIRST, current_model="mine")
        assert running.model == chosen


def test_a_conversation_is_known_by_the_providers_own_id_as_well() -> None:
    alias = FINE.model_copy(update={"id": "fine-2026-11"})

    assert decided([alias, NEAR], current_model="fine-2026-11").model == "fine"


MODELS = st.lists(
    st.tuples(
        st.sampled_from(["openai", "anthropic", "google"]),
        st.floats(0.3, 0.99),
        st.floats(0.01, 40),
        st.integers(100, 5_000),
    ),
    min_size=2,
    max_size=6,
).map(
    lambda rows: [
        model(
            f"m{at}",
            provider=provider,
            quality=quality(good),
            prices=(cached_price(usd, 4 * usd),),
            latency={"first_token_ms": wait, "tokens_per_second": 80.0, "basis": "test"},
        )
        for at, (provider, good, usd, wait) in enumerate(rows)
    ]
)
KINDS = st.fixed_dictionaries(
    {
        "complexity": st.sampled_from(["simple", "medium", "complex", "critical"]),
        "output_tokens": st.integers(50, 4_000),
    }
)
STRATEGIES = st.sampled_from(list(Strategy))


@QUICK
@given(MODELS, KINDS, STRATEGIES, st.integers(0, 90_000), st.integers(0, 5))
def test_whoever_takes_a_conversation_over_keeps_it_in_the_same_situation(
    rows: list[ModelInfo], kind: dict[str, Any], strategy: Strategy, tokens: int, first: int
) -> None:
    asked = {"kind": kind, "strategy": strategy, "context_tokens": tokens}
    started = rows[first % len(rows)].name

    taken = decided(rows, **asked, current_model=started, cached_tokens=tokens).model

    # Where it stayed for its warm cache, it may still leave once the cache is cold.
    for cached in {tokens, tokens if taken == started else 0}:
        assert decided(rows, **asked, current_model=taken, cached_tokens=cached).model == taken


@QUICK
@given(MODELS, KINDS, st.lists(st.integers(-15, 15), min_size=4, max_size=9), st.integers(0, 5))
def test_a_conversation_moves_at_most_once_while_its_turns_are_alike(
    rows: list[ModelInfo], kind: dict[str, Any], jitter: list[int], first: int
) -> None:
    length = kind["output_tokens"]
    turns = [{**kind, "output_tokens": length + length * part // 100} for part in jitter]
    assume(_spread([decided(rows, kind=turn) for turn in turns]) < SWITCH_GAIN / 2)
    serving, moves = rows[first % len(rows)].name, 0
    for turn in turns:
        chosen = decided(rows, kind=turn, current_model=serving).model
        moves += chosen != serving
        serving = chosen

    assert moves <= 1


def _spread(decisions: Sequence[Decision]) -> float:
    """By how much the score of any one model differs between decisions."""
    scores: dict[str, list[float]] = {}
    for decision in decisions:
        for one in decision.candidates:
            scores.setdefault(one.model, []).append(one.score)
    return max(max(found) - min(found) for found in scores.values())


@QUICK
@given(MODELS, KINDS, STRATEGIES, st.integers(0, 90_000))
def test_a_fuller_cache_never_drives_a_conversation_away(
    rows: list[ModelInfo], kind: dict[str, Any], strategy: Strategy, tokens: int
) -> None:
    def chosen(cached: int) -> str:
        return decided(
            rows,
            kind=kind,
            strategy=strategy,
            context_tokens=90_000,
            current_model="m0",
            cached_tokens=cached,
            state=RoutingState(usable_providers=frozenset({"openai", "anthropic", "google"})),
        ).model

    assert chosen(0) != "m0" or chosen(tokens) == "m0"
