"""The task is read from arguments, files and pipes, whatever they hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.cli.process import open_process, start


def language(*args: str, stdin: bytes = b"") -> str:
    done = start("classify", *args, "--json", stdin=stdin)
    assert done.returncode == 0, done
    found: str = json.loads(done.stdout)["language"]
    return found


@pytest.mark.parametrize(
    "content",
    [
        "证明根号2是无理数".encode(),
        "\ufeff证明根号2是无理数".encode(),
        "证明根号2是无理数".encode("utf-16"),
        b"\xfe\xff" + "证明根号2是无理数".encode("utf-16-be"),
    ],
    ids=["utf-8", "with a mark", "utf-16", "utf-16 big"],
)
def test_a_pipe_may_be_utf_8_or_marked_utf_16(content: bytes) -> None:
    assert language(stdin=content) == "zh"


def test_a_dash_reads_the_pipe(home: Path) -> None:
    assert language("-", stdin="证明根号2是无理数".encode()) == "zh"
    assert language("--file", "-", stdin="证明根号2是无理数".encode()) == "zh"


def test_an_argument_wins_over_a_pipe() -> None:
    assert language("Fix the login bug", stdin="证明根号2是无理数".encode()) == "en"


def test_words_are_joined(invoke: Invoke) -> None:
    assert invoke("classify", "Fix", "the", "bug", "--json") == invoke(
        "classify", "Fix the bug", "--json"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "error: prompt: is empty."),
        (b" \n\t ", "error: prompt: is empty."),
        (b"caf\xe9", "error: standard input: is not UTF-8 text."),
        (b"\x7fELF\x02\x01\x01\0\0", "error: standard input: is not text but binary data."),
        (b"\xff\xfe\x00", "error: standard input: is not UTF-8 text."),
    ],
)
def test_a_pipe_that_holds_no_task_is_refused(content: bytes, told: str) -> None:
    done = start("route", stdin=content)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines()[0] == told


def test_bytes_that_are_no_text_in_an_argument_are_replaced() -> None:
    process = open_process("route", b"Fix \xff\xfe the bug", "--json")
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert json.loads(out)["task_type"] == "debugging"


def test_lone_surrogates_are_replaced(invoke: Invoke) -> None:
    assert invoke("route", "Fix \ud800 the \udcff bug", "--json").code == 0


def test_a_file_of_ten_megabytes_is_judged(tmp_path: Path, invoke: Invoke) -> None:
    file = tmp_path / "large.txt"
    file.write_text("Summarise this report. " + "word " * 2_000_000, encoding="utf-8")
    result = invoke("classify", "--file", str(file), "--json")
    assert result.code == 0
    assert result.json["input_tokens"] > 1_000_000


def test_a_file_beyond_any_window_is_refused(tmp_path: Path, invoke: Invoke) -> None:
    file = tmp_path / "huge.txt"
    with file.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    result = invoke("classify", "--file", str(file))
    assert (result.code, result.out) == (1, "")
    assert "longer than 64 MB" in result.err


@pytest.mark.parametrize("option", ["--file", "--system"])
def test_a_file_that_cannot_be_read_is_named(option: str, home: Path, invoke: Invoke) -> None:
    words = ["x"] if option == "--system" else []
    for path in (home / "none.txt", home):
        result = invoke("route", *words, option, str(path))
        assert (result.code, result.out) == (1, "")
        assert str(path) in result.err


def test_a_task_is_given_once(home: Path, invoke: Invoke) -> None:
    (home / "task.md").write_text("Fix it", encoding="utf-8")
    result = invoke("route", "Fix that", "--file", "task.md")
    assert (result.code, result.out) == (2, "")


def test_a_system_prompt_counts(home: Path, invoke: Invoke) -> None:
    (home / "rules.md").write_text("Answer in one sentence. " * 200, encoding="utf-8")
    plain = invoke("route", "Fix the bug", "--json").json["estimated"]["input_tokens"]
    ruled = invoke("route", "Fix the bug", "--system", "rules.md", "--json").json
    assert ruled["estimated"]["input_tokens"] > plain + 500


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
def test_at_a_terminal_without_a_task_it_does_not_wait() -> None:
    import pty
    import subprocess

    from tests.cli.process import COMMAND, environment

    master, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [*COMMAND, "route"],
            stdin=terminal,
            env=environment(),
            capture_output=True,
            timeout=20,
            check=False,
        )
    finally:
        os.close(master)
        os.close(terminal)
    assert done.returncode == 2
    assert b"--file FILE" in done.stderr
