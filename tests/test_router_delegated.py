"""Calls that somebody else makes: the router plans, falls back, bounds the money and records."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_router import (
    BudgetExceededError,
    Call,
    FallbackExhaustedError,
    FinishDelta,
    ModelInfo,
    NoCandidateError,
    ProviderHTTPError,
    ReasoningDelta,
    Reply,
    Router,
    RouterError,
    Settings,
    TextDelta,
    UnknownModelError,
    Usage,
    UsageDelta,
)

USED = Usage(input_tokens=1_000, output_tokens=500)
MODELS: dict[str, Any] = {
    name: {
        "provider": "elsewhere",
        "context": 100_000,
        "quality": quality,
        "price": {"input": 1, "output": 2},
    }
    for name, quality in (("good", 0.9), ("fair", 0.8), ("third", 0.95))
}
PROVIDERS = {
    # The router itself has no key for it, and could not reach it if it had.
    "elsewhere": {
        "wire": "openai",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key_env": "NO_SUCH_KEY",
    }
}


def overloaded(model: ModelInfo) -> ProviderHTTPError:
    return ProviderHTTPError(provider=model.provider, model=model.name, status=503)


class Hand:
    """A caller that answers by hand; `sick` models are overloaded."""

    def __init__(self, *models: str, sick: Sequence[str] = (), pause: float = 0.0) -> None:
        self.models = models
        self.sick = sick
        self.pause = pause
        self.calls: list[tuple[str, Call]] = []

    async def complete(self, model: ModelInfo, call: Call) -> Reply:
        self.calls.append((model.name, call))
        await anyio.sleep(self.pause)
        if model.name in self.sick:
            raise overloaded(model)
        return Reply(content=f"{model.name} says so", usage=USED)

    async def stream(self, model: ModelInfo, call: Call) -> AsyncGenerator[Any]:
        self.calls.append((model.name, call))
        yield ReasoningDelta("")
        if model.name in self.sick:
            raise overloaded(model)
        yield TextDelta("so it ")
        await anyio.sleep(self.pause)
        yield TextDelta("is")
        yield UsageDelta(USED)
        yield FinishDelta("stop")


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Router]:
    def open_router(**fields: Any) -> Router:
        base = {"providers": PROVIDERS, "models": MODELS, "db": str(tmp_path / "router.db")}
        return Router.open(Settings.model_validate({**base, **fields}), environ={})

    return open_router


async def test_only_the_callers_models_are_chosen_and_no_key_is_needed(
    opened: Callable[..., Router],
) -> None:
    hand = Hand("good", "fair")
    async with opened() as router:
        done = await router.delegated(hand).execute("hi")
        assert (done.model, done.content) == ("good", "good says so")
        assert done.cost_usd == Decimal("0.002")
        day = next(one for one in router.budget() if one.name == "day")
        assert (day.spent_usd, day.reserved_usd) == (done.cost_usd, 0)
        decision = router.explain(done.decision_id)
        assert {decision.model, *decision.fallbacks} == {"good", "fair"}
        with pytest.raises(NoCandidateError):
            await router.execute("hi", chain=["good"])


async def test_a_fallback_is_planned_and_recorded_as_ever(opened: Callable[..., Router]) -> None:
    hand = Hand("good", "fair", sick=["good"])
    async with opened(fallback={"max_retries": 0}) as router:
        done = await router.delegated(hand).execute("hi")
        assert [(one.model, one.outcome) for one in done.attempts] == [
            ("good", "overloaded"),
            ("fair", "ok"),
        ]
        hand.sick = ["good", "fair"]
        with pytest.raises(FallbackExhaustedError):
            await router.delegated(hand).execute("ho")


async def test_a_stream_falls_back_unseen_and_ends_whole(opened: Callable[..., Router]) -> None:
    hand = Hand("good", "fair", sick=["good"])
    async with opened(fallback={"max_retries": 0}) as router:
        events = [event async for event in router.delegated(hand).stream("hi")]
    assert "".join(one.text for one in events if one.type == "delta") == "so it is"
    last = events[-1]
    assert last.type == "done"
    assert (last.result.model, last.result.usage) == ("fair", USED)


async def heard(router: Router) -> list[str]:
    return [event.type async for event in router.stream("hi")]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_caller_is_held_to_the_deadlines(
    opened: Callable[..., Router], streamed: bool
) -> None:
    deadlines = {"first_token_ms": 50, "idle_ms": 50, "timeout_ms": 300, "max_retries": 0}
    async with opened(fallback={**deadlines, "on_stream_cut": "error"}) as router:
        delegated = router.delegated(Hand("good", pause=3_600))
        with anyio.fail_after(20), pytest.raises(RouterError, match="no answer within"):
            await (heard(delegated) if streamed else delegated.execute("hi"))
        assert all(one.reserved_usd == 0 for one in router.budget())


async def test_a_budget_stops_before_the_caller_is_asked(opened: Callable[..., Router]) -> None:
    hand = Hand("good")
    async with opened(budget={"daily": "0.000001"}) as router:
        with pytest.raises(BudgetExceededError):
            await router.delegated(hand).execute("hi", max_tokens=1_000)
    assert not hand.calls


async def test_what_is_no_provider_error_ends_the_request_and_gives_the_money_back(
    opened: Callable[..., Router],
) -> None:
    class Broken(Hand):
        async def complete(self, model: ModelInfo, call: Call) -> Reply:
            raise TypeError("a mistake")

    async with opened() as router:
        with pytest.raises(TypeError, match="a mistake"):
            await router.delegated(Broken("good", "fair")).execute("hi")
        assert all(one.reserved_usd == 0 for one in router.budget())


async def test_the_call_holds_what_was_asked(opened: Callable[..., Router]) -> None:
    hand = Hand("good")
    async with opened() as router:
        await router.delegated(hand).execute("hi", max_tokens=7, temperature=0.5, stop=["."])
    ((name, call),) = hand.calls
    assert (name, call.max_tokens, call.temperature, call.stop) == ("good", 7, 0.5, (".",))


async def test_a_caller_names_models_that_exist(opened: Callable[..., Router]) -> None:
    async with opened() as router:
        with pytest.raises(UnknownModelError):
            router.delegated(Hand("unheard-of"))


async def test_a_router_says_whom_it_can_call(opened: Callable[..., Router]) -> None:
    async with opened() as router:
        assert "elsewhere" not in router.usable_providers
        assert "elsewhere" in router.delegated(Hand("good")).usable_providers
