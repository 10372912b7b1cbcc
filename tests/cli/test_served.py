"""Lines that come through a host of agents: what only reads is run, the rest is the person's."""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.cli.line import VERBS
from mcp_router.cli.served import MAX_CHARS, READING, ServedLines
from mcp_router.cli.session import Session

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def lines(home: Path) -> ServedLines:
    config = home / "own.toml"
    config.write_text("# Mine.\n[budget]\ndaily = 5\n", encoding="utf-8")
    return ServedLines(Session(config=config))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--json",
        "/model",
        "route Fix the login bug",
        "Fix the login bug",
        "classify Fix the login bug",
        "models sonnet",
        "compare --input 1k --output 1k",
        "fallback --chain fast",
        "stats --by task",
        "cost --period week",
        "budget",
        "config --changed",
    ],
)
def test_what_only_reads_is_answered(line: str, lines: ServedLines) -> None:
    answer = lines.answer(line)
    assert answer.outcome == "done"
    assert answer.text.strip()
    assert "hint:" not in answer.text


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("budget set --daily 9", "changes"),
        ("budget --set-daily 9", "changes"),
        ("budget unset --daily", "changes"),
        ("config --set-weight cost 0.4", "changes"),
        ("config --set=strategy cost_first", "changes"),
        ("config --unset budget.daily", "changes"),
        ("reset cache", "changes"),
        ("reset stats --yes", "changes"),
        ("run Say something nice", "spends"),
        ("run", "unfinished"),
        ("route", "unfinished"),
        ("classify --json", "unfinished"),
        ("Fix", "unfinished"),
        ("feedback --good", "terminal"),
        ("export decisions", "terminal"),
        ("report --html x.html", "terminal"),
        ("dashboard", "terminal"),
        ("install claude-code", "terminal"),
        ("doctor", "terminal"),
        ("db prune --keep-days 0 --yes", "terminal"),
        ("demo", "terminal"),
        ("models --check", "terminal"),
        ("classify --correct chat hello there", "terminal"),
        ("classify --undo", "terminal"),
        ("route --file /etc/passwd", "terminal"),
        ("route --file=/etc/passwd x", "terminal"),
        ("route --system /etc/passwd x", "terminal"),
        ("route --config other.toml x", "terminal"),
        ("stats --db other.db", "terminal"),
        ("--db other.db stats", "terminal"),
        ("explain --replay --config other.toml", "terminal"),
        ("config check /etc/passwd", "terminal"),
        ("config path", "terminal"),
        ("reset stats --archive /tmp/x.db", "terminal"),
        ("budget --config other.toml --set-daily 9", "terminal"),
        ("route --debug x", "terminal"),
    ],
)
def test_everything_else_is_left_alone(
    line: str, outcome: str, home: Path, lines: ServedLines
) -> None:
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    answer = lines.answer(line)
    assert answer.outcome == outcome
    if outcome in ("changes", "terminal"):
        assert answer.text.startswith("mcp-router ")
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_the_line_to_type_is_quoted_for_a_shell(lines: ServedLines) -> None:
    answer = lines.answer("feedback --note $(rm -rf ~);x --good")
    assert answer.text == "mcp-router feedback --note '$(rm' -rf '~);x' --good"


def test_a_change_is_made_once_the_person_agreed(home: Path, lines: ServedLines) -> None:
    answer = lines.answer("budget set --daily 9", agreed=True)
    assert answer.outcome == "done"
    assert (home / "own.toml").read_text(encoding="utf-8") == "# Mine.\n[budget]\ndaily = 9\n"
    assert "$9 of $9 left" in lines.answer("").text
    assert lines.answer("route Fix it").outcome == "done"
    assert lines.answer("reset stats", agreed=True).outcome == "done"
    assert "0 decisions" in lines.answer("").text


def test_an_agreement_does_not_hold_for_what_was_not_asked_about(lines: ServedLines) -> None:
    for line in ("db prune --keep-days 0 --yes", "run x", "budget set --config x.toml --daily 1"):
        assert lines.answer(line, agreed=True).outcome in ("terminal", "spends")


def test_bad_lines_say_what_is_wrong(lines: ServedLines) -> None:
    wrong = lines.answer("rotue x")
    assert (wrong.outcome, "Did you mean route?" in wrong.text) == ("bad", True)
    usage = lines.answer("stats --by nonsense")
    assert (usage.outcome, "nonsense" in usage.text) == ("bad", True)
    failed = lines.answer("route x --models nosuch")
    assert (failed.outcome, "No model is called 'nosuch'" in failed.text) == ("failed", True)


def test_a_warning_belongs_to_the_answer(lines: ServedLines) -> None:
    assert "warning: The task type is unclear" in lines.answer("route x").text


def test_a_long_answer_is_cut_and_a_long_json_is_not_begun(lines: ServedLines) -> None:
    long = lines.answer("models --all --json")
    assert (long.outcome, long.text) == ("terminal", "mcp-router models --all --json")
    assert json.loads(lines.answer("route Fix it --json").text)["model"]
    for name in ("models --all", "config"):
        assert len(lines.answer(name).text) < MAX_CHARS + 200


def test_the_streams_of_the_process_are_the_hosts(
    lines: ServedLines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with io.TextIOWrapper(io.BytesIO(b'{"jsonrpc": "2.0"}')) as host:
        monkeypatch.setattr(sys, "stdin", host)
        for line in ("route -", "route -- -", "stats", "nosuch x", "classify ''"):
            lines.answer(line)
        assert sys.stdin is host
        assert host.read() == '{"jsonrpc": "2.0"}'
    assert capsys.readouterr() == ("", "")


def test_lines_that_come_together_do_not_mix(lines: ServedLines) -> None:
    verbs = ["models sonnet", "fallback --chain fast", "budget", "config --changed"] * 4
    expected = {verb: lines.answer(verb) for verb in verbs}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lines.answer, verbs)) == [expected[verb] for verb in verbs]


def test_every_verb_is_either_read_or_left_to_the_person(lines: ServedLines) -> None:
    assert set(READING) <= set(VERBS)
    for verb in set(VERBS) - set(READING):
        assert lines.answer(f"{verb} x", agreed=False).outcome != "done"


@RELAXED
@given(st.sampled_from(["", *READING]), st.lists(ANYTHING, max_size=3))
def test_no_line_ends_in_a_defect_or_steers_a_terminal(
    lines: ServedLines, verb: str, words: list[str]
) -> None:
    answer = lines.answer(" ".join([verb, *words]))
    assert "This is a defect" not in answer.text
    if answer.outcome in ("done", "failed"):
        assert all(sign.isprintable() or sign in "\n\u200c\u200d" for sign in answer.text)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ["route", "classify", "explain"]),
        ("ro", ["route"]),
        ("  ro", ["  route"]),
        ("route --strat", ["route --strategy"]),
        ("route --strategy c", ["route --strategy cost_first"]),
        ("route x --strategy ", ["route x --strategy balanced"]),
        ("fallback --chain fa", ["fallback --chain fast"]),
        ("run --chain lo", ["run --chain local"]),
        ("route --models opu", ["route --models opus"]),
        ("models sonn", ["models sonnet"]),
        ("budget s", ["budget set"]),
        ("stats --by t", ["stats --by task"]),
        ("nosuch ", []),
        ("route Fix the", []),
        ("\x00\ud800", []),
    ],
)
def test_lines_are_completed(typed: str, expected: list[str], lines: ServedLines) -> None:
    found = lines.complete(typed)
    assert list(found[: len(expected)]) == expected
    assert len(found) <= 100
    assert all(one.startswith(typed) for one in found)


def test_what_is_hidden_or_wrong_is_not_completed(home: Path, lines: ServedLines) -> None:
    assert "route --debug" not in lines.complete("route --")
    (home / "own.toml").write_text("strategy = ", encoding="utf-8")
    assert lines.complete("models s") == []
