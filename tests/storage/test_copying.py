"""A history moves from one engine to the other and back, and nothing of it is lost on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, timedelta
from itertools import count
from pathlib import Path

import pytest

from mcp_router.errors import StorageError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.copying import copy_history
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Fallback
from tests.storage.conftest import NOON, decision, outcome
from tests.storage.servers import fresh_schema, needs_server

pytestmark = needs_server
ROOT = Path(__file__).parents[2]
RULES = (BudgetRule("day", "day", 10**9), BudgetRule("project=x", "total", 10**9, "project=x"))
COPY = """
import sys
from mcp_router.storage.copying import copy_history
from mcp_router.storage.database import Database
def advance(table, rows):
    print(table, rows, flush=True)
with Database.open(sys.argv[1]) as source, Database.open(sys.argv[2]) as target:
    copy_history(source, target, advance=advance)
print("done")
"""


def ignore(table: str, rows: int) -> None:
    """Nobody watches."""


def fill(store: SqliteStore, *, size: int = 300) -> None:
    for number in range(size):
        at = NOON - timedelta(hours=number)
        store.record_decision(decision(number, created_at=at), prompt="caf\u00e9 \0 \U0001f600")
        store.record_outcome(outcome(number, created_at=at, note="it's 5 % 'quoted'"))
        store.record_outcome(outcome(number, created_at=at, source="feedback", score=0.75))
        store.record_fallback(
            Fallback(f"decision-{number}", at, "debugging", "a", "p", "b", "q", "timeout")
        )
    ledger, purpose = Ledger(store.database, zone=UTC), Purpose("d", "m", {"project": "x"})
    for spent in (3, 5, None):
        held = ledger.reserve(10, rules=RULES, purpose=purpose, lease_s=60, now=to_ms(NOON))
        if spent is not None:
            ledger.settle(held, spent, now=to_ms(NOON))


def told(store: SqliteStore) -> object:
    return (
        store.totals(period="all"),
        store.stats(period="all", by="day"),
        store.stats(period="all", by="model"),
        store.recent(limit=5),
        store.performance(now=NOON),
        Ledger(store.database, zone=UTC).status(RULES, now=to_ms(NOON)),
        store.integrity(),
    )


def test_a_history_goes_to_a_server_and_back(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    with fresh_schema() as address, SqliteStore.open(first) as store:
        fill(store)
        with SqliteStore.open(address) as shared:
            there = copy_history(store.database, shared.database, advance=ignore)
            assert told(shared) == told(store)
            with SqliteStore.open(second) as again:
                back = copy_history(shared.database, again.database, advance=ignore)
                assert told(again) == told(store)
                again.record_decision(decision(9_000))
            shared.record_decision(decision(9_001))
            assert shared.totals(period="all").decisions == 301
        assert [one.table for one in there if one.rows] == [one.table for one in back if one.rows]
        # Sums of the last records were only added to the others before the way back.
        summed = ("_tracking", "model_", "summary_")
        changed = {one.table for one in back if one not in there}
        assert not {name for name in changed if not any(part in name for part in summed)}


@pytest.mark.parametrize("lines", [1, 2, 4, 7])
def test_a_copy_that_is_killed_is_finished_by_the_next(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "router.db"
    with SqliteStore.open(path) as store:
        fill(store, size=1_100)
        expected = told(store)
    with fresh_schema() as address:
        job = subprocess.Popen(
            [sys.executable, "-c", COPY, str(path), address],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        with job:
            assert job.stdout is not None
            for _ in range(lines):
                assert job.stdout.readline() != "done\n"
            job.kill()
        seen = count()
        with Database.open(path) as source, SqliteStore.open(address) as shared:
            copy_history(source, shared.database, advance=lambda *_: print(next(seen)))
            assert told(shared) == expected


def test_a_target_with_records_of_its_own_is_refused(tmp_path: Path) -> None:
    with (
        fresh_schema() as address,
        SqliteStore.open(tmp_path / "router.db") as store,
        SqliteStore.open(address) as shared,
    ):
        store.record_decision(decision(1))
        shared.record_decision(decision(2))
        with pytest.raises(StorageError, match="records that the source does not have"):
            copy_history(store.database, shared.database, advance=ignore)


def test_a_database_is_not_copied_onto_itself(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.db") as one, pytest.raises(StorageError, match="itself"):
        copy_history(one, one, advance=ignore)
