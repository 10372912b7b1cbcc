"""On a real terminal there are colours and frames, and nothing that the data smuggles in."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from mcp_router.cli.text import width
from mcp_router.testing.behaviours import Answer, Fault
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults
from tests.cli.process import COMMAND, environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")

# What a spinner does with the cursor, and colours.
MOVES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\r")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def at_a_terminal(*args: str, answer: bytes = b"", code: int = 0, **more: str) -> str:
    """Run a command on a terminal of 80 columns, type an answer, and return what is seen."""
    import pty

    master, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, *args],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment(TERM="xterm-256color", **more),
        )
    finally:
        os.close(terminal)
    os.write(master, answer)
    seen = b""
    with os.fdopen(master, "rb", buffering=0) as screen:
        # The other end reports an error, not an end, once the process has closed it.
        try:
            while part := screen.read(65536):
                seen += part
        except OSError:
            pass
    assert process.wait(timeout=20) == code
    return seen.decode().replace("\r\n", "\n")


def test_a_decision_is_a_framed_card_in_colour() -> None:
    seen = at_a_terminal("route", 'Fix the "\x1b]0;title\x07\x1b[2Jlogin" bug')
    assert COLOUR.search(seen)
    bare = COLOUR.sub("", seen)
    assert bare.startswith("╭─ Recommendation ─")
    assert "\x1b" not in bare
    assert "\x07" not in bare
    assert {width(line) for line in bare.splitlines()} == {80}
    assert "hint: Every reason: mcp-router explain dec_" in bare


def test_no_color_is_respected() -> None:
    seen = at_a_terminal("models", "--tier", "frontier", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", seen)


def test_json_is_not_decorated_on_a_terminal() -> None:
    seen = at_a_terminal("classify", "Fix the bug", "--json")
    assert seen.startswith("{\n")
    assert "\x1b" not in seen


def test_an_answer_comes_in_pieces_and_a_restart_is_said(faults: Faults) -> None:
    faults.serve("down", Fault.http(503))
    faults.serve("torn", Fault.cut(after=3, answer=Answer("Half of what never ends, as it seems.")))
    faults.serve("calm", Answer("Whole."))
    seen = MOVES.sub("", at_a_terminal(*faults.line("--stream")))
    order = [
        "Waiting for down (fault-openai)",
        "down (fault-openai) failed: HTTP status 503",
        "Waiting for torn (fault-openai)",
        "Half of what",
        "--- torn broke off: ",
        "Disregard the above; the answer begins again. ---",
        "Waiting for calm (fault-openai)",
        "Whole.\n",
        "calm (fault-openai), 3 attempts, $",
    ]
    places = [seen.index(words) for words in order]
    assert places == sorted(places)
    assert seen.count("Whole.") == 1
    assert "torn (fault-openai) failed" not in seen


@pytest.mark.parametrize("more", [(), ("--stream",)])
def test_an_answer_cannot_steer_the_terminal(more: tuple[str, ...], faults: Faults) -> None:
    faults.serve(
        "sly", Answer("one\ttwo\n\x1b]0;title\x07\x1b[2J\x9b31mred\rover\u202ekcab", chunks=30)
    )
    seen = MOVES.sub("", at_a_terminal(*faults.line(*more)))
    assert "one\ttwo\n\\x1b]0;title\\x07\\x1b[2J\\x9b31mredover\\u202ekcab\n" in seen
    assert not set("\x1b\x07\x9b\u202e") & set(seen)


def test_a_stream_that_ends_in_nothing_says_so(faults: Faults) -> None:
    faults.serve("torn", Fault.cut(after=3, answer=Answer("Half of what never ends, as it seems.")))
    seen = MOVES.sub("", at_a_terminal(*faults.line("--stream"), code=1))
    assert seen.index("Half of what") < seen.rindex("\nerror: No model answered after ")


def test_the_demo_fits() -> None:
    lines = COLOUR.sub("", at_a_terminal("demo")).splitlines()
    assert max(map(width, lines)) <= 80


@pytest.mark.parametrize(("answer", "code", "left"), [(b"n\n", 1, 1), (b"y\n", 0, 0)])
def test_rows_are_deleted_only_after_a_yes(
    answer: bytes, code: int, left: int, invoke: Invoke
) -> None:
    invoke("route", "Fix the bug")
    seen = at_a_terminal("db", "prune", "--keep-days", "0", answer=answer, code=code)
    assert "Delete every row from before" in seen
    assert invoke("db", "info", "--json").json["rows"]["decisions"] == left
