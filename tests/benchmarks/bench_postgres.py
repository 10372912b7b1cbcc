"""Measures the ledger on PostgreSQL, where every process asks for the same team's daily budget.

    python tests/benchmarks/bench_postgres.py [--seconds 4] [--sizes 1 8 64]

"held" is the same ledger with commits in the usual way: the locks of the budgets are held while the
disk writes, so processes queue for the disk. "plain" is what two committed updates of one row cost,
without any of the ledger's work: what this machine and its disk can do. Says so and stops where no
server answers at MCP_ROUTER_TEST_POSTGRES or on 127.0.0.1:5432.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from tests.storage.servers import answers, fresh_schema

if TYPE_CHECKING:
    from collections.abc import Callable

PRICE = 7
GRANTS = 500
"""How many calls the budget of the overspending test holds."""

LARGE = 10**15
PURPOSE = Purpose("decision", "model", {"project": "x"})
PLAIN = "UPDATE budget_tracking SET reserved_nanos = reserved_nanos + ? WHERE name = 'day'"


def rules(limit: int) -> tuple[BudgetRule, ...]:
    return (
        BudgetRule("day", "day", limit),
        BudgetRule("month", "month", LARGE),
        BudgetRule("project=x", "total", LARGE, tag="project=x"),
    )


def now() -> int:
    return time.time_ns() // 1_000_000


def pairs(database: Database, until: float) -> int:
    """Reserve and settle until time is up; return how many times."""
    ledger, count = Ledger(database, zone=UTC), 0
    while time.monotonic() < until:
        held = ledger.reserve(PRICE, rules=rules(LARGE), purpose=PURPOSE, lease_s=60, now=now())
        ledger.settle(held, PRICE, now=now())
        count += 1
    return count


def held(address: str) -> None:
    """Have the ledger's functions wait for the disk at each commit, locks in hand."""
    with Database.open(address) as database, database.private() as connection:
        for name in ("ledger_reserve", "ledger_end", "ledger_sweep"):
            (text,) = connection.execute(
                "SELECT pg_get_functiondef(CAST(? AS regproc))", (name,)
            ).fetchone()
            connection.execute(
                text.replace("'synchronous_commit', 'off'", "'synchronous_commit', 'on'")
            )
        connection.execute(
            "CREATE OR REPLACE FUNCTION ledger_flush() RETURNS void LANGUAGE sql AS 'SELECT'"
        )


def plain(database: Database, until: float) -> int:
    """Update and commit the same row twice, again and again."""
    count = 0
    while time.monotonic() < until:
        database.write(PLAIN, (1,))
        database.write(PLAIN, (-1,))
        count += 1
    return count


def spend(database: Database, until: float) -> int:
    """Reserve and settle until the budget is spent; return how many were granted."""
    ledger, count = Ledger(database, zone=UTC), 0
    limited = rules(GRANTS * PRICE)
    while time.monotonic() < until + 600:
        try:
            held = ledger.reserve(PRICE, rules=limited, purpose=PURPOSE, lease_s=600, now=now())
        except BudgetExceededError:
            return count
        ledger.settle(held, PRICE, now=now())
        count += 1
    raise RuntimeError("the budget was never spent")


JOBS: dict[str, Callable[[Database, float], int]] = {
    "pairs": pairs,
    "held": pairs,
    "plain": plain,
    "spend": spend,
}


def work(job: str, address: str, seconds: float) -> None:
    """Be one of the processes: begin with the others, and print how far it came."""
    with Database.open(address) as database:
        Ledger(database, zone=UTC).status(rules(LARGE), now=now())
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(JOBS[job](database, time.monotonic() + seconds)), flush=True)


def crew(job: str, address: str, *, size: int, seconds: float) -> int:
    """Run a job in so many processes at once; return how much they did together."""
    command = [sys.executable, __file__, "--job", job, address, str(seconds)]
    members = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(size)
    ]
    for member in members:
        assert member.stdout is not None
        assert member.stdout.readline() == "ready\n"
    for member in members:
        assert member.stdin is not None
        member.stdin.write("go\n")
        member.stdin.flush()
    return sum(json.loads(member.communicate()[0]) for member in members)


def spent(address: str) -> int:
    with Database.open(address) as database:
        (day, *_) = Ledger(database, zone=UTC).status(rules(GRANTS * PRICE), now=now())
    return round((day.spent_usd + day.reserved_usd) * 10**9)


def main() -> int:
    """Print pairs a second at each size, and by how much a budget was passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 8, 64])
    given = parser.parse_args()
    if not answers():
        print("skipped: no PostgreSQL at MCP_ROUTER_TEST_POSTGRES, or on 127.0.0.1:5432")
        return 0
    good = True
    print("processes   pairs/s    held/s   ratio   plain/s   granted   overspent")
    for size in given.sizes:
        rates = {}
        for job in ("plain", "held", "pairs"):
            with fresh_schema() as address:
                if job == "held":
                    held(address)
                done = crew(job, address, size=size, seconds=given.seconds)
                rates[job] = done / given.seconds
        with fresh_schema() as address:
            granted = crew("spend", address, size=size, seconds=given.seconds)
            over = spent(address) - GRANTS * PRICE
        ratio = rates["pairs"] / rates["held"]
        print(
            f"{size:9}   {rates['pairs']:7.0f}   {rates['held']:7.0f}   {ratio:5.2f}   "
            f"{rates['plain']:7.0f}   {granted:7}   {over:9}"
        )
        good &= over == 0 and granted == GRANTS
    return int(not good)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        work(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    else:
        sys.exit(main())
