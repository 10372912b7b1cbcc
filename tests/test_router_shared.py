"""On a shared database answers in flight are delivered, and what they cost is not lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import psycopg
import pytest

from mcp_router import LostDatabaseError, Router, StorageError
from mcp_router.config.settings import Settings
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.testing.server import FaultServer
from mcp_router.types import LearntChoice
from tests.storage.servers import SERVER, Gate, fresh_schema, needs_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_server
PROMPT = "Say something nice about the sea."


@pytest.fixture
def anyio_backend() -> str:
    # The fault server is one of asyncio.
    return "asyncio"


@pytest.fixture
def schema() -> Iterator[str]:
    with fresh_schema() as address:
        yield address.rpartition("%3D")[2]


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.shut()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def settings(server: FaultServer, *, db: str, **budget: Any) -> Settings:
    given = server.settings(
        latency={"first_token_ms": 50, "tokens_per_second": 1000},
        price={"input": 1.0, "output": 2.0},
    )
    return Settings.model_validate({**given, "db": db, "budget": {"daily": "5", **budget}})


def direct(schema: str) -> str:
    return f"{SERVER}?options=-csearch_path%3D{schema}"


def kept(schema: str) -> tuple[int, int, int]:
    """Count the outcomes, and add up what was spent and is reserved."""
    with SqliteStore.open(direct(schema)) as store, store.database.reading() as connection:
        (calls,) = connection.execute("SELECT count(*) FROM routing_outcomes").fetchone()
        spent, held = connection.execute(
            "SELECT spent_nanos, reserved_nanos FROM budget_tracking WHERE name = 'day'"
        ).fetchone()
    return calls, spent, held


async def ask_on(router: Router) -> None:
    while True:
        await router.execute(PROMPT)


async def carried_over(router: Router) -> None:
    outbox = router.store.database.outbox
    assert outbox is not None
    with anyio.fail_after(20):
        while outbox.left():
            await anyio.lowlevel.checkpoint()


async def test_a_call_is_decided_paid_and_found_again(schema: str) -> None:
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        async with Router.open(settings(server, db=direct(schema)), environ={}) as router:
            done = await router.execute(PROMPT)
            assert router.explain(done.decision_id).decision_id == done.decision_id
            assert router.stats()[0].calls == 1
            (day, _) = router.budget()
            assert (day.spent_usd, day.reserved_usd) == (done.cost_usd, 0)


async def test_an_answer_outlives_the_database_and_is_counted_once(schema: str, gate: Gate) -> None:
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema))
        async with Router.open(given, environ={}) as router:
            done = await router.execute(PROMPT, on_attempt=lambda _: gate.shut())
            outbox = router.store.database.outbox
            assert done.content
            assert outbox is not None
            assert outbox.left() >= 1
            assert outbox.path.stat().st_mode & 0o777 == 0o600
            with pytest.raises(LostDatabaseError, match="does not answer"):
                await router.execute("Another one, please.")
            gate.open()
            assert outbox.wait(10, patiently=True)
        assert kept(schema) == (1, round(done.cost_usd * 10**9), 0)


async def test_calls_go_on_without_a_database_where_that_is_allowed(
    schema: str, gate: Gate
) -> None:
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema), on_lost_database="open")
        async with Router.open(given, environ={}) as router:
            done = [await router.execute(PROMPT)]
            gate.shut()
            done.extend([await router.execute(f"{PROMPT} {number}") for number in range(3)])
            gate.open()
            outbox = router.store.database.outbox
            assert outbox is not None
            assert outbox.wait(10, patiently=True)
        costs = [round(one.cost_usd * 10**9) for one in done if one.cost_usd is not None]
        assert kept(schema) == (4, sum(costs), 0)


async def test_calls_begin_without_a_database_and_are_counted_once_it_is_there(
    schema: str, gate: Gate
) -> None:
    gate.shut()
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema), on_lost_database="open")
        async with Router.open(given, environ={}) as router:
            done = [await router.execute(f"{PROMPT} {number}") for number in range(3)]
            with pytest.raises(LostDatabaseError, match="does not answer"):
                router.stats()
            # Its tables are not there yet, either.
            gate.open()
            outbox = router.store.database.outbox
            assert outbox is not None
            assert outbox.wait(10, patiently=True)
            assert router.budget()[0].spent_usd == sum(one.cost_usd or 0 for one in done)
            assert router.stats()[0].calls == 3
            assert (await router.execute(PROMPT)).content
        assert kept(schema)[0] == 4


async def test_a_database_that_is_away_at_the_start_is_named_where_calls_need_it(
    schema: str, gate: Gate
) -> None:
    gate.shut()
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema))
        async with Router.open(given, environ={}) as router:
            with pytest.raises(LostDatabaseError, match="the server does not answer"):
                await router.execute(PROMPT)
            gate.open()
            assert (await router.execute(PROMPT)).content


async def test_a_database_that_comes_back_of_no_use_gets_no_record_refused(
    schema: str, gate: Gate
) -> None:
    with SqliteStore.open(direct(schema)) as store, store.database.transaction() as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (9_999, "later"))
    gate.shut()
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema), on_lost_database="open")
        async with Router.open(given, environ={}) as router:
            await router.execute(PROMPT)
            gate.open()
            with anyio.fail_after(10), pytest.raises(StorageError, match="newer"):
                await ask_on(router)
            outbox = router.store.database.outbox
            assert outbox is not None
            assert outbox.left() >= len(server.calls)
            with psycopg.connect(SERVER, autocommit=True) as other:
                delete = f"DELETE FROM {schema}.schema_migrations WHERE version = 9999"
                other.execute(delete.encode())
            assert outbox.wait(10, patiently=True)
            # Also the one whose alerts could not be read is counted.
            assert router.stats()[0].calls == len(server.calls)


async def test_what_a_dead_process_left_is_carried_over_by_the_next(
    schema: str, gate: Gate
) -> None:
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema))
        router = Router.open(given, environ={})
        done = await router.execute(PROMPT, on_attempt=lambda _: gate.shut())
        await router.aclose()
        gate.open()
        assert router.store.database.outbox is not None
        with closing(sqlite3.connect(router.store.database.outbox.path)) as file, file:
            # Those of the last half minute are left to the process that kept them.
            file.execute("UPDATE waiting SET made_ms = made_ms - 60000")
        with Router.open(given, environ={}) as following:
            await carried_over(following)
        assert kept(schema) == (1, round(done.cost_usd * 10**9), 0)


async def test_sessions_that_are_ended_are_not_noticed(schema: str) -> None:
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=f"{direct(schema)}&application_name={schema}")
        async with Router.open(given, environ={}) as router:
            for _ in range(3):
                await router.execute(PROMPT)
                with psycopg.connect(SERVER, autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = %s",
                        (schema,),
                    )
        assert kept(schema)[0] == 3


async def test_nothing_is_tried_that_no_database_can_count(schema: str, gate: Gate) -> None:
    async with FaultServer() as server:
        server.script("alpha", [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema), on_lost_database="open")
        async with Router.open(given, environ={}) as router:
            decision = router.route(PROMPT)
            trials, now = router.store.trials, datetime.now(UTC)
            gate.shut()
            for kind, admitted in (("explored", False), ("switched", True)):
                choice = LearntChoice.model_validate(
                    {
                        "kind": kind,
                        "usual": "beta",
                        "propensity": 0.3,
                        "chance": 0.8,
                        "quality": 0.8,
                        "usual_quality": 0.8,
                        "usual_cost_usd": "0.01",
                    }
                )
                one = decision.model_copy(update={"learnt": choice})
                assert trials.admit(one, allowance=Decimal(1), now=now) is admitted


async def test_several_models_and_kept_answers_go_on_without_a_database_too(
    schema: str, gate: Gate
) -> None:
    async with FaultServer() as server:
        for name in ("alpha", "beta"):
            server.script(name, [], then="healthy", wire="openai")
        given = settings(server, db=gate.address(schema), on_lost_database="open")
        async with Router.open(given, environ={}) as router:
            await router.execute(PROMPT)
            gate.shut()
            both = await router.execute(PROMPT, mode="ensemble", reuse="exact")
            assert len(both.answers) == 2
            gate.open()
            outbox = router.store.database.outbox
            assert outbox is not None
            assert outbox.wait(10, patiently=True)
