"""`mcp-router model` runs a line as an agent's host passes it on, and shows a short status."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke


def test_without_a_line_the_status_is_short(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("[budget]\ndaily = 2\n", encoding="utf-8")
    assert invoke("route", "Fix the login bug").code == 0
    result = invoke("model")
    lines = result.out.splitlines()
    assert lines[0] == "Today       1 decision, 0 calls, $0 spent"
    assert lines[1] == "Budget day  $2 of $2 left"
    assert len(lines) <= 6
    assert result.err.startswith("hint: ")


def test_the_status_is_given_as_json_too(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    status = invoke("model", "--json").json
    assert status["today"]["decisions"] == 0
    assert {one["name"] for one in status["budgets"]} == {"day", "month"}
    assert (status["strategy"], status["providers"]) == ("balanced", ["anthropic"])


@pytest.mark.parametrize(
    "line",
    [
        ['route "Fix the login bug" --json'],
        ["/router:model route Fix the login bug --json"],
        ["Fix the login bug --json"],
        ["route", "Fix the login bug", "--json"],
        ["Fix", "the", "login", "bug", "--json"],
        ["--json", "route Fix the login bug"],
    ],
)
def test_every_way_to_type_a_line_gives_the_answer_of_its_command(
    line: list[str], invoke: Invoke
) -> None:
    expected = invoke("route", "Fix the login bug", "--json").json
    found = invoke("model", *line).json
    same = ("model", "task_type", "reason", "fallbacks", "candidates", "classification")
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}


def test_the_text_of_a_line_is_that_of_its_command(invoke: Invoke) -> None:
    assert invoke("model", "compare --input 1k --output 1k") == invoke(
        "compare", "--input", "1k", "--output", "1k"
    )
    assert invoke("model", "config path") == invoke("config", "path")


def test_exit_codes_are_those_of_the_command(invoke: Invoke) -> None:
    assert invoke("model", "route x --models nosuch").code == 1
    assert invoke("model", "stats --by nonsense").code == 2
    assert invoke("model", 'classify ""').code == 1


def test_a_wrong_word_is_bad_usage_and_names_the_nearest(invoke: Invoke) -> None:
    result = invoke("model", "rotue x")
    assert (result.code, result.out) == (2, "")
    assert "Did you mean route?" in result.err


def test_global_options_hold_for_the_line(home: Path, invoke: Invoke) -> None:
    other = str(home / "other.db")
    assert invoke("--db", other, "model", "db path").out == f"{other}\n"
    assert invoke("model", "--db", other, "db path").out == f"{other}\n"


def test_a_line_is_never_a_line_for_a_shell(home: Path, invoke: Invoke) -> None:
    assert invoke("model", "route $(touch gone) ; touch gone `touch gone` > gone").code == 0
    assert not (home / "gone").exists()


def test_a_line_cannot_call_itself(invoke: Invoke) -> None:
    assert invoke("model", "/model model").code == 2
    assert invoke("model", "serve").code == 2
