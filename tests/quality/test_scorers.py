"""Scorers mark answers from 0 to 1; those of users are checked before they are believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality import scorers
from mcp_router.quality.patterns import PatternError
from mcp_router.types import Request
from tests.quality.labelled import ask

QUESTION = ask("What is the capital of Australia?")
RULES = {"type": "array", "items": {"type": "integer"}}


def test_the_schema_scorer_takes_its_own_rules_or_those_of_the_request() -> None:
    own = scorers.schema(RULES)
    assert own(QUESTION, "[1, 2]") == own(QUESTION, "```json\n[1]\n```") == 1.0
    assert own(QUESTION, '["a"]') == own(QUESTION, "one") == 0.0
    asked_for = ask("Numbers?", response_schema=RULES)
    assert scorers.schema()(asked_for, '["a"]') == 0.0
    assert scorers.schema()(asked_for, "[3]") == 1.0
    assert scorers.schema()(QUESTION, "{}") == 1.0


def test_the_code_scorer_counts_the_blocks_that_parse() -> None:
    score = scorers.code_parses()
    assert score(QUESTION, "```python\nx = 1\n```\n```python\nx = = 1\n```") == 0.5
    assert score(QUESTION, "x = 1") == 1.0
    assert score(QUESTION, "") == 0.0
    assert scorers.code_parses("json")(QUESTION, "{") == 0.0


def test_the_pattern_scorer_finds_or_does_not_and_refuses_what_could_hang() -> None:
    assert scorers.matches(r"(?i)\bcanberra\b")(QUESTION, "It is CANBERRA.") == 1.0
    assert scorers.matches("Sydney")(QUESTION, "It is Canberra.") == 0.0
    assert scorers.matches("(a+)+$")(QUESTION, "a" * 5_000 + "b") == 0.0
    assert scorers.matches("b")(QUESTION, "a" * 200_000 + "b") == 0.0
    with pytest.raises(PatternError):
        scorers.matches("(?=a)")


def test_any_function_of_request_and_answer_is_a_scorer() -> None:
    def brevity(request: Request, answer: str) -> float:
        return 1.0 - len(answer) / 100

    chosen: scorers.Scorer = brevity
    assert scorers.checked(chosen(QUESTION, "x" * 40)) == pytest.approx(0.6)


@given(st.floats(allow_nan=False))
def test_a_mark_is_cut_to_its_range(score: float) -> None:
    assert 0.0 <= scorers.checked(score) <= 1.0


def test_a_mark_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        scorers.checked(float("nan"))


def test_a_command_reads_the_question_and_the_answer_as_json() -> None:
    row = json.loads(scorers.command_input(ask("Numbers?", response_schema=RULES), "[1]"))
    assert row == {"prompt": "Numbers?", "answer": "[1]", "schema": RULES}
