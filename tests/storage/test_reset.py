"""Forgetting closes every circuit, or clears every record, and leaves the rest alone."""

from __future__ import annotations

from pathlib import Path

from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.reset import clear_records, close_breakers
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import NOON as NOW
from tests.storage.conftest import decision, outcome

KEY = BreakerKey("northwind", "aurora-2")
OTHER = BreakerKey("contoso", "borealis")


def test_open_circuits_close_and_healthy_ones_do_not_count(store: SqliteStore) -> None:
    breaker = Breaker(store.database)
    for _ in range(3):
        breaker.failure(breaker.override(KEY, now=1_000), now=1_000)
    breaker.success(breaker.override(OTHER, now=1_000), now=1_000)
    assert not breaker.check([KEY], now=2_000)[KEY].allowed
    assert close_breakers(store.database) == 1
    assert breaker.check([KEY], now=2_000)[KEY].state == "closed"
    assert close_breakers(store.database) == 0


def test_a_probe_that_is_still_out_cannot_close_a_later_circuit(store: SqliteStore) -> None:
    breaker = Breaker(store.database)
    for _ in range(3):
        breaker.failure(breaker.override(KEY, now=1_000), now=1_000)
    probe = breaker.acquire(KEY, now=40_000)
    assert probe is not None
    close_breakers(store.database)
    for _ in range(3):
        breaker.failure(breaker.override(KEY, now=50_000), now=50_000)
    breaker.success(probe, now=50_001)
    assert not breaker.check([KEY], now=50_002)[KEY].allowed


def test_records_go_with_every_sum_of_them(store: SqliteStore) -> None:
    # More than are summed up at once, so that there are both sums and fresh rows.
    for number in range(200):
        store.record_decision(decision(number))
        store.record_outcome(outcome(number))
    assert store.totals(period="all", now=NOW).decisions == 200
    assert store.performance(now=NOW)
    assert clear_records(store.database) == 400
    assert store.totals(period="all", now=NOW).decisions == 0
    assert store.performance(now=NOW) == {}
    assert store.stats(period="all", now=NOW) == ()
    assert store.integrity() == ()


def test_another_process_that_had_read_the_sums_sees_them_gone(
    store: SqliteStore, place: Path | str
) -> None:
    with SqliteStore.open(place) as other:
        for number in range(200):
            store.record_outcome(outcome(number))
        assert other.performance(now=NOW)
        clear_records(store.database)
        assert other.performance(now=NOW) == {}
