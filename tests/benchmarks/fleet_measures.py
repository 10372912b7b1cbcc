"""What the model of a fleet is fitted to: the ledger's speed, and what one request costs."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg

from mcp_router.storage.archive import prune
from mcp_router.storage.budgets import BudgetPeriod, BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from tests.benchmarks.fleet import Replica, Upstream, database, make_tokens, write_settings
from tests.benchmarks.fleet_books import replayed
from tests.benchmarks.fleet_load import Load
from tests.benchmarks.gateways import cpu_ms

LARGE = 10**15
AMOUNT = 7
_PERIODS: tuple[BudgetPeriod, ...] = ("day", "month", "total")
_PAIRS = 1_000
# Only the session that hot_row() opens has its functions timed.
_SERVER_MS = """
SELECT sum(total_time) FROM pg_stat_user_functions
WHERE funcname IN ('ledger_reserve', 'ledger_end')
"""


class Costs(NamedTuple):
    """What one answered request costs, in seconds of CPU and in bytes; None was not measured.

    `kept` is the growth of the database, `log` what its journal had to write, and `prune` the
    seconds that deleting the rows of one request takes.
    """

    requests: int
    router_cpu: float
    database_cpu: float | None
    kept: float
    log: float | None
    prune: float


def pairs(address: str, *, processes: int, hot: bool, seconds: float) -> float:
    """Let processes reserve and settle, all under the same budgets or each under its own."""
    command = [sys.executable, str(Path(__file__).with_name("fleet_worker.py")), address]
    members = [
        subprocess.Popen(
            [*command, "all" if hot else str(number), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for member in members:
        assert member.stdout is not None
        member.stdout.readline()
    for member in members:
        assert member.stdin is not None
        member.stdin.write("go\n")
        member.stdin.flush()
    return sum(json.loads(member.communicate()[0]) for member in members) / seconds


def reserve_and_settle(address: str, owner: str, seconds: float) -> int:
    """Be one of them: say "ready", wait for a line, and return how many pairs were done."""
    with Database.open(address) as opened:
        pair, count = _pair(opened, owner), 0
        pair()
        print("ready", flush=True)
        sys.stdin.readline()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pair()
            count += 1
    return count


def hot_row(address: str) -> float:
    """Return the seconds that the server works on one pair: locks are held for no longer."""
    with Database.open(f"{address}?options=-ctrack_functions%3Dpl") as opened:
        pair = _pair(opened, "all")
        for _ in range(_PAIRS):
            pair()
    with psycopg.connect(address) as connection:
        (total,) = connection.execute(_SERVER_MS).fetchone() or (0,)
    return float(total) / 1000 / _PAIRS


def _pair(opened: Database, owner: str) -> Callable[[], None]:
    """Return what reserves and settles once under the budgets of an owner."""
    ledger, tag = Ledger(opened, zone=UTC), f"owner={owner}"
    rules = tuple(BudgetRule(tag, period, LARGE, tag=tag) for period in _PERIODS)
    purpose = Purpose("decision", "model", {"owner": owner})

    def pair() -> None:
        held = ledger.reserve(AMOUNT, rules=rules, purpose=purpose, lease_s=60, now=_now())
        ledger.settle(held, AMOUNT, now=_now())

    return pair


def costs(*, engine: str, seconds: float, clients: int) -> Costs:
    """Load one replica on an engine, without faults, and see what a request costs."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        pid = None
        if engine == "sqlite":
            address = str(folder / "router.db")
        else:
            address, server = stack.enter_context(database(folder))
            pid = server.pid if server else None
        upstream = Upstream()
        stack.callback(upstream.close)
        upstream.spoil(0.0)
        settings = folder / "settings.json"
        write_settings(settings, address=address, upstream=upstream.url, on_lost="closed")
        replica = Replica(folder / "replica", settings=settings, clock=None)
        stack.callback(replica.stop)
        secret = make_tokens(address, ["load"], daily_nanos=None)["load"]
        replica.start()
        replica.ready()
        # Tables begin with room in their pages; growth is counted from there.
        _load(replica, secret, seconds=1.0, clients=clients)
        before = _seen(replica, address, pid)
        answered = _load(replica, secret, seconds=seconds, clients=clients)
        if engine != "sqlite":
            replayed([replica.outbox])
        after = _seen(replica, address, pid)
        router, cpu, kept, log = (
            None if one is None or two is None else (two - one) / answered
            for one, two in zip(before, after, strict=True)
        )
        replica.stop()
        return Costs(answered, router or 0.0, cpu, kept or 0.0, log, _prune(address))


def _load(replica: Replica, secret: str, *, seconds: float, clients: int) -> int:
    async def run() -> int:
        load = Load([replica.port], secret=secret)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(clients))
            await asyncio.sleep(seconds)
            load.stop()
        return sum(one.status == 200 for one in load.samples)

    return asyncio.run(run())


def _seen(
    replica: Replica, address: str, pid: int | None
) -> tuple[float, float | None, float, float | None]:
    router = cpu_ms(replica.pid) / 1000
    if not address.startswith("postgresql:"):
        # The CPU of SQLite is the router's.
        with closing(sqlite3.connect(address)) as file:
            (pages,) = file.execute(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            ).fetchone()
            return router, None, float(pages), None
    with psycopg.connect(address) as connection:
        (kept,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or ()
        (log,) = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone() or ()
    return router, None if pid is None else cpu_ms(pid) / 1000, float(kept), float(log)


def _prune(address: str) -> float:
    """Delete every record; return the seconds for each decision and what belongs to it."""
    with Database.open(address) as opened:
        begun = time.perf_counter()
        gone = prune(opened, before=datetime.now(UTC) + timedelta(seconds=1))
        return (time.perf_counter() - begun) / max(1, gone.decisions)


def _now() -> int:
    return time.time_ns() // 1_000_000
