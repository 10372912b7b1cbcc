"""How the routes of one model share its calls."""

from __future__ import annotations

import random
from collections import Counter
from typing import get_args

import pytest
from pydantic import ValidationError

from mcp_router.config.settings import Settings
from mcp_router.execution.balance import Balance, Balancer
from mcp_router.execution.routes import Route
from mcp_router.providers.wire import Target
from mcp_router.storage.breaker import BreakerKey
from mcp_router.storage.circuit import CLOSED, Verdict
from mcp_router.types import ProviderInfo
from tests.builders import model
from tests.execution.kitchen import Kitchen

OPEN = Verdict(allowed=False, state="open", until=99)


def route(provider: str, weight: float = 1.0) -> Route:
    info = ProviderInfo(name=provider, wire="openai", base_url="http://127.0.0.1/v1")
    return Route(Target(model("m", provider=provider), info), BreakerKey(provider, "m"), weight)


EAST, WEST, NORTH = route("east"), route("west", weight=3.0), route("north")
ROUTES = (EAST, WEST, NORTH)


def firsts(
    balancer: Balancer, balance: Balance, *, draws: int = 1, broken: tuple[Route, ...] = ()
) -> Counter[str]:
    verdicts = {one.key: OPEN if one in broken else CLOSED for one in ROUTES}
    found: Counter[str] = Counter()
    for _ in range(draws):
        ordered = balancer.order(ROUTES, balance=balance, verdicts=verdicts)
        assert {one.key for one in ordered} == {one.key for one in ROUTES}
        found[ordered[0].provider] += 1
    return found


def balancer(seed: int = 1) -> Balancer:
    return Balancer(rng=random.Random(seed).random)


def test_weights_are_shares_of_the_calls() -> None:
    found = firsts(balancer(), "weighted", draws=5_000)
    assert 0.57 < found["west"] / 5_000 < 0.63
    assert 0.17 < found["east"] / 5_000 < 0.23


def test_a_route_that_fails_gets_a_smaller_share_and_earns_it_back() -> None:
    one = balancer()
    for _ in range(20):
        one.began(WEST)
        one.ended(WEST, ok=False)
    assert firsts(one, "weighted", draws=1_000)["west"] < 300
    for _ in range(60):
        one.began(WEST)
        one.ended(WEST, ok=True)
    assert firsts(one, "weighted", draws=1_000)["west"] > 500


def test_an_abandoned_call_says_nothing_about_its_route() -> None:
    one = balancer()
    one.began(EAST)
    one.ended(EAST, ok=None)
    assert firsts(one, "best") == {"east": 1}


def test_best_takes_the_healthiest() -> None:
    one = balancer()
    for failing in (EAST, WEST):
        one.began(failing)
        one.ended(failing, ok=False)
    assert firsts(one, "best", draws=5) == {"north": 5}


def test_round_robin_takes_turns() -> None:
    assert firsts(balancer(), "round_robin", draws=9) == {"east": 3, "west": 3, "north": 3}


def test_least_busy_counts_running_calls_by_weight() -> None:
    one = balancer()
    one.began(EAST)
    one.began(NORTH)
    one.began(WEST)
    assert firsts(one, "least_busy") == {"west": 1}
    one.ended(NORTH, ok=True)
    assert firsts(one, "least_busy") == {"north": 1}


def test_whatever_the_rule_a_broken_route_comes_last() -> None:
    for balance in ("weighted", "best", "round_robin", "least_busy"):
        found = firsts(balancer(), balance, draws=20, broken=(EAST, NORTH))
        assert found == {"west": 20}, balance


def test_the_settings_say_how_calls_are_shared() -> None:
    for balance in get_args(Balance):
        settings = Settings.model_validate({"fallback": {"balance": balance}})
        assert settings.fallback.balance == balance
    with pytest.raises(ValidationError):
        Settings.model_validate({"fallback": {"balance": "fair"}})


async def test_the_executor_goes_by_the_settings(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"balance": "round_robin"}
    places = (
        {"provider": "fault-openai", "id": "east"},
        {"provider": "fault-openai", "id": "west"},
    )
    kitchen.serve("m", deployments=places)
    for _ in range(4):
        await kitchen.execute()
    assert [one.model for one in kitchen.server.calls] == ["east", "west", "east", "west"]
