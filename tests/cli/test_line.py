"""A line as typed behind `/model` becomes the arguments of the command line, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.cli.group import ENTRIES
from mcp_router.cli.line import TASK_VERBS, VERBS, UnknownVerbError, arguments, with_verb

TEXT = st.text(st.characters(exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  \n", []),
        ("/model", []),
        ("/router:model  ", []),
        ("stats", ["stats"]),
        ("/model stats --by task", ["stats", "--by", "task"]),
        ("/router:model stats", ["stats"]),
        ("/router.model stats", ["stats"]),
        ("/mcp__router__model stats", ["stats"]),
        ("mcp-router stats", ["stats"]),
        ("mcp-router model stats", ["stats"]),
        ("/MODEL Stats", ["stats"]),
        ("--help", ["--help"]),
        ("budget set --daily 5", ["budget", "set", "--daily", "5"]),
        ('feedback --note "a b" --good', ["feedback", "--note", "a b", "--good"]),
        ("feedback --note='a b' --good", ["feedback", "--note=a b", "--good"]),
    ],
)
def test_prefix_verb_and_quotes_are_read(line: str, expected: list[str]) -> None:
    assert arguments(line) == expected


@pytest.mark.parametrize(
    ("line", "options", "task"),
    [
        ('route "Fix the bug" --json', ["--json"], "Fix the bug"),
        ("route --json Fix the bug", ["--json"], "Fix the bug"),
        ("route Fix the --json bug", ["--json"], "Fix the bug"),
        ("route “Fix the bug” --json", ["--json"], "Fix the bug"),
        ("route --models='a, b' x", ["--models=a, b"], "x"),
        ("route --strategy cost_first Fix it", ["--strategy", "cost_first"], "Fix it"),
        # A value may look like an option, and a quoted task like anything.
        ("route --max-cost -1 x", ["--max-cost", "-1"], "x"),
        ('route "--json is broken"', [], "--json is broken"),
        ('route "rout stats --help"', [], "rout stats --help"),
        ("route -- --json is broken", [], "--json is broken"),
        ("route -x is no option here", [], "-x is no option here"),
        ("route Why does git log --oneline fail?", [], "Why does git log --oneline fail?"),
        # What never closes is text.
        ("route Don't break the build --json", ["--json"], "Don't break the build"),
        ('route "Fix the bug --json', ["--json"], '"Fix the bug'),
        ('route 5" nails', [], '5" nails'),
        ('route ab"c d"e', [], 'ab"c d"e'),
        ('route "say \\"hi\\" to C:\\new"', [], 'say "hi" to C:\\new'),
        ('route Explain "EADDRINUSE" to me', [], 'Explain "EADDRINUSE" to me'),
        ("route Fix this:\n\n  def f():\n    pass", [], "Fix this:\n\n  def f():\n    pass"),
        ("route ''", [], ""),
        ("classify $(rm -rf ~); `ls` | cat > x", [], "$(rm -rf ~); `ls` | cat > x"),
        ("run Translate: good morning", [], "Translate: good morning"),
    ],
)
def test_a_task_keeps_its_text_and_its_options_are_found(
    line: str, options: list[str], task: str
) -> None:
    verb, *rest = arguments(line)
    assert (verb, rest) == (line.split()[0], [*options, "--", task])


@pytest.mark.parametrize("verb", TASK_VERBS)
def test_a_verb_without_its_task_stays_alone(verb: str) -> None:
    assert arguments(verb) == [verb]
    assert arguments(f"{verb} --json") == [verb, "--json"]


def test_a_misspelt_option_is_not_taken_for_text() -> None:
    assert arguments("route --stratgy cost_first x") == [
        "route",
        "--stratgy",
        "--",
        "cost_first x",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Fix the login bug",
        '"rout the packets"',
        "Port the module to Rust",
        "Configure nginx as a proxy",
        "Most tests are slow",
    ],
)
def test_a_line_without_a_verb_is_a_task_to_route(line: str) -> None:
    assert arguments(line) == ["route", "--", line.strip('"')]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("rotue x", "route"),
        ("clasify the text", "classify"),
        ("statz", "stats"),
        ("bugdet set --daily 5", "budget"),
        ("/router:model comapre", "compare"),
        ("/model expl", "explain"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(line: str, meant: str) -> None:
    with pytest.raises(UnknownVerbError, match=f"Did you mean {meant}\\?") as caught:
        arguments(line)
    assert caught.value.meant == meant


@pytest.mark.parametrize("line", ["xyzzy", "🦀", "x" * 10_000])
def test_a_word_like_no_verb_is_answered_with_all_of_them(line: str) -> None:
    with pytest.raises(UnknownVerbError, match="Verbs: route, classify") as caught:
        arguments(line)
    assert (caught.value.meant, len(str(caught.value)) < 400) == ("", True)


def test_words_that_a_shell_has_parted_are_taken_as_they_are() -> None:
    assert with_verb(["route", "--json", "a  b"]) == ["route", "--json", "a  b"]
    assert with_verb(["Fix", "it"]) == ["route", "Fix", "it"]
    with pytest.raises(UnknownVerbError):
        with_verb(["rotue", "x"])


def test_every_command_but_the_two_that_would_go_in_circles_is_a_verb() -> None:
    assert set(ENTRIES) - set(VERBS) == {"model", "serve"}


@given(TEXT)
def test_any_line_is_read_or_refused_in_words(line: str) -> None:
    with suppress(UnknownVerbError):
        args = arguments(line)
        assert not args or args[0] in VERBS or args[0].startswith("-")


@given(st.sampled_from(TASK_VERBS), TEXT.filter(lambda text: "\\" not in text))
def test_a_quoted_task_comes_out_as_it_went_in(verb: str, task: str) -> None:
    quoted = task.replace('"', '\\"')
    assert arguments(f'{verb} --json "{quoted}"') == [verb, "--json", "--", task]


@given(TEXT)
def test_what_stands_behind_two_dashes_is_the_task(task: str) -> None:
    expected = ["--", task.strip()] if task.split() else []
    assert arguments(f"route -- {task}") == ["route", *expected]
