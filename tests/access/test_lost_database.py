"""Tokens and meters while the shared database is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

from mcp_router.access.book import MAX_AGE_MS, TokenBook
from mcp_router.access.charging import charged
from mcp_router.access.grant import Grant, acting
from mcp_router.access.meter import Meter
from mcp_router.errors import LostDatabaseError
from mcp_router.storage.database import Database
from mcp_router.storage.tokens import AccessToken, add_token, digest_of, new_secret
from mcp_router.types import Message, Request, Usage
from tests.storage.servers import Gate, fresh_schema, needs_server

pytestmark = needs_server
NOW = 1_790_000_000_000
REQUEST = Request(messages=(Message(role="user", content="Hi"),))
LIMITED = Grant("alice", "execute", requests_per_minute=10, tokens_per_minute=50_000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.shut()


@pytest.fixture
def database(gate: Gate) -> Iterator[Database]:
    with fresh_schema() as address:
        name = address.rpartition("%3D")[2]
        with Database.open(gate.address(name)) as opened:
            yield opened


@pytest.fixture
def secret(database: Database) -> str:
    made = new_secret()
    add_token(database, AccessToken("alice", digest_of(made), "execute", created_ms=NOW))
    return made


async def test_known_tokens_open_the_door_where_calls_go_on_without_the_database(
    database: Database, secret: str, gate: Gate
) -> None:
    database.on_lost = "open"
    book = TokenBook(database, now=lambda: NOW)
    assert await book.grant(secret) is not None
    gate.shut()
    end = anyio.current_time() + 2 * MAX_AGE_MS / 1000
    while anyio.current_time() < end:
        assert await book.grant(secret) is not None
    with pytest.raises(LostDatabaseError):
        await book.grant(new_secret())


async def test_no_token_opens_the_door_where_calls_wait_for_the_database(
    database: Database, secret: str, gate: Gate
) -> None:
    book = TokenBook(database, now=lambda: NOW)
    assert await book.grant(secret) is not None
    gate.shut()

    async def ask_on() -> None:
        while True:
            await book.grant(secret)

    with anyio.fail_after(20), pytest.raises(LostDatabaseError):
        await ask_on()


async def test_an_answer_goes_out_when_its_tokens_cannot_be_given_back(
    database: Database, gate: Gate
) -> None:
    meter = Meter(database, now=lambda: NOW)
    with acting(LIMITED, meter=meter):
        async with charged(REQUEST) as used:
            gate.shut()
            used(Usage(input_tokens=1, output_tokens=1))


async def test_limits_per_minute_pause_where_calls_go_on_without_the_database(
    database: Database, gate: Gate
) -> None:
    meter = Meter(database, now=lambda: NOW)
    await meter.request(LIMITED)
    gate.shut()
    with pytest.raises(LostDatabaseError):
        await meter.request(LIMITED)
    database.on_lost = "open"
    await meter.request(LIMITED)
    assert await meter.tokens(LIMITED, REQUEST) is None


async def test_a_refusing_server_is_noticed_soon_and_one_that_is_back_is_used(
    database: Database, gate: Gate
) -> None:
    database.write("UPDATE ledger_clock SET seen_ms = seen_ms + ?", (0,))
    gate.shut()
    begun = time.monotonic()
    with pytest.raises(LostDatabaseError):
        database.write("UPDATE ledger_clock SET seen_ms = seen_ms + ?", (0,))
    with pytest.raises(LostDatabaseError):
        database.write("UPDATE ledger_clock SET seen_ms = seen_ms + ?", (0,))
    # Waiting for a connection that nobody opens would take 4 seconds.
    assert time.monotonic() - begun < 3.5
    gate.open()
    back = False
    with anyio.fail_after(10):
        while not back:
            with suppress(LostDatabaseError):
                database.write("UPDATE ledger_clock SET seen_ms = seen_ms + ?", (0,))
                back = True
            await anyio.lowlevel.checkpoint()
