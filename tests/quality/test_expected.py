"""What a row knows of a right answer marks the answers of models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality.expected import contains, equals, expected_scorers
from mcp_router.quality.marks import Mark, failures, lowest, shortfall
from tests.quality.labelled import ask

QUESTION = ask("How many eggs are in a hundred dozen?")


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        ("1200", 1.0),
        ("The answer is 1,200.", 1.0),
        ("**1200 eggs**", 1.0),
        ("1201", 0.0),
        ("", 0.0),
        ("It is hard to say how many that would be, as it depends on a great many things.", 0.0),
    ],
)
def test_an_expected_value_is_compared_as_a_value(answer: str, mark: float) -> None:
    assert equals(["1200"])(QUESTION, answer) == mark


def test_one_of_several_values_will_do() -> None:
    score = equals(["twelve hundred", "1200"])
    assert score(QUESTION, "Twelve hundred.") == score(QUESTION, "1200") == 1.0


def test_words_are_found_whole_and_in_any_case() -> None:
    score = contains(["Salt", "sea"])
    assert score(QUESTION, "SALT of the sea") == 1.0
    assert score(QUESTION, "seasalt of the seas") == 0.0
    assert score(QUESTION, "the sea") == 0.5


def test_a_row_gives_one_scorer_for_each_thing_it_knows() -> None:
    row: dict[str, object] = {
        "prompt": "x",
        "expect": 5,
        "contains": ["a"],
        "pattern": "b",
        "schema": {},
    }
    assert set(expected_scorers(row)) == {"expect", "contains", "pattern", "schema"}
    assert set(expected_scorers({"answer": True})) == {"expect"}
    assert expected_scorers({"prompt": "x"}) == {}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"expect": {}}, "expect"),
        ({"expect": []}, "expect"),
        ({"answer": " "}, "answer"),
        ({"contains": [1, None]}, "contains"),
        ({"pattern": "(?=a)"}, "pattern"),
        ({"pattern": 3}, "pattern"),
        ({"schema": "object"}, "schema"),
    ],
)
def test_what_cannot_be_used_is_named(row: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        expected_scorers(row)


@given(st.text(max_size=200), st.text(min_size=1, max_size=20).filter(lambda one: one.strip()))
def test_any_answer_has_a_mark_from_0_to_1(answer: str, wanted: str) -> None:
    assert equals([wanted])(QUESTION, answer) in (0.0, 1.0)
    assert 0.0 <= contains([wanted])(QUESTION, answer) <= 1.0


def test_the_lowest_mark_counts_and_failed_scorers_do_not() -> None:
    marks = [Mark("a", 0.9), Mark("b", None, "was asleep"), Mark("c", 0.4, "it is short")]
    assert lowest(marks) == marks[2]
    assert shortfall(marks, bar=0.5) == "c gave 0.40, below 0.5: it is short"
    assert shortfall(marks, bar=0.4) == ""
    assert failures(marks) == ["the scorer b was asleep"]
    assert lowest([marks[1]]) is None
    assert shortfall([marks[1]], bar=1.0) == ""


@given(
    st.lists(st.one_of(st.none(), st.floats(min_value=0, max_value=1))),
    st.floats(min_value=0, max_value=1),
)
def test_an_answer_falls_short_exactly_if_one_mark_does(
    scores: list[float | None], bar: float
) -> None:
    marks = [Mark(str(at), score) for at, score in enumerate(scores)]
    short = any(one is not None and one < bar for one in scores)
    assert bool(shortfall(marks, bar=bar)) == short
