"""Whatever is typed, the command line answers in its own words and never with a traceback."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.cli.group import ENTRIES
from tests.cli.conftest import Invoke

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)
OPTIONS = [
    "--json",
    "--max-cost",
    "--max-latency",
    "--min-quality",
    "--min-context",
    "--requires",
    "--prefers",
    "--min-rating",
    "--models",
    "--deny-models",
    "--providers",
    "--chain",
    "--context-tokens",
    "--strategy",
    "--input",
    "--output",
    "--context",
    "--period",
    "--by",
    "--tier",
    "--all",
    "--replay",
    "--list",
    "--changed",
    "--check",
    "--stream",
    "--tag",
    "--output",
    "--good",
    "--score",
    "--note",
    "set",
    "unset",
    "--daily",
    "--session",
    "--keep-days",
    "--set",
    "--set-weight",
    "--set-daily",
    "--unset",
    "--yes",
    "--before",
    "--help",
    "--",
    "-",
]
VALUES = ["0", "1", "-1", "nan", "1e400", "128k", "opus", "opus,gpt", "fast", "tools", "coding=8"]
VALUES += ["cache", "stats", "cache.ttl", "weights.cost", "/model route", "route 'a"]
VALUES += ["balanced", "month", "model", "path", "check", "info", "decisions", "Fix the bug", ""]
# These wait for a host, start one, or write its settings.
COMMANDS = [name for name in ENTRIES if name not in {"serve", "install", "doctor", "dashboard"}]
WORDS = st.one_of(st.sampled_from(OPTIONS), st.sampled_from(VALUES), ANYTHING)

RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with io.TextIOWrapper(io.BytesIO(b"")) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield


def shows(text: str) -> bool:
    return all(c.isprintable() or c in "\n\u200c\u200d" for c in text)


@RELAXED
@given(st.sampled_from(COMMANDS), st.lists(WORDS, max_size=5))
def test_no_line_ends_in_a_defect(invoke: Invoke, command: str, words: list[str]) -> None:
    result = invoke(command, *words)
    assert result.code in (0, 1, 2)
    assert "defect" not in result.err, result.err
    assert "Traceback" not in result.err
    assert shows(result.out + result.err)
    assert (result.code == 0) or result.err.startswith(("error: ", "warning: ", "hint: "))


@RELAXED
@given(ANYTHING)
def test_any_task_is_judged_or_refused_in_one_sentence(invoke: Invoke, task: str) -> None:
    for more in ([], ["--json"]):
        result = invoke("classify", *more, "--", task)
        assert result.code in (0, 1, 2)
        assert shows(result.out + result.err)
        if result.code == 0:
            assert result.out


@RELAXED
@given(ANYTHING.filter(lambda text: not text.startswith("-") and text not in ENTRIES))
def test_what_is_no_command_is_bad_usage(invoke: Invoke, word: str) -> None:
    result = invoke(word)
    assert (result.code, result.out) == (2, "")
    assert shows(result.err)
