"""What a person sees and types on a terminal: pieces as they come, frames that fit, questions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mcp_router.storage.sqlite import SqliteStore
from mcp_router.testing.behaviours import Answer, Fault
from tests.cli.faults import WHOLE, Faults
from tests.storage.conftest import decision, outcome

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal is a POSIX matter", allow_module_level=True)

from tests.cli.pseudo import on_terminal


def record(home: Path, *, rows: int = 3) -> None:
    with SqliteStore.open(home / "router.db") as store:
        for number in range(rows):
            store.record_decision(decision(number))
            store.record_outcome(outcome(number))


def test_a_streamed_answer_is_shown_and_who_gave_it(faults: Faults) -> None:
    faults.serve("calm")
    seen = on_terminal(*faults.line("--stream"))
    assert seen.code == 0
    assert WHOLE in seen.text
    assert seen.text.index(WHOLE) < seen.text.rindex("calm")


def test_a_stream_that_breaks_off_is_told_and_begins_again(faults: Faults) -> None:
    faults.serve("torn", Fault.cut(after=3, answer=Answer("Half of an answer that never ends.")))
    faults.serve("calm")
    seen = on_terminal(*faults.line("--stream"))
    assert seen.code == 0
    half, mark, rest = seen.text.partition("Disregard the above; the answer begins again.")
    assert mark
    assert "Half of" in half
    assert "torn broke off" in half
    assert WHOLE in rest
    # The break was told once, where it happened.
    assert "torn (fault-openai) failed" not in seen.text.replace(rest, "")


def test_a_model_that_fails_before_it_speaks_is_named_while_one_waits(faults: Faults) -> None:
    faults.serve("down", Fault.http(503))
    faults.serve("calm")
    seen = on_terminal(*faults.line("--stream"))
    assert seen.code == 0
    assert "down (fault-openai) failed" in seen.text
    assert "Disregard" not in seen.text


def test_an_answer_cannot_steer_the_terminal(faults: Faults) -> None:
    hostile = "a\x1b[2Jb\x1b]0;owned\x07c\x9bmd\re"
    faults.serve("hostile", Answer(hostile))
    for more in ((), ("--stream",)):
        seen = on_terminal(*faults.line(*more))
        assert seen.code == 0
        for sign in ("\x1b[2J", "\x1b]0;", "\x07", "\x9b"):
            assert sign not in seen.raw
        assert "owned" in seen.text


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize(
    "line", [("stats",), ("cost",), ("budget",), ("route", "Fix the login bug"), ("model",)]
)
def test_pages_fit_the_terminal(line: tuple[str, ...], columns: int, home: Path) -> None:
    record(home)
    seen = on_terminal(*line, columns=columns)
    assert seen.code == 0
    widest = max(map(len, seen.text.splitlines()))
    # A table does not fit into half of the usual width without cutting figures.
    assert widest <= max(columns, 64)


@pytest.mark.parametrize(("typed", "left"), [(b"n\n", 3), (b"\n", 3), (b"y\n", 0)])
def test_deleting_asks_and_does_as_told(typed: bytes, left: int, home: Path) -> None:
    record(home)
    seen = on_terminal("db", "prune", "--keep-days", "0", typed=typed)
    assert "Delete every row from before" in seen.text
    assert seen.code == (1 if left else 0)
    with SqliteStore.open(home / "router.db") as store:
        assert len(store.recent(limit=10)) == left


def test_a_file_is_exported_with_a_bar_that_leaves_nothing_behind(home: Path) -> None:
    record(home, rows=2_500)
    seen = on_terminal("export", "--format", "csv", "--output", "rows.csv")
    assert seen.code == 0
    assert "written: 2,500 rows to rows.csv" in seen.text
    assert len((home / "rows.csv").read_text("utf-8-sig").splitlines()) == 2_501


def test_without_colours_there_are_none(home: Path) -> None:
    record(home)
    coloured = on_terminal("stats")
    assert "\x1b[" in coloured.raw
    plain = on_terminal("stats", environ={"TERM": "dumb"})
    assert plain.text == coloured.text


def test_a_batch_draws_a_bar_and_tells_of_each_bad_row(faults: Faults, home: Path) -> None:
    faults.serve("calm")
    rows = '{"prompt": "one"}\n{torn\n{"prompt": "two"}\n'
    (home / "tasks.jsonl").write_text(rows, encoding="utf-8")
    line = ("batch", "--config", str(faults.file), "tasks.jsonl", "--chain", "all")
    seen = on_terminal(*line)
    assert seen.code == 1
    assert "3/3 rows" in seen.text
    assert seen.text.count("line 2 (line-2): row: it is not JSON") == 1
    assert "Not readable" in seen.text


def test_a_workflow_names_the_steps_that_are_waited_for(faults: Faults, home: Path) -> None:
    faults.serve("calm")
    form = '[steps.a]\ntask = "x"\nchain = "all"\n[steps.b]\ntask = "{{a}}"\nchain = "all"\n'
    (home / "form.toml").write_text(form, encoding="utf-8")
    seen = on_terminal("workflow", "--config", str(faults.file), "form.toml")
    assert seen.code == 0
    assert "0 of 2 steps, waiting for a" in seen.text
    assert "1 of 2 steps, waiting for b" in seen.text
    assert "[2/2] b: done, calm" in seen.text
