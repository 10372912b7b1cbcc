"""Measures the ledger, breaker and rate limiter beside plain SQLite updates of the same run.

    python tests/benchmarks/bench_ledger.py [--processes 4] [--calls 5000]

All processes write to one file. "floor" is what that machine's SQLite does at best under the same
contention: one committed UPDATE per step, so the floor of a reserve+settle pair is two of them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from mcp_router.storage.limiter import RateKey, RateLimiter, RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier

NOW = 1_790_000_000_000
LARGE = 10**15
RULES = (
    BudgetRule("day", "day", LARGE),
    BudgetRule("month", "month", LARGE),
    BudgetRule("project=x", "month", LARGE, tag="project=x"),
)
PURPOSE = Purpose("decision", "model", {"project": "x", "session": "s"})
PLAIN = "UPDATE ledger_clock SET seen_ms = seen_ms + 1"


def floor(database: Database, calls: int) -> None:
    """Commit two plain updates per call, on a bare sqlite3 connection."""
    with database.private() as connection:
        for _ in range(2 * calls):
            connection.execute(PLAIN)


def pairs(database: Database, calls: int) -> None:
    """Reserve and settle under a day, a month and a project budget."""
    ledger = Ledger(database, zone=UTC)
    for step in range(calls):
        held = ledger.reserve(900, rules=RULES, purpose=PURPOSE, lease_s=60, now=NOW + step)
        ledger.settle(held, 400, now=NOW + step)


def takes(database: Database, calls: int) -> None:
    """Take a request and its tokens from one bucket."""
    limiter = RateLimiter(database)
    limits = RateLimits(requests=10**9, tokens=10**9)
    for _ in range(calls):
        limiter.take(RateKey("p", "m"), limits=limits, now=NOW, tokens=900)


def checks(database: Database, calls: int) -> None:
    """Ask the breaker about 150 models, three of them open."""
    breaker = Breaker(database)
    keys = [BreakerKey("p", f"m{number}") for number in range(150)]
    for key in keys[:3] * 3:
        breaker.failure(breaker.override(key, now=NOW), now=NOW)
    for _ in range(calls):
        breaker.check(keys, now=NOW)


JOBS: dict[str, Callable[[Database, int], None]] = {
    "floor: 2 plain updates": floor,
    "reserve + settle": pairs,
    "rate limit take": takes,
    "breaker check of 150": checks,
}


def work(name: str, path: Path, calls: int, barrier: Barrier) -> None:
    """Run one job in this process, between two meetings of all processes."""
    with Database.open(path) as database:
        barrier.wait()
        JOBS[name](database, calls)
    barrier.wait()


def measure(name: str, *, processes: int, calls: int) -> float:
    """Return how often per second all processes together did the job."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "router.db"
        crew = [
            context.Process(target=work, args=(name, path, calls, barrier))
            for _ in range(processes)
        ]
        for member in crew:
            member.start()
        barrier.wait()
        start = time.perf_counter()
        barrier.wait()
        elapsed = time.perf_counter() - start
        for member in crew:
            member.join()
    return processes * calls / elapsed


def main() -> None:
    """Print one line per job: rate, time per call in one process, and ratio to the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--calls", type=int, default=5000)
    options = parser.parse_args()
    base = 0.0
    for name in JOBS:
        rate = measure(name, processes=options.processes, calls=options.calls)
        alone = measure(name, processes=1, calls=options.calls)
        base = base or rate
        print(
            f"{name:24} {rate:9,.0f}/s over {options.processes} processes"
            f"  {1e6 / alone:7.1f} us alone  {rate / base:6.2f} of the floor"
        )


if __name__ == "__main__":
    main()
