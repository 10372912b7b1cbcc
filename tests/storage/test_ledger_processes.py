"""Ledger, breaker and rate limiter between real processes, some of them killed."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from random import Random

import pytest

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from tests.storage.crew import crew

WORKER = str(Path(__file__).with_name("ledger_worker.py"))
NOW = 1_790_000_000_000
PRICE = 7
RULES = (BudgetRule("day", "day", 100 * PRICE),)
PURPOSE = Purpose("decision", "model", {"project": "x"})


def results(job: str, *, size: int, path: Path | str) -> list[int]:
    with crew(WORKER, job, str(path), size=size) as members:
        return [json.loads(member.communicate()[0]) for member in members]


def reserve_all(ledger: Ledger, *, now: int) -> int:
    """Reserve and settle calls until one is refused; return how many were granted."""
    for granted in range(10**6):
        try:
            held = ledger.reserve(PRICE, rules=RULES, purpose=PURPOSE, lease_s=60, now=now)
        except BudgetExceededError:
            return granted
        ledger.settle(held, PRICE, now=now)
    raise AssertionError("nothing was ever refused")


def test_8_processes_of_50_tasks_overspend_exactly_0(database: Database, place: Path | str) -> None:
    granted = results("spend", size=8, path=place)
    assert sum(granted) == 100
    (day,) = Ledger(database, zone=UTC).status(RULES, now=NOW)
    assert (int(day.spent_usd * 10**9), day.reserved_usd, day.left_usd) == (100 * PRICE, 0, 0)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_processes_overspend_0_and_their_leases_come_back(
    database: Database, place: Path | str, seed: int
) -> None:
    random = Random(seed)
    with crew(WORKER, "hammer", str(place), size=5) as members:
        for member in random.sample(members, k=len(members)):
            assert member.stdout is not None
            for _ in range(random.randrange(3)):
                member.stdout.readline()
            member.kill()
    ledger = Ledger(database, zone=UTC)
    (day,) = ledger.status(RULES, now=NOW)
    spent, held = int(day.spent_usd * 10**9), int(day.reserved_usd * 10**9)
    assert 0 < spent + held <= 100 * PRICE
    assert reserve_all(ledger, now=NOW + 59_999) == 100 - (spent + held) // PRICE
    assert reserve_all(ledger, now=NOW + 60_000) == held // PRICE
    (day,) = ledger.status(RULES, now=NOW + 60_000)
    assert (int(day.spent_usd * 10**9), day.reserved_usd) == (100 * PRICE, 0)


def test_of_6_processes_one_gets_the_probe(database: Database, place: Path | str) -> None:
    breaker, key = Breaker(database), BreakerKey("p", "m")
    for _ in range(3):
        breaker.failure(breaker.override(key, now=NOW - 30_000), now=NOW - 30_000)
    assert sorted(results("probe", size=6, path=place)) == [0, 0, 0, 0, 0, 1]


def test_4_processes_get_exactly_what_the_rate_limit_allows(
    database: Database, place: Path | str
) -> None:
    assert sum(results("take", size=4, path=place)) == 100


def test_of_4_processes_one_delivers_an_alert(database: Database, place: Path | str) -> None:
    reserve_all(Ledger(database, zone=UTC), now=NOW)
    assert sorted(results("alert", size=4, path=place)) == [0, 0, 0, 1]
