"""The door: exit codes, one sentence for each failure, and a quiet end when nobody listens."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from mcp_router.cli.main import run
from mcp_router.cli.session import Session
from tests.cli.conftest import Invoke
from tests.cli.process import COMMAND, environment, open_process, start

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and descriptors of POSIX")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["classify", "Fix the login bug"], 0),
        (["classify", ""], 1),
        (["route", "x", "--models", "nosuch"], 1),
        (["explain", "dec_nosuch"], 1),
        (["route", "x", "--max-cost", "nan"], 2),
        (["route", "x", "--max-cost=-1"], 2),
        (["route", "x", "--nosuch"], 2),
        (["nosuch"], 2),
        (["compare", "--input", "x"], 2),
        (["db", "nosuch"], 2),
    ],
)
def test_exit_codes(line: list[str], code: int) -> None:
    done = start(*line)
    assert done.returncode == code, done
    assert (done.stdout != b"") == (code == 0)
    assert done.stderr.startswith(b"error: " if code else b"")


def test_an_error_is_one_sentence_with_a_hint_on_stderr(invoke: Invoke) -> None:
    result = invoke("route", "Fix it", "--models", "sonett", "--json")
    assert result.out == ""
    error, hint = result.err.splitlines()
    assert error == "error: No model is called 'sonett'."
    assert hint.startswith("hint: Did you mean sonnet")


def test_bad_usage_names_the_help_of_the_command(invoke: Invoke) -> None:
    result = invoke("db", "prune", "--keep-days", "many")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[-1] == "hint: See: mcp-router db prune --help"


def test_a_misspelt_command_is_recognised(invoke: Invoke) -> None:
    assert "Did you mean 'classify'?" in invoke("clasify", "x").err


def test_a_bare_prompt_is_told_the_way(invoke: Invoke) -> None:
    result = invoke("Fix the login bug")
    assert (result.code, result.out) == (2, "")
    assert "mcp-router route 'Fix the login bug'" in result.err


def test_global_options_may_stand_on_either_side(tmp_path: Path, invoke: Invoke) -> None:
    file = str(tmp_path / "other.db")
    assert invoke("--db", file, "db", "path").out == f"{file}\n"
    assert invoke("db", "--db", file, "path").out == f"{file}\n"
    assert invoke("db", "path", "--db", file).out == f"{file}\n"


def test_what_is_unexpected_is_one_sentence_and_a_traceback_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken() -> datetime:
        raise ZeroDivisionError

    session = Session(clock=broken)
    assert run(["models"], session=session) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "error: This is a defect in mcp-router: ZeroDivisionError.",
        "hint: Please report it with the command you ran and what --debug adds.",
    ]
    assert run(["models", "--debug"], session=session) == 1
    assert "Traceback" in capsys.readouterr().err


def test_names_and_messages_cannot_steer_the_terminal(invoke: Invoke) -> None:
    for line in (
        ["route", "x", "--models", "\x1b[2J\x9b"],
        ["route", "x", "--file", "\x1b]0;title\x07"],
        ["\x1b[31m"],
        ["explain", "\x1b[31m\u202e"],
        ["models", "\x1b[31m"],
        ["--config", "\x1b[31m", "config"],
    ):
        result = invoke(*line)
        assert result.code in (1, 2)
        assert all(c.isprintable() or c == "\n" for c in result.out + result.err), line


@POSIX
def test_an_interrupt_ends_with_130() -> None:
    process = open_process("route", "--debug", "-")
    assert process.stdin is not None
    # More than a pipe holds: once it is written, the command is reading its standard input.
    process.stdin.write(b"word " * 100_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"")
    assert err == b"error: Interrupted.\n"


@POSIX
def test_a_reader_that_leaves_is_no_error() -> None:
    process = open_process("models", "--all", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")


@POSIX
def test_a_closed_stdout_is_an_error() -> None:
    line = " ".join([*map(repr, COMMAND), "classify x >&-"])
    done = subprocess.run(
        ["sh", "-c", line], env=environment(), capture_output=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert done.stderr == b"error: Standard output is closed.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("line", [["classify", "x"], ["classify", "x", "--json"]])
def test_a_full_disk_is_an_error(line: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *line], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: Standard output cannot be written: No space left")


@POSIX
def test_the_current_folder_may_be_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m mcp_router classify x"
    done = subprocess.run(
        ["sh", "-c", command], env=environment(), capture_output=True, timeout=20, check=False
    )
    assert done.returncode == 0, done


def test_a_latin_terminal_gets_escapes_instead_of_a_crash() -> None:
    done = start("classify", "证明根号2是无理数", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"\\u8bc1\\u660e" in done.stdout


def test_a_locked_database_is_told_after_the_wait(home: Path, invoke: Invoke) -> None:
    assert invoke("route", "x").code == 0
    other = sqlite3.connect(home / "router.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        result = invoke("route", "y", "--json")
    finally:
        other.close()
    assert (result.code, result.out) == (1, "")
    assert "locked" in result.err


@pytest.mark.parametrize("command", [["route", "x"], ["stats"], ["budget"], ["explain"]])
def test_a_file_that_is_no_database_is_told(command: list[str], home: Path, invoke: Invoke) -> None:
    (home / "router.db").write_bytes(b"not a database, but long enough to be one" * 100)
    result = invoke(*command)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"error: Database {home / 'router.db'}: it is not a SQLite")


def test_a_folder_in_place_of_the_database_is_told(home: Path, invoke: Invoke) -> None:
    result = invoke("route", "x", "--db", str(home))
    assert (result.code, result.out) == (1, "")
    assert "it is a folder" in result.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_database_is_told(home: Path, invoke: Invoke) -> None:
    assert invoke("route", "x").code == 0
    (home / "router.db").chmod(0o400)
    result = invoke("route", "y")
    assert (result.code, result.out) == (1, "")
    assert "read-only" in result.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"strategy = ", "not TOML"),
        (b'strategy = "fastest"', "strategy"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[budget]\ndaily = -5", "budget.daily"),
        (b'[chains]\nmine = ["nosuch"]', "nosuch"),
    ],
)
def test_broken_settings_are_told_with_the_place(
    content: bytes, told: str, home: Path, invoke: Invoke
) -> None:
    (home / "mcp-router.toml").write_bytes(content)
    result = invoke("route", "x")
    assert (result.code, result.out) == (1, "")
    assert told in result.err
    assert result.err.startswith("error: ")
