"""What is particular to a database on a server: its schema, its faults, its clock, its silence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from mcp_router.errors import LostDatabaseError, StorageError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose
from mcp_router.storage.migrations import known_migrations
from mcp_router.storage.postgres.database import MOST_CONNECTIONS, PostgresDatabase
from mcp_router.storage.postgres.dialect import translated
from mcp_router.storage.postgres.migrations import postgres_migrations
from mcp_router.storage.postgres.outbox import Op
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import decision
from tests.storage.servers import SERVER, Gate, fresh_schema, needs_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_server
ROOT = Path(__file__).parents[2]
DAY = BudgetRule("day", "day", 100)
PURPOSE = Purpose("d", "m")
OPEN = """
import sys
from mcp_router.storage.database import Database
sys.stdin.readline()
Database.open(sys.argv[1]).close()
print("opened")
"""
TABLES = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
)
SHARED_TABLES = """
SELECT relname::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')
"""


@pytest.fixture
def address() -> Iterator[str]:
    with fresh_schema() as made:
        yield made


@pytest.fixture
def shared(address: str) -> Iterator[PostgresDatabase]:
    with PostgresDatabase(address) as opened:
        yield opened


def test_both_engines_have_the_same_migrations_tables_views_and_columns(
    shared: PostgresDatabase, tmp_path: Path
) -> None:
    assert [(one.version, one.name) for one in postgres_migrations()] == [
        (one.version, one.name) for one in known_migrations()
    ]
    with Database.open(tmp_path / "router.db") as own:
        with own.reading() as connection:
            names = {name for (name,) in connection.execute(TABLES)}
        with shared.reading() as connection:
            theirs = {name for (name,) in connection.execute(SHARED_TABLES)}
        assert theirs - names == {"replayed_records"}
        assert names - theirs == set()
        views = {name for name in names if name.startswith(("v_", "fresh_"))}
        for name in names - views:
            assert dict(shared.columns(name)) == dict(own.columns(name)), name


def test_processes_that_start_together_make_one_schema(address: str) -> None:
    members = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(6)
    ]
    said = [member.communicate("go\n")[0] for member in members]
    assert said == ["opened\n"] * 6


def test_an_older_program_refuses_a_newer_schema(shared: PostgresDatabase, address: str) -> None:
    with shared.transaction() as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (9_999, "9999_later"))
    with pytest.raises(StorageError, match=r"newer mcp-router wrote it \(schema 9999"):
        Database.open(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://127.0.0.1:1/test", "does not answer"),
        ("postgresql://no-such-user@127.0.0.1:5432/test", "does not let this user in"),
        ("postgresql://127.0.0.1:5432/no-such-database", "no database of this name"),
        ("postgresql://127.0.0.1:5432/test?sslmode=require", "offers no TLS"),
        ("postgresql://127.0.0.1:5432/test?nonsense=1", "address cannot be read"),
        ("postgresql://127.0.0.1:5432/test?options=-csearch_path%3Dmissing", "does not exist"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_in_one_sentence(address: str, said: str) -> None:
    if "5432" in address and "127.0.0.1:5432" not in SERVER:
        pytest.skip("needs the server on its usual port")
    with pytest.raises(StorageError, match=said) as caught:
        Database.open(address)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_password_is_never_shown() -> None:
    with pytest.raises(StorageError) as caught:
        Database.open("postgresql://user:s3cret-word@127.0.0.1:1/test?password=s3cret-word")
    assert "s3cret-word" not in str(caught.value)


def test_a_machine_whose_clock_is_wrong_ends_no_lease_of_others(address: str) -> None:
    with PostgresDatabase(address) as right, PostgresDatabase(address) as wrong:
        wrong.wall = lambda: time.time() + 3_600
        now = time.time_ns() // 1_000_000
        mine, theirs = (Ledger(one, zone=UTC) for one in (right, wrong))
        held = mine.reserve(60, rules=[DAY], purpose=PURPOSE, lease_s=60, now=now)
        theirs.reserve(40, rules=[DAY], purpose=PURPOSE, lease_s=60, now=now + 3_600_000)
        (day,) = theirs.status([DAY], now=now + 3_600_000)
        assert int(day.reserved_usd * 10**9) == 100
        assert mine.extend(held, lease_s=60, now=now)


def test_a_server_that_falls_silent_is_given_up(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    with PostgresDatabase(gate.address(address.rpartition("%3D")[2])) as database:
        with database.reading() as connection:
            connection.execute("SELECT 1")
        monkeypatch.setattr("mcp_router.storage.postgres.session.Wire.patience", 0.5)
        gate.stalled.set()
        silent = pytest.raises(LostDatabaseError, match="does not answer")
        with silent, database.reading() as connection:
            connection.execute("SELECT 1")
    gate.shut()


def test_after_outages_a_process_keeps_no_more_connections_than_before(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_router.storage.postgres.database._PAUSE_SECONDS", 0.0)
    gate = Gate()

    def lose() -> None:
        with database.reading() as connection:
            # The server goes away between the loan and the first statement.
            assert not connection.wire.closed
            gate.shut()
            connection.execute("SELECT 1")

    def backend(_: int) -> int:
        with database.reading() as connection:
            return int(connection.first("SELECT pg_backend_pid(), pg_sleep(0.2)", ())[0])

    with PostgresDatabase(gate.address(address.rpartition("%3D")[2])) as database:
        for _ in range(3):
            with pytest.raises(LostDatabaseError):
                lose()
            gate.open()
        with ThreadPoolExecutor(2 * MOST_CONNECTIONS) as pool:
            backends = set(pool.map(backend, range(2 * MOST_CONNECTIONS)))
    assert len(backends) <= MOST_CONNECTIONS
    gate.shut()


def test_a_record_that_arrived_unconfirmed_is_not_written_twice(
    address: str, tmp_path: Path
) -> None:
    with SqliteStore.open(address) as store:
        database = store.database
        assert isinstance(database, PostgresDatabase)
        database.keep_in(tmp_path / "outbox.db")
        outbox = database.outbox
        assert outbox is not None
        store.record_decision(decision(1))
        assert outbox.wait(10)
        with psycopg.connect(SERVER) as other:
            schema = address.rpartition("%3D")[2]
            rows = other.execute(f"SELECT key FROM {schema}.replayed_records".encode()).fetchall()
        # As if the word of its arrival had been lost: the same key comes once more.
        event = Op("record_rate_limit", ("decision-1", 5, "m", "p", "local", None))
        outbox.append([event], key=rows[0][0])
        assert outbox.wait(10)
        assert outbox.left() == 0
        with database.reading() as connection:
            found = connection.execute("SELECT count(*) FROM rate_limit_events").fetchone()
        assert found == (0,)


def test_a_process_whose_database_is_away_closes_at_once(address: str, tmp_path: Path) -> None:
    gate = Gate()
    gate.shut()
    place = gate.address(address.rpartition("%3D")[2])
    with PostgresDatabase(place, on_lost="open") as database:
        database.keep_in(tmp_path / "outbox.db")
        assert database.outbox is not None
        database.outbox.later(lambda: None)
        database.outbox.wait(5)
        began = time.monotonic()
    assert time.monotonic() - began < 3


def test_a_record_that_is_refused_holds_up_no_other(address: str, tmp_path: Path) -> None:
    with SqliteStore.open(address) as store:
        database = store.database
        assert isinstance(database, PostgresDatabase)
        database.keep_in(tmp_path / "outbox.db")
        outbox = database.outbox
        assert outbox is not None
        outbox.append([Op("record_rate_limit", ("d", "no time", "m", "p", "local", None))])
        store.record_decision(decision(2))
        assert store.recent(limit=1)[0].decision_id == "decision-2"


def test_a_forked_process_opens_connections_of_its_own(shared: PostgresDatabase) -> None:
    with shared.reading() as connection:
        connection.execute("SELECT 1")
    child = os.fork()
    if child == 0:
        with shared.reading() as connection:
            os._exit(0 if connection.execute("SELECT 7").fetchone() == (7,) else 1)
    assert os.waitpid(child, 0)[1] == 0
    with shared.reading() as connection:
        assert connection.execute("SELECT 8").fetchone() == (8,)


def test_placeholders_are_found_outside_of_texts_and_comments() -> None:
    found = translated("SELECT ':a ?', ?2, :name, ?, x::text -- ? :no\nFROM t WHERE y = :name")
    assert found.text == (b"SELECT ':a ?', $2, $1, $1, x::text -- ? :no\nFROM t WHERE y = $1")
    assert found.names == ("name",)
