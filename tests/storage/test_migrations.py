"""Migrations run once, in order, whole or not at all; schema.sql says the same in one file."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.assets import find
from mcp_router.storage.database import Database
from mcp_router.storage.migrations import Migration, known_migrations, migrate, statements
from mcp_router.storage.schema import main, schema

if TYPE_CHECKING:
    from pathlib import Path

FIRST = Migration(1, "0001_first", "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\n")
SECOND = Migration(2, "0002_second", "ALTER TABLE a ADD COLUMN y DEFAULT 2;\n")
BROKEN = Migration(2, "0002_broken", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);\n")


def connect(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def objects(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return sorted(
        (kind, name, table, " ".join((sql or "").split())) for kind, name, table, sql in found
    )


def test_an_older_file_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with connect(path) as connection:
        migrate(connection, path=path, steps=(FIRST,))
    with connect(path) as connection:
        migrate(connection, path=path, steps=(FIRST, SECOND))
        migrate(connection, path=path, steps=(FIRST, SECOND))
        assert connection.execute("SELECT * FROM a").fetchall() == [(1, 2)]
        assert connection.execute("SELECT * FROM schema_migrations").fetchall() == [
            (1, "0001_first"),
            (2, "0002_second"),
        ]


def test_a_real_file_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    with connect(old) as connection:
        migrate(connection, path=old, steps=known_migrations()[:1])
    Database.open(old).close()
    Database.open(new).close()
    with connect(old) as one, connect(new) as other:
        assert objects(one) == objects(other)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with connect(path) as connection:
        migrate(connection, path=path, steps=(FIRST,))
        before = objects(connection)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(connection, path=path, steps=(FIRST, BROKEN))
        assert objects(connection) == before
        assert not connection.in_transaction
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_migrations_are_numbered_without_gaps() -> None:
    steps = known_migrations()
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.name.startswith(f"{step.version:04}_") for step in steps)


def test_one_file_builds_the_same_schema_as_the_migrations(tmp_path: Path) -> None:
    text = (find("db") / "schema.sql").read_text(encoding="utf-8")
    assert text == schema(), "run: python -m mcp_router.storage.schema"
    built, migrated = tmp_path / "built.db", tmp_path / "migrated.db"
    with connect(built) as connection:
        connection.executescript(text)
    Database.open(migrated).close()
    with connect(built) as one, connect(migrated) as other:
        assert objects(one) == objects(other)
        for ask in ("PRAGMA application_id", "PRAGMA user_version", "PRAGMA journal_mode"):
            assert one.execute(ask).fetchone() == other.execute(ask).fetchone()
        for table in ("schema_migrations", "latency_bins", "summary_state"):
            everything = f"SELECT * FROM {table} ORDER BY 1"
            assert one.execute(everything).fetchall() == other.execute(everything).fetchall()


def test_a_file_built_from_it_opens_without_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "built.db"
    with connect(path) as connection:
        connection.executescript(schema())
        before = objects(connection)
    with Database.open(path) as database, database.reading() as connection:
        assert objects(connection) == before


def test_the_check_of_the_schema_file_passes() -> None:
    assert main(["--check"]) == 0


def test_wrong_usage_of_the_schema_command_is_explained() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_router.storage.schema", "--nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage:" in done.stderr


def test_every_query_file_is_sound_sql_for_the_schema(tmp_path: Path) -> None:
    files = sorted((find("db") / "queries").glob("*.sql"))
    assert files
    with Database.open(tmp_path / "a.db") as database, database.reading() as connection:
        for file in files:
            sql = file.read_text(encoding="utf-8")
            bound = re.sub("--.*", "", sql)
            named = dict.fromkeys(re.findall(r":([a-z_]+)", bound), 0)
            numbered = [int(number or 1) for number in re.findall(r"\?(\d*)", bound)]
            count = max(numbered, default=0) if "?1" in bound else len(numbered)
            assert connection.execute("EXPLAIN " + sql, named or (0,) * count).fetchall(), file.name


names = st.sampled_from(["'semi;colon'", "'it''s'", '"a;b"', "1", "'-- no comment'"])


@given(st.lists(st.lists(names, min_size=1, max_size=4), max_size=6))
def test_a_script_is_split_at_the_ends_of_its_statements(script: list[list[str]]) -> None:
    wanted = ["SELECT " + ",\n ".join(parts) for parts in script]
    text = "-- a; comment\n\n" + "".join(f"{statement};\n-- more;\n" for statement in wanted)
    assert list(statements(text)) == wanted


def test_a_trigger_is_one_statement() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM b;\n  DELETE FROM c;\nEND"
    assert list(statements(f"{trigger};\nSELECT 1;\n")) == [trigger, "SELECT 1"]


def test_a_script_that_ends_too_early_is_refused() -> None:
    with pytest.raises(ValueError, match="ends inside a statement"):
        list(statements("SELECT 1;\nSELECT 2"))
