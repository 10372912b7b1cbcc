"""A circuit in a database on a server: what this process reported counts before it is there."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.circuit import DEFAULT_POLICY
from mcp_router.storage.postgres.database import PostgresDatabase
from tests.storage.servers import fresh_schema, needs_server

pytestmark = needs_server
KEY, OTHER = BreakerKey("acme", "large"), BreakerKey("acme", "small")
NOW = 1_790_000_000_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[PostgresDatabase]:
    with fresh_schema() as address, PostgresDatabase(address) as opened:
        opened.keep_in(tmp_path / "outbox.db")
        yield opened


@contextmanager
def on_the_way(database: PostgresDatabase) -> Generator[None]:
    """Let nothing arrive within the block, and all of it at its end."""
    assert database.outbox is not None
    begun, may_end = threading.Event(), threading.Event()

    def hold_up() -> None:
        begun.set()
        may_end.wait(10)

    database.outbox.later(hold_up)
    assert begun.wait(10)
    yield
    may_end.set()
    assert database.outbox.wait(10)


def test_a_pause_holds_for_the_next_call_of_this_process(database: PostgresDatabase) -> None:
    breaker = Breaker(database)
    with on_the_way(database):
        breaker.limited(breaker.override(KEY, now=NOW), now=NOW, retry_after_ms=60_000)
        assert breaker.acquire(KEY, now=NOW + 1) is None
        assert breaker.verdict(KEY, now=NOW + 1).state == "cooldown"
        assert breaker.acquire(OTHER, now=NOW + 1) is not None
        assert Breaker(database).acquire(KEY, now=NOW + 1) is not None
    assert Breaker(database).acquire(KEY, now=NOW + 1) is None
    assert breaker.verdict(KEY, now=NOW + 1) == Breaker(database).verdict(KEY, now=NOW + 1)


def test_each_failure_counts_once_on_its_way_and_once_it_is_there(
    database: PostgresDatabase,
) -> None:
    breaker = Breaker(database)
    with on_the_way(database):
        for _ in range(DEFAULT_POLICY.failures - 1):
            breaker.failure(breaker.override(KEY, now=NOW), now=NOW)
        assert breaker.acquire(KEY, now=NOW) is not None
    assert breaker.acquire(KEY, now=NOW) is not None
    with on_the_way(database):
        breaker.failure(breaker.override(KEY, now=NOW), now=NOW)
        assert breaker.acquire(KEY, now=NOW) is None
    assert Breaker(database).acquire(KEY, now=NOW) is None
