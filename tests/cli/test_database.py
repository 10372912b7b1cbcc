"""`db` tells about the database and looks after it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke

UPKEEP = [
    ["info"],
    ["check"],
    ["vacuum"],
    ["prune", "--keep-days", "1", "--yes"],
    ["archive", "--keep-days", "1", "--to", "old.db"],
]


@pytest.fixture
def held(invoke: Invoke) -> list[str]:
    """The ids of three recorded decisions."""
    return [invoke("route", f"Fix bug {n}", "--json").json["decision_id"] for n in range(3)]


def test_the_path_is_told_without_creating_the_file(home: Path, invoke: Invoke) -> None:
    assert invoke("db", "path").out == f"{home / 'router.db'}\n"
    assert not (home / "router.db").exists()


@pytest.mark.parametrize("line", UPKEEP, ids=lambda line: line[0])
def test_upkeep_of_a_database_that_is_not_there_creates_none(
    line: list[str], home: Path, invoke: Invoke
) -> None:
    result = invoke("db", *line)
    assert (result.code, result.out) == (1, "")
    assert "does not exist yet" in result.err
    assert not (home / "router.db").exists()


def test_info_counts_rows_and_bytes(held: list[str], home: Path, invoke: Invoke) -> None:
    found = invoke("db", "info", "--json").json
    assert found["rows"] == {"decisions": 3, "outcomes": 0, "fallbacks": 0, "rate_limits": 0}
    assert found["path"] == str(home / "router.db")
    assert found["bytes"] > 0
    assert found["oldest"] <= found["newest"]
    assert "decisions       3\n" in invoke("db", "info").out


def test_a_sound_database_is_sound(held: list[str], invoke: Invoke) -> None:
    assert invoke("db", "check") == (0, "The database is sound.\n", "")


def test_sums_that_do_not_add_up_are_found(held: list[str], home: Path, invoke: Invoke) -> None:
    with closing(sqlite3.connect(home / "router.db")) as connection:
        connection.execute("UPDATE summary_state SET decisions = 3")
        connection.commit()
    result = invoke("db", "check")
    assert (result.code, result.out) == (1, "3 recorded rows are in no summary.\n")
    assert result.err.startswith("hint: ")


def test_a_damaged_file_is_found(held: list[str], home: Path, invoke: Invoke) -> None:
    invoke("db", "vacuum")
    file = home / "router.db"
    content = bytearray(file.read_bytes())
    content[8192:32768] = b"\xa5" * (32768 - 8192)
    file.write_bytes(content)
    result = invoke("db", "check")
    assert result.code == 1
    assert result.err.startswith(("error: ", "hint: "))


def test_archived_rows_move_and_reports_keep_their_sums(
    held: list[str], home: Path, invoke: Invoke
) -> None:
    before = invoke("stats", "--json").json
    result = invoke("db", "archive", "--keep-days", "0", "--to", "old.db")
    assert result.out.startswith("Moved to old.db: 3 decisions, 0 outcomes")
    assert invoke("db", "info", "--json").json["rows"]["decisions"] == 0
    assert invoke("stats", "--json").json == before
    kept = invoke("export", "--format", "json", "--db", str(home / "old.db")).json
    assert [row["decision_id"] for row in kept] == held


def test_rows_of_today_are_not_before_today(held: list[str], invoke: Invoke) -> None:
    assert invoke("db", "prune", "--keep-days", "1", "--yes").out == "Deleted 0 rows.\n"
    assert invoke("db", "prune", "--before", "2020-01-01", "--yes").out == "Deleted 0 rows.\n"


def test_pruned_rows_are_gone(held: list[str], invoke: Invoke) -> None:
    assert invoke("db", "prune", "--keep-days", "0", "--yes").out == "Deleted 3 rows.\n"
    assert invoke("explain", "--list").out == "No decision is recorded yet.\n"


def test_nothing_is_deleted_unasked(held: list[str], invoke: Invoke) -> None:
    result = invoke("db", "prune", "--keep-days", "0")
    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert invoke("db", "info", "--json").json["rows"]["decisions"] == 3


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--before", "2026-01-01", "--keep-days", "3"],
        ["--before", "yesterday"],
        ["--keep-days=-1"],
    ],
    ids=" ".join,
)
def test_which_rows_must_be_said_once(options: list[str], held: list[str], invoke: Invoke) -> None:
    assert invoke("db", "prune", "--yes", *options).code == 2
    assert invoke("db", "archive", "--to", "old.db", *options).code == 2


def test_a_file_cannot_be_its_own_archive(held: list[str], home: Path, invoke: Invoke) -> None:
    result = invoke("db", "archive", "--keep-days", "0", "--to", str(home / "router.db"))
    assert (result.code, result.out) == (1, "")
    assert "its own archive" in result.err


def test_vacuum_tells_both_sizes(held: list[str], invoke: Invoke) -> None:
    assert invoke("db", "vacuum").out.endswith(" after.\n")
