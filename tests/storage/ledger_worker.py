"""One of the processes of test_ledger_processes.py: `ledger_worker.py JOB DATABASE`.

It says "ready", waits for a line on stdin so that all begin together, and prints one JSON value.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC
from itertools import count

import anyio
import anyio.lowlevel

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from mcp_router.storage.limiter import RateKey, RateLimiter, RateLimits

NOW = 1_790_000_000_000
PRICE = 7
RULES = (
    BudgetRule("day", "day", 100 * PRICE),
    BudgetRule("month", "month", 100 * PRICE + 3),
    BudgetRule("project=x", "total", 150 * PRICE, tag="project=x"),
)
PURPOSE = Purpose("decision", "model", {"project": "x"})
LEASE_S = 60


def spend(database: Database) -> int:
    """Let 50 tasks reserve and settle; return how many were granted."""
    ledger = Ledger(database, zone=UTC)
    granted = 0

    async def task() -> None:
        nonlocal granted
        await anyio.lowlevel.checkpoint()
        try:
            held = ledger.reserve(PRICE, rules=RULES, purpose=PURPOSE, lease_s=LEASE_S, now=NOW)
        except BudgetExceededError:
            return
        granted += 1
        await anyio.lowlevel.checkpoint()
        ledger.settle(held, PRICE, now=NOW)

    async def tasks() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(task)

    anyio.run(tasks)
    return granted


def hammer(database: Database) -> int:
    """Reserve, and settle, release or keep in turn, until killed."""
    ledger = Ledger(database, zone=UTC)
    for turn in count():
        if turn % 20 == 0:
            print(turn, flush=True)
        try:
            held = ledger.reserve(PRICE, rules=RULES, purpose=PURPOSE, lease_s=LEASE_S, now=NOW)
        except BudgetExceededError:
            continue
        if turn % 8 == 0:
            ledger.settle(held, PRICE, now=NOW)
        elif turn % 8 != 1:
            ledger.release(held)
    return 0


def probe(database: Database) -> int:
    """Ask 50 times for the probe of a half-open circuit; return how many were given."""
    breaker = Breaker(database)
    return sum(breaker.acquire(BreakerKey("p", "m"), now=NOW) is not None for _ in range(50))


def take(database: Database) -> int:
    """Ask 50 times for a request and ten tokens; return how many were granted."""
    limiter, limits = RateLimiter(database), RateLimits(requests=200, tokens=1_000)
    key = RateKey("p", "m")
    takes = [limiter.take(key, limits=limits, now=NOW, tokens=10) for _ in range(50)]
    return sum(taken.wait_ms == 0 for taken in takes)


def alert(database: Database) -> int:
    """Ask 20 times for alerts; return how many this process was to deliver."""
    ledger = Ledger(database, zone=UTC)
    return sum(len(ledger.pending_alerts(RULES[:1], now=NOW)) for _ in range(20))


def main(job: str, path: str) -> None:
    """Run one job at the sign of the parent."""
    with Database.open(path) as database:
        print("ready", flush=True)
        sys.stdin.readline()
        jobs = {"spend": spend, "hammer": hammer, "probe": probe, "take": take, "alert": alert}
        print(json.dumps(jobs[job](database)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
