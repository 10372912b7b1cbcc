"""Whatever a path leads to, each command that takes one does its work or says why it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import click
import pytest

from mcp_router.cli.group import cli
from mcp_router.storage.sqlite import SqliteStore
from tests.cli.conftest import Invoke
from tests.cli.test_help import commands
from tests.storage.conftest import decision

if sys.platform == "win32":
    pytest.skip("links, devices and long names are a POSIX matter", allow_module_level=True)

MODELS = ("--models", "opus")
# PATH stands for the path; each line is one way to give one.
READING: Mapping[str, tuple[str, ...]] = {
    "--config": ("models", "--config", "PATH"),
    "config check FILE": ("config", "check", "PATH"),
    "route --file": ("route", "--file", "PATH"),
    "route --system": ("route", "x", "--system", "PATH"),
    "route --request": ("route", "--request", "PATH"),
    "classify --file": ("classify", "--file", "PATH"),
    "run --file": ("run", "--file", "PATH"),
    "run --system": ("run", "x", "--system", "PATH"),
    "suggest --file": ("suggest", "--file", "PATH"),
    "suggest --request": ("suggest", "--request", "PATH"),
    "workflow FILE": ("workflow", "PATH"),
    "batch FILE": ("batch", "PATH"),
    "benchmark FILE": ("benchmark", "PATH", *MODELS),
    "eval FILE": ("eval", "PATH"),
    "eval --prices": ("eval", "--prices", "PATH"),
    "db copy FROM": ("db", "copy", "PATH", "copied.db"),
    "explain --replay": ("explain", "--replay", "PATH"),
}
WRITING: Mapping[str, tuple[str, ...]] = {
    "--db": ("stats", "--db", "PATH"),
    "route --db": ("route", "x", "--db", "PATH"),
    "db info": ("db", "info", "--db", "PATH"),
    "run --output": ("run", "x", "--output", "PATH"),
    "export csv": ("export", "--format", "csv", "--output", "PATH"),
    "export json": ("export", "--format", "json", "--output", "PATH"),
    "export sqlite": ("export", "--format", "sqlite", "--output", "PATH"),
    "report --html": ("report", "--html", "PATH"),
    "db archive": ("db", "archive", "--keep-days", "0", "--to", "PATH"),
    "db copy TO": ("db", "copy", "router.db", "PATH"),
    "reset stats": ("reset", "stats", "--yes", "--archive", "PATH"),
}
BAD: Mapping[str, Callable[[Path], str]] = {
    "a name too long": lambda folder: "x" * 300,
    "a loop of links": lambda folder: _loop(folder),
    "a folder": lambda folder: str(folder),
    "the root of all folders": lambda folder: folder.anchor,
    "a place nobody may write": lambda folder: "/proc/self/nothing-here",
}


def _loop(folder: Path) -> str:
    (folder / "loop").symlink_to("loop")
    return str(folder / "loop")


@pytest.fixture
def recorded(home: Path) -> None:
    with SqliteStore.open(home / "router.db") as store:
        store.record_decision(decision(1))


def given_path(line: tuple[str, ...], path: str) -> list[str]:
    return [word.replace("PATH", path) for word in line]


def refused(invoke: Invoke, line: list[str]) -> str:
    code, out, err = invoke(*line)
    assert code in (1, 2), (code, out, err)
    assert out == ""
    first, *rest = err.splitlines()
    assert first.startswith("error: ")
    assert "defect" not in first
    assert all(one.startswith("hint: ") for one in rest)
    return first


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", READING)
def test_what_cannot_be_read_is_told(name: str, bad: str, home: Path, invoke: Invoke) -> None:
    (home / "work").mkdir()
    refused(invoke, given_path(READING[name], BAD[bad](home / "work")))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", WRITING)
def test_what_cannot_be_written_is_told_and_leaves_nothing_behind(
    name: str, bad: str, home: Path, recorded: None, invoke: Invoke
) -> None:
    work = home / "work"
    work.mkdir()
    path = BAD[bad](work)
    before = sorted(one.name for one in work.iterdir())
    refused(invoke, given_path(WRITING[name], path))
    assert sorted(one.name for one in work.iterdir()) == before
    with SqliteStore.open(home / "router.db") as store:
        assert store.decision("decision-1") is not None


def test_every_option_that_takes_a_path_is_tried_here() -> None:
    taking = set()
    for words in commands():
        command: click.Command = cli
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word) or command
        own = [param for param in command.params if isinstance(param.type, click.Path)]
        taking |= {f"{words[0]} {p.opts[0]}" for p in own if words and not _is_global(p)}
    tried = {line[0] + " " + word for line in ALL.values() for word in line if word in OPTIONS}
    bare = [line for line in ALL.values() if line[line.index("PATH") - 1] not in OPTIONS]
    tried |= {f"{line[0]} file" for line in bare}
    assert taking - tried - BESIDE == set()


ALL = {**READING, **WRITING}
OPTIONS = {word for line in ALL.values() for word in line if word.startswith("--")}
# Refused as their likes are, once models were called, outcomes read, or with what --file has.
BESIDE = {
    *("batch --output", "benchmark --output", "eval --html", "suggest --system"),
}


def _is_global(param: click.Parameter) -> bool:
    return bool({"--config", "--db"} & {*param.opts})


@pytest.mark.parametrize("name", [n for n in WRITING if n.startswith(("export", "report"))])
def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(
    name: str, recorded: None, home: Path, invoke: Invoke
) -> None:
    path = home / "kept"
    path.write_text("mine", encoding="utf-8")
    line = given_path(WRITING[name], str(path))
    if name.startswith("export"):
        assert "it exists" in refused(invoke, line)
        assert path.read_text(encoding="utf-8") == "mine"
        line.append("--force")
    assert invoke(*line).code == 0
    assert path.read_bytes() != b"mine"
    assert path.stat().st_mode & 0o077 == 0


def test_a_link_is_followed_and_stays_a_link(recorded: None, home: Path, invoke: Invoke) -> None:
    (home / "kept").write_text("mine", encoding="utf-8")
    (home / "link").symlink_to("kept")
    line = ["export", "--format", "json", "--output", "link"]
    assert "it exists" in refused(invoke, line)
    assert invoke(*line, "--force").code == 0
    assert (home / "link").is_symlink()
    assert (home / "kept").read_text(encoding="utf-8").startswith("[\n{")


@pytest.mark.parametrize("name", [n for n in WRITING if n.startswith(("export", "report"))])
def test_a_pipe_is_written_to_and_stays_a_pipe(
    name: str, recorded: None, home: Path, invoke: Invoke
) -> None:
    pipe = home / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        # Open for both, it lets neither side wait; what is read ends when it is closed.
        with os.fdopen(os.open(pipe, os.O_RDWR), "wb"):
            end = pipe.open("rb")
            read = reader.submit(_drained, end)
            assert invoke(*given_path(WRITING[name], str(pipe))).code == 0
        assert len(read.result()) > 100
    assert pipe.is_fifo()


def _drained(stream: BinaryIO) -> bytes:
    with stream:
        return stream.read()


@pytest.mark.parametrize("kind", ["csv", "json", "sqlite"])
def test_an_export_leaves_no_part_of_a_file_beside_it(
    kind: str, recorded: None, home: Path, invoke: Invoke
) -> None:
    (home / "out").mkdir()
    assert invoke("export", "--format", kind, "--output", f"out/rows.{kind}").code == 0
    assert [one.name for one in (home / "out").iterdir()] == [f"rows.{kind}"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe\x00\xd8", "is not UTF-8 text"),
        (b"caf\xe9", "is not UTF-8 text"),
        (b"a\x00b", "is not text but binary data"),
    ],
)
@pytest.mark.parametrize("name", ["route --file", "classify --file", "route --system"])
def test_a_task_that_is_no_text_is_told(
    name: str, content: bytes, problem: str, home: Path, invoke: Invoke
) -> None:
    (home / "task").write_bytes(content)
    assert problem in refused(invoke, given_path(READING[name], "task"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_task_in_any_marked_encoding_is_the_same_task(
    encoding: str, home: Path, invoke: Invoke
) -> None:
    text = "Übersetze „Gezeiten“ ins 日本語"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (home / "task").write_bytes(mark + text.encode(encoding))
    found = invoke("classify", "--file", "task", "--json")
    assert found.json == invoke("classify", text, "--json").json


def test_a_path_that_is_no_text_is_told_without_its_bytes(home: Path, invoke: Invoke) -> None:
    odd = os.fsdecode(b"\xff\x1b[31m.toml")
    said = refused(invoke, ["models", "--config", odd])
    assert "\x1b" not in said
    assert said.encode().isascii()


def test_an_archive_is_never_the_database_itself(
    recorded: None, home: Path, invoke: Invoke
) -> None:
    (home / "link.db").symlink_to(home / "router.db")
    for path in ("router.db", "link.db", str(home / "." / "router.db")):
        said = refused(invoke, ["db", "archive", "--keep-days", "0", "--to", path])
        assert "it cannot be its own archive" in said


def test_a_tilde_of_nobody_is_the_name_of_a_folder(
    recorded: None, home: Path, invoke: Invoke
) -> None:
    assert invoke("db", "copy", "router.db", "~no-such-user/x.db").code == 0
    assert (home / "~no-such-user" / "x.db").is_file()


@pytest.mark.parametrize(
    "amount", ["1e-10", "0.0000000001", "1e-99999", "1e99999", "-0.01", "nan", "1e999999999999999"]
)
def test_a_limit_that_would_count_as_nothing_or_everything_is_not_set(
    amount: str, home: Path, invoke: Invoke
) -> None:
    said = refused(invoke, ["budget", "set", "--daily", amount])
    assert "is not an amount of US dollars" in said or "No such option" in said
    assert not list(home.glob("**/mcp-router.toml"))


@pytest.mark.parametrize("amount", ["0", "0e-99999", "-0", "0.000"])
def test_a_limit_of_nothing_is_written_as_nothing(amount: str, home: Path, invoke: Invoke) -> None:
    assert invoke("budget", "set", "--daily", amount).code == 0
    written = next(iter(home.glob("**/mcp-router.toml"))).read_text(encoding="utf-8")
    assert written in ("[budget]\ndaily = 0\n", "[budget]\ndaily = -0\n")


def test_a_setting_is_never_written_as_a_million_digits(home: Path, invoke: Invoke) -> None:
    for value in ("1e-999999", "1E+99999", "1e-400"):
        invoke("config", "--set", "weights.cost", value)
        invoke("config", "--set", "budget.daily", value)
    assert all(len(one.read_bytes()) < 200 for one in home.glob("**/mcp-router.toml"))
