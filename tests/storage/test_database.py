"""A database file opens safely, or says in one sentence why not and what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mcp_router.errors import StorageError
from mcp_router.storage.database import Database
from mcp_router.storage.migrations import APPLICATION_ID, known_migrations
from tests.storage.crew import crew

ROOT = Path(__file__).parents[2]
NOBODY = "65534"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def opened_file(path: Path) -> Path:
    Database.open(path).close()
    return path


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


OPEN = """
import os, sys
from mcp_router.errors import StorageError
import mcp_router.storage.sqlite_file
from mcp_router.storage.database import Database
os.setuid(int(sys.argv[2]))
try:
    Database.open(sys.argv[1]).close()
except StorageError as error:
    print(error)
else:
    print("opened")
"""


def test_a_new_file_is_private_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "router.db"
    before = os.umask(0)
    try:
        with Database.open(path) as database, database.transaction():
            assert {mode(file) for file in path.parent.iterdir()} == {0o600}
            assert len(list(path.parent.iterdir())) == 3
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = opened_file(tmp_path / "router.db")
    path.chmod(0o644)
    opened_file(path)
    assert mode(path) == 0o600


def test_it_runs_in_wal_mode_and_checks_references(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.db") as database, database.reading() as connection:
        ask = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert ask == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5_000,
    }


@pytest.mark.parametrize("name", ["file:x?mode=memory", ":memory:", "a b'\"?#%", "日本.db"])
def test_any_name_is_just_a_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Database.open(name).close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="it is a folder, not a file"):
        Database.open(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be created"):
        Database.open(tmp_path / "file" / "router.db")


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Buy milk. " * 500)
    with pytest.raises(StorageError, match="not a SQLite database") as caught:
        Database.open(path)
    assert caught.value.hint == "Name another file."
    assert path.read_text() == "Buy milk. " * 500


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StorageError, match="another program owns it"):
        Database.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    path = opened_file(tmp_path / "router.db")
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    with pytest.raises(StorageError, match=r"damaged.*restore a backup") as caught:
        Database.open(path)
    assert caught.value.path == str(path)


def test_a_damaged_schema_is_reported_whatever_bytes_stand_there(tmp_path: Path) -> None:
    path = opened_file(tmp_path / "router.db")
    path.write_bytes(path.read_bytes().replace(b"CREATE INDEX", b"CREATE \xff\xa8\xffEX"))
    with pytest.raises(StorageError, match=r"damaged.*restore a backup") as caught:
        Database.open(path)
    assert caught.value.path == str(path)


def test_a_file_from_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = opened_file(tmp_path / "router.db")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StorageError, match=r"newer mcp-router wrote it \(schema 999.*pip install"):
        Database.open(path)


def test_a_locked_file_is_an_error_after_the_wait(tmp_path: Path) -> None:
    path = opened_file(tmp_path / "router.db")
    with Database.open(path) as one, Database.open(path) as other:
        with other.reading() as connection:
            connection.execute("PRAGMA busy_timeout = 20")
        with (
            one.transaction(),
            pytest.raises(StorageError, match=r"locked.*Close the program"),
            other.transaction(),
        ):
            pass
        with other.transaction() as connection:
            connection.execute("UPDATE summary_state SET folds = folds + 1")


def test_opening_and_reading_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    path = opened_file(tmp_path / "router.db")
    with Database.open(path) as writer, writer.transaction() as connection:
        connection.execute("UPDATE summary_state SET folds = 7")
        with Database.open(path) as reader, reader.reading() as other:
            assert other.execute("SELECT folds FROM summary_state").fetchone() == (0,)


def test_a_full_disk_is_reported_and_loses_nothing_written_before(tmp_path: Path) -> None:
    insert = (
        "INSERT INTO rate_limit_events (created_ms, model, provider, source) VALUES (1, ?, '', '')"
    )
    with Database.open(tmp_path / "router.db") as database:
        with database.transaction() as connection:
            connection.execute(insert, ("kept",))
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StorageError, match=r"the disk is full. Free some space"):  # noqa: SIM117
            with database.transaction() as connection:
                connection.execute(insert, ("x" * 100_000,))
        with database.reading() as connection:
            assert connection.execute("SELECT model FROM rate_limit_events").fetchall() == [
                ("kept",)
            ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to become another user")
def test_what_may_not_be_written_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = opened_file(folder / "router.db")
        folder.chmod(0o755)
        path.chmod(0o644)
        read_only = run(OPEN, str(path), NOBODY)
        folder.chmod(0o777)
        read_only_file = run(OPEN, str(path), NOBODY)
        folder.chmod(0o755)
        no_file = run(OPEN, str(folder / "new.db"), NOBODY)
    hint = "Give your user write permission on the file and its folder."
    sentence = f"Database {path}: it is read-only. {hint}\n"
    assert (read_only.stdout, read_only_file.stdout) == (sentence, sentence)
    assert "it cannot be created (Permission denied). Name a file" in no_file.stdout


def test_what_an_exception_interrupts_is_rolled_back(tmp_path: Path) -> None:
    def interrupted(database: Database) -> None:
        with database.transaction() as connection:
            connection.execute("UPDATE summary_state SET folds = 9")
            raise KeyboardInterrupt

    with Database.open(tmp_path / "router.db") as database:
        with pytest.raises(KeyboardInterrupt):
            interrupted(database)
        with database.reading() as connection:
            assert connection.execute("SELECT folds FROM summary_state").fetchone() == (0,)


def test_a_forked_child_gets_a_connection_of_its_own(tmp_path: Path) -> None:
    script = """
import os, sys
from mcp_router.storage.database import Database
database = Database.open(sys.argv[1])
update = "UPDATE summary_state SET folds = folds + 1"
child = os.fork()
for _ in range(200):
    with database.transaction() as connection:
        connection.execute(update)
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
with database.reading() as connection:
    print(connection.execute("SELECT folds FROM summary_state").fetchone()[0])
"""
    done = run(script, str(tmp_path / "router.db"))
    assert (done.stdout, done.stderr) == ("400\n", "")


def test_six_processes_may_create_the_same_file_at_once(tmp_path: Path) -> None:
    script = """
import sys
from mcp_router.storage.database import Database
print("ready", flush=True)
sys.stdin.readline()
for name in sys.argv[1:]:
    with Database.open(name) as database, database.transaction() as connection:
        connection.execute("UPDATE summary_state SET folds = folds + 1")
    print(name, flush=True)
"""
    names = [str(tmp_path / f"{number}.db") for number in range(25)]
    with crew("-c", script, *names, size=6) as members:
        opened = [member.communicate(timeout=60)[0].split() for member in members]
    assert opened == [names] * 6
    for name in names:
        with Database.open(name) as database, database.reading() as connection:
            assert connection.execute("SELECT folds FROM summary_state").fetchone() == (6,)


def test_the_file_carries_our_mark_and_the_newest_version(tmp_path: Path) -> None:
    with Database.open(tmp_path / "router.db") as database, database.reading() as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (
            known_migrations()[-1].version,
        )
