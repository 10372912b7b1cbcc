"""A router waits for a database that is far away beside the event loop, never on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client

from mcp_router import Mode, Router
from mcp_router.access.charging import charged
from mcp_router.access.grant import Grant, acting
from mcp_router.access.meter import Meter
from mcp_router.config.experiments import ExperimentSettings
from mcp_router.config.settings import Settings
from mcp_router.server.app import build_server
from mcp_router.storage.database import Database
from mcp_router.storage.exposures import Exposures
from mcp_router.testing import Answer, Fault, FaultServer
from mcp_router.types import Message, Request, Usage
from tests.storage.servers import Porter, fresh_schema, needs_server

pytestmark = needs_server
PROMPT = "Say something nice about the sea."
TOOL = "execute_with_fallback"


@pytest.fixture
def anyio_backend() -> str:
    # The fault server is one of asyncio.
    return "asyncio"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def porter() -> Iterator[Porter]:
    made = Porter()
    yield made
    made.shut()


@pytest.fixture
def address(porter: Porter) -> Iterator[str]:
    with fresh_schema() as direct:
        yield porter.address(direct.rpartition("%3D")[2])


@pytest.fixture
async def server(porter: Porter) -> AsyncIterator[FaultServer]:
    """Two models; whatever the test does meanwhile must not hold its event loop up."""
    async with FaultServer() as faults:
        for name in ("first", "second"):
            faults.script(name, [Answer()], then="repeat last")
        with porter.attending():
            yield faults
        assert porter.held_up == []


Open = Callable[..., Router]


@pytest.fixture
def opened(server: FaultServer, address: str) -> Open:
    """Open routers, each with a clock that makes all that was observed old at once."""

    def open_router(**more: Any) -> Router:
        seconds, begun = count(step=2), datetime.now(UTC)
        latency = {"first_token_ms": 50, "tokens_per_second": 1000}
        fields = {**server.settings(latency=latency), "db": address, "budget": {"daily": "5"}}
        return Router.open(
            Settings.model_validate({**fields, **more}),
            environ={},
            clock=lambda: begun + timedelta(seconds=next(seconds)),
        )

    return open_router


async def test_while_a_task_is_decided_paid_and_recorded(opened: Open) -> None:
    async with opened() as router:
        assert (await router.execute(PROMPT)).content


async def test_while_an_answer_is_streamed(opened: Open) -> None:
    async with opened() as router:
        for _ in range(2):
            stream = router.stream(PROMPT, chain=["first"], reuse="exact")
            async with aclosing(stream) as events:
                assert [event.type async for event in events][-1] == "done"


async def test_while_what_is_left_to_record_is_recorded_at_the_end(opened: Open) -> None:
    router = opened(budget={})
    await router.execute(PROMPT)
    await router.aclose()


async def test_while_a_task_moves_on_to_another_model(opened: Open, server: FaultServer) -> None:
    server.script("first", [Fault.http(500)], then="repeat last")
    async with opened(fallback={"max_retries": 0}) as router:
        assert (await router.execute(PROMPT, chain=["first", "second"])).model == "second"


async def test_while_one_of_several_routes_is_chosen(opened: Open, server: FaultServer) -> None:
    models = server.settings()["models"]
    provider = models["first"]["provider"]
    twice = [{"provider": provider, "id": "first"}, {"provider": provider, "id": "second"}]
    models["first"]["deployments"] = twice
    async with opened(models=models) as router:
        assert (await router.execute(PROMPT, chain=["first"])).model == "first"


@pytest.mark.parametrize("mode", [Mode.ENSEMBLE, Mode.REDUNDANT, Mode.CASCADE])
async def test_while_several_models_share_one_reservation(opened: Open, mode: Mode) -> None:
    async with opened() as router:
        assert (await router.execute(PROMPT, mode=mode)).content
        assert (await router.execute(PROMPT, mode=mode, request_limit_usd="0.01")).content


async def test_while_a_result_of_an_experiment_is_kept(opened: Open, address: str) -> None:
    async with opened() as router:
        await router.execute(PROMPT)
        arms = {"a": {"chain": ["first"]}, "b": {"chain": ["second"]}}
        plan = ExperimentSettings.model_validate({"arms": arms}).model_dump(mode="json")

        def start() -> None:
            with Database.open(address) as database:
                assert Exposures(database).define("trial", details=plan, now=datetime.now(UTC))

        await to_thread.run_sync(start)
        done = await router.execute(PROMPT, tags={"session": "s"})
        met = await to_thread.run_sync(router.explain, done.decision_id)
        assert set(met.experiments) == {"trial"}


async def test_while_a_workflow_runs_and_goes_on(opened: Open) -> None:
    steps = {"a": {"task": "Begin."}, "b": {"task": "End {{a}}"}}
    form = {"name": "w", "max_cost_usd": "1", "steps": steps}
    async with opened() as router:
        first = await router.run_workflow(form, run_id="r")
        again = await router.run_workflow(form, run_id="r")
        assert (first.content, [one.reused for one in again.steps]) == (again.content, [True] * 2)


async def test_while_answers_are_kept_and_given_again(opened: Open) -> None:
    async with opened() as router:
        for cached in (False, True):
            assert (await router.execute(PROMPT, chain=["first"], reuse="exact")).cached is cached


async def test_while_a_host_watches_the_budget_and_is_asked_for_more(opened: Open) -> None:
    limited = {"daily": "5", "per_request": "0.01"}
    server = build_server(lambda: opened(budget=limited))
    async with Client(server) as client:
        fine = await client.call_tool(TOOL, {"prompt": PROMPT})
        assert not fine.is_error
        # 30,000 tokens at $2 a million are 6 cents.
        dear = await client.call_tool(TOOL, {"prompt": PROMPT, "max_tokens": 30_000})
        assert "the limit per request is $0.01" in str(dear.content)


async def test_while_the_rates_of_a_token_are_counted(server: FaultServer, address: str) -> None:
    del server
    request = Request(messages=(Message(role="user", content="Hi"),))
    limited = Grant("alice", "execute", requests_per_minute=10, tokens_per_minute=50_000)
    database = await to_thread.run_sync(Database.open, address)
    meter = Meter(database, now=lambda: 1_790_000_000_000)
    with acting(limited, meter=meter):
        await meter.request(limited)
        for answer in (1, 5_000):
            async with charged(request) as used:
                used(Usage(input_tokens=1, output_tokens=answer))
    await to_thread.run_sync(database.close)
