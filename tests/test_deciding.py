"""What is true at the moment of a decision steers it: open breakers, budgets, and what is local."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_router import Constraints, FallbackExhaustedError, NoCandidateError, Router
from mcp_router.config.settings import Settings
from mcp_router.execution.routes import Routes
from mcp_router.storage.breaker import Breaker
from mcp_router.storage.periods import to_ms
from mcp_router.testing import Fault, FaultServer, echo

PROMPT = "Say something nice about the sea."
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **time: float) -> None:
        self.now += timedelta(**time)


class World:
    """Two providers with a model each, and one model with a place at both."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.clock = Clock()
        provider = {"wire": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key_env": ""}
        fields = {"context": 128_000, "price": {"input": 1, "output": 2}}
        places = [{"provider": "east"}, {"provider": "west"}]
        settings: dict[str, Any] = {
            "db": str(folder / "router.db"),
            "providers": {"east": provider, "west": provider},
            "models": {
                "first": {"provider": "east", "quality": 0.9, **fields},
                "second": {"provider": "west", "quality": 0.8, **fields},
                "spread": {"deployments": places, **fields},
            },
            **more,
        }
        self.settings = Settings.model_validate(settings)
        self.router = Router.open(self.settings, environ={}, clock=self.clock)
        self.routes = Routes(self.router.catalog, settings=self.settings, environ={})

    def fail(self, model: str, *, times: int = 3, place: int = 0) -> None:
        breaker, key = Breaker(self.router.store.database), self.routes.of(model)[place].key
        for _ in range(times):
            now = to_ms(self.clock.now)
            breaker.failure(breaker.override(key, now=now), now=now)

    def limit(self, model: str, *, seconds: float) -> None:
        breaker, key = Breaker(self.router.store.database), self.routes.of(model)[0].key
        now = to_ms(self.clock.now)
        permit = breaker.override(key, now=now)
        breaker.limited(permit, now=now, retry_after_ms=round(seconds * 1000))

    def chosen(self, *chain: str) -> str:
        return self.router.route(PROMPT, chain=chain or ("first", "second")).model


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    with one.router:
        yield one


def test_a_model_whose_breaker_is_open_is_not_recommended_and_it_is_said_until_when(
    world: World,
) -> None:
    assert world.chosen() == "first"
    world.fail("first")
    world.clock.move(seconds=2)

    decision = world.router.route(PROMPT, chain=("first", "second"))
    assert decision.model == "second"
    (rejected,) = decision.rejected
    assert (rejected.model, rejected.filter) == ("first", "unavailable")
    assert rejected.reason == "it fails or is overloaded, no calls until 12:00:30 UTC"


def test_failures_that_open_no_breaker_change_nothing(world: World) -> None:
    world.fail("first", times=2)
    assert world.chosen() == "first"
    assert world.router.observe().blocked == {}


def test_a_model_that_cools_down_is_back_when_it_has(world: World) -> None:
    world.limit("first", seconds=5)
    assert world.chosen() == "second"
    world.clock.move(seconds=6)
    assert world.chosen() == "first"


def test_a_model_is_blocked_only_when_all_its_places_are(world: World) -> None:
    world.fail("spread", place=0)
    assert world.router.observe().blocked == {}
    world.clock.move(seconds=2)
    world.fail("spread", place=1)

    (reason,) = world.router.observe().blocked.values()
    # The place that failed first is free first.
    assert reason.endswith("12:00:30 UTC")


def test_where_everything_is_open_the_one_that_is_back_soonest_is_recommended(
    world: World,
) -> None:
    world.fail("first")
    world.limit("second", seconds=10)

    decision = world.router.route(PROMPT, chain=("first", "second"))
    assert decision.model == "second"
    assert any("Nothing better is left than second" in one for one in decision.warnings)
    assert [one.model for one in decision.rejected] == ["first"]


def test_what_is_open_does_not_hide_another_reason(world: World) -> None:
    world.fail("first")
    with pytest.raises(NoCandidateError) as caught:
        world.router.route(PROMPT, chain="first", constraints=Constraints(min_context=10**9))
    assert [one.filter for one in caught.value.rejected] == ["context"]


def test_a_replay_does_not_mind_what_fails_now(world: World) -> None:
    before = world.router.route(PROMPT, chain="first")
    world.fail("first")
    world.clock.move(seconds=2)
    assert world.router.replay(before.decision_id, settings=world.settings).model == "first"


def test_a_breaker_of_a_model_that_is_gone_is_no_matter(world: World) -> None:
    gone = World(world.router.store.database.path.parent)
    gone.fail("first")
    settings = world.settings.model_copy(
        update={"models": {"second": world.settings.models["second"]}}
    )
    with Router.open(settings, environ={}, clock=world.clock) as router:
        assert router.observe().blocked == {}
    gone.router.close()


class TestMoney:
    def test_a_local_model_of_unknown_price_is_free_under_any_budget(self, tmp_path: Path) -> None:
        local = {"provider": "east", "context": 128_000, "local": True}
        world = World(tmp_path, models={"mine": local}, budget={"daily": 0, "monthly": 0})
        with world.router as router:
            decision = router.route(PROMPT, chain="mine")
            assert decision.estimated.cost_usd == 0
            assert not any("price" in one for one in decision.warnings)
            capped = Constraints(max_cost_usd=Decimal(0))
            assert router.route(PROMPT, chain="mine", constraints=capped).model == "mine"

    def test_another_model_of_unknown_price_is_refused(self, tmp_path: Path) -> None:
        unknown = {"provider": "east", "context": 128_000}
        world = World(tmp_path, models={"mine": unknown}, budget={"daily": 5})
        with world.router as router, pytest.raises(NoCandidateError, match="price is unknown"):
            router.route(PROMPT, chain="mine")

    def test_a_model_is_expected_to_cost_what_its_dearest_place_does(self, tmp_path: Path) -> None:
        places = [
            {"provider": "east", "price": {"input": 1, "output": 1}},
            {"provider": "west", "price": {"input": 10, "output": 10}},
        ]
        world = World(tmp_path, models={"mine": {"context": 128_000, "deployments": places}})
        with world.router as router:
            (price,) = router.catalog.resolve("mine").prices
            assert price.tiers[0].rates.input == 10 * 10**9
            assert router.route(PROMPT, chain="mine").estimated.cost_usd


class Upstream:
    """Two scripted models, and the power to open their breakers."""

    def __init__(self, server: FaultServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def open(self, *broken: str) -> Router:
        settings = Settings.model_validate(
            {
                "db": str(self.folder / "router.db"),
                **self.server.settings(),
                "fallback": {"max_retries": 0},
            }
        )
        router = Router.open(settings, environ={})
        routes = Routes(router.catalog, settings=settings, environ={})
        breaker, now = Breaker(router.store.database), to_ms(router.now())
        for key in (routes.of(name)[0].key for name in broken):
            for _ in range(3):
                breaker.failure(breaker.override(key, now=now), now=now)
        return router


@pytest.fixture
async def upstream(tmp_path: Path) -> AsyncIterator[Upstream]:
    async with FaultServer() as server:
        yield Upstream(server, tmp_path)


async def test_with_every_breaker_open_the_task_is_done_all_the_same(upstream: Upstream) -> None:
    upstream.server.script("first", [Fault.http(500)])
    upstream.server.script("second", [], then="healthy")
    async with upstream.open("first", "second") as router:
        done = await router.execute(PROMPT, chain=["first", "second"])
        assert (done.model, done.content) == ("second", echo(PROMPT))


async def test_an_open_model_comes_after_the_others_and_not_never(upstream: Upstream) -> None:
    upstream.server.script("first", [], then="healthy")
    upstream.server.script("second", [Fault.http(500)])
    async with upstream.open("first") as router:
        done = await router.execute(PROMPT, chain=["first", "second"])
        assert done.model == "first"
        tried = [one.model for one in upstream.server.calls]
        assert tried == ["second", "first"]


async def test_what_fails_with_every_breaker_open_is_one_clear_error(upstream: Upstream) -> None:
    for name in ("first", "second"):
        upstream.server.script(name, [Fault.http(500)])
    async with upstream.open("first", "second") as router:
        with pytest.raises(FallbackExhaustedError):
            await router.execute(PROMPT, chain=["first", "second"])
    assert len(upstream.server.calls) == 2
