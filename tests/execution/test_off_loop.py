"""What asks a database on a server runs beside the event loop, and to its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import lowlevel

from mcp_router import Router
from mcp_router.config.settings import Settings
from mcp_router.errors import StorageError
from mcp_router.execution.off_loop import off_loop
from mcp_router.storage.database import Database
from mcp_router.testing import Answer, FaultServer
from tests.stepping import cancelled_everywhere
from tests.storage.servers import fresh_schema, needs_server

pytestmark = needs_server


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return getattr(request, "param", "asyncio")


@pytest.fixture
def address() -> Iterator[str]:
    with fresh_schema() as address:
        yield address


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    with Database.open(address) as database:
        yield database


class Errand:
    """Work that ends when it is told to, and counts how often it was done."""

    def __init__(self, *, refused: bool = False) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.refused = refused
        self.done = 0

    def __call__(self) -> str:
        self.begun.set()
        assert self.may_end.wait(5)
        self.done += 1
        if self.refused:
            raise StorageError(path="here", problem="it refuses")
        return "money"


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"], indirect=True)
async def test_a_scope_that_is_cancelled_meanwhile_ends_after_the_work(database: Database) -> None:
    errand, got = Errand(), list[str]()

    async def ask() -> None:
        got.append(await off_loop(database, errand))
        await lowlevel.checkpoint()
        got.append("went on")

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.to_thread.run_sync(errand.begun.wait)
        group.cancel_scope.cancel()
        errand.may_end.set()
    assert (got, errand.done) == (["money"], 1)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("refused", [False, True])
async def test_what_a_task_that_is_cancelled_meanwhile_took_is_given_back(
    database: Database, times: int, refused: bool
) -> None:
    errand, given_back = Errand(refused=refused), list[str]()
    task = asyncio.create_task(off_loop(database, errand, undo=given_back.append))
    await asyncio.to_thread(errand.begun.wait)
    for _ in range(times):
        task.cancel("enough")
        await asyncio.sleep(0)
    errand.may_end.set()
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert given_back == ([] if refused else ["money"])
    assert errand.done == 1


async def test_a_task_that_is_cancelled_before_it_asks_still_has_the_work_done(
    database: Database,
) -> None:
    errand = Errand()
    errand.may_end.set()

    async def give_back() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await off_loop(database, errand)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(give_back())
    assert errand.done == 1


async def test_a_time_that_runs_out_meanwhile_is_told_as_one(database: Database) -> None:
    errand = Errand()

    async def ask() -> None:
        async with asyncio.timeout(0.01) as limit:
            ending = asyncio.create_task(asyncio.to_thread(_let, errand, limit))
            await off_loop(database, errand)
            await ending

    with pytest.raises(TimeoutError):
        await ask()
    assert errand.done == 1


def _let(errand: Errand, limit: asyncio.Timeout) -> None:
    """Let the work end once the time is over."""
    pause = threading.Event()
    while not limit.expired():
        pause.wait(0.001)
    errand.may_end.set()


PRICED: dict[str, Any] = {"price": {"input": "3", "output": "15"}}
KINDS: dict[str, dict[str, Any]] = {
    "single": {},
    "ensemble": {"mode": "ensemble"},
    "redundant": {"mode": "redundant"},
    "streamed": {"stream": True},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_is_cancelled_anywhere_gives_its_money_back_at_once(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    asked = dict(KINDS[kind])
    streamed = asked.pop("stream", False)
    async with FaultServer() as server:
        for name in ("first", "second"):
            server.script(name, [Answer()], then="repeat last")
        models = {name: {**one, **PRICED} for name, one in server.settings()["models"].items()}
        budget = {"daily": "50", "per_request": "5"}
        fields = {**server.settings(), "models": models, "db": address, "budget": budget}
        async with Router.open(Settings.model_validate(fields), environ={}) as router:

            async def work() -> None:
                if streamed:
                    stream = router.stream("Say hello.", max_tokens=200)
                    async with aclosing(stream) as events:
                        assert [event async for event in events]
                else:
                    await router.execute("Say hello.", max_tokens=200, **asked)

            async def after() -> None:
                held = [one.reserved_usd for one in router.store.budget_status(now=_now())]
                assert not any(held)

            await work()
            assert await cancelled_everywhere(work, after=after) >= 10


def _now() -> datetime:
    return datetime.now(UTC)
