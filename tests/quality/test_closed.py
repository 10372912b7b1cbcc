"""Closed answers are compared as values, however they are written."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality.asked import asked
from mcp_router.quality.closed import Closed, Hint, closed_answer, hint_of
from mcp_router.quality.dates import read_date
from mcp_router.quality.quantities import canonical, decimal, read_quantity
from tests.quality.labelled import ask

SAME: list[list[str]] = json.loads(Path(__file__).with_name("phrases.json").read_text("utf-8"))[
    "same_values"
]


@pytest.mark.parametrize("writings", SAME, ids=lambda row: row[0])
def test_different_writings_of_a_value_are_one_value(writings: list[str]) -> None:
    found = {text: closed_answer(text) for text in writings}
    values = {(one.kind, one.value, one.unit) for one in found.values()}
    assert len(values) == 1 or {one.kind for one in found.values()} == {"number"}, found
    assert len({one.value for one in found.values()}) == 1, found


def test_different_values_stay_different() -> None:
    firsts = [closed_answer(row[0]) for row in SAME]
    assert len(set(firsts)) == len(SAME)
    for one, other in [
        ("5 km", "5 mi"),
        ("5 kg", "5 km"),
        ("$5", "5 €"),
        ("1.5", "15"),
        ("A", "B"),
    ]:
        assert closed_answer(one)[:3] != closed_answer(other)[:3]


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_number_means_the_same_in_english_and_german_writing(number: object) -> None:
    english = f"{number:,}"
    german = english.translate(str.maketrans(",.", ".,"))
    exact = Fraction(str(number))
    assert decimal(english) == decimal(german, language="de") == exact


@given(st.integers(0, 10**12), st.sampled_from(["{}", "{:,}", "{:_}", "{}.0", "about {}", "= {}."]))
def test_whole_numbers_survive_any_grouping(number: int, style: str) -> None:
    text = style.format(number)
    if style == "{:,}" and 1_000 <= number < 1_000_000:
        # "1,234" needs a language that groups by commas.
        assert read_quantity(text, language="en")
    found = read_quantity(text)
    assert found is not None
    assert found.value == str(number)


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=1_000))
def test_a_canonical_number_is_within_a_billionth(number: Fraction) -> None:
    again = Fraction(canonical(number))
    assert abs(again - number) <= abs(number) * Fraction(1, 10**8)
    assert canonical(again) == canonical(number)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_date_is_read_back_from_many_ways_to_write_it(day: date) -> None:
    month = "January February March April May June July August September October November December"
    name = month.split()[day.month - 1]
    ways = [
        day.isoformat(),
        f"{day.day} {name} {day.year}",
        f"{name} {day.day}, {day.year}",
        f"{name[:3]} {day.day}, {day.year}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day.year}年{day.month}月{day.day}日",
    ]
    assert {read_date(way) for way in ways} == {day.isoformat()}


@pytest.mark.parametrize(
    "text", ["03/04/2024", "31 February 2024", "2024-13-01", "May", "5 2024", "12", "March 2024"]
)
def test_what_is_no_single_day_is_no_date(text: str) -> None:
    assert read_date(text) is None


def test_slashes_are_read_where_only_one_order_makes_sense() -> None:
    assert read_date("25/12/2024") == read_date("12/25/2024") == "2024-12-25"
    assert read_date("04/04/2024") == "2024-04-04"


@pytest.mark.parametrize(
    "text", ["twelve apples and a pear or two", "v1.2.3-rc", "", "1..2", "Route 66 is long"]
)
def test_what_is_no_single_number_is_no_quantity(text: str) -> None:
    assert read_quantity(text) is None


def test_the_question_says_how_to_read_the_answer() -> None:
    percent = hint_of(asked(ask("What percentage of 80 is 12?")))
    assert closed_answer("15", hint=percent).value == closed_answer("15%", hint=percent).value
    german = hint_of(
        asked(ask("Wie viele Einwohner hat die Stadt, und wie viele davon sind Kinder?"))
    )
    assert closed_answer("1.234", hint=german).value == "1234"
    assert closed_answer("1.234").value == "1.234"
    many = hint_of(asked(ask("How many apples are left?")))
    assert closed_answer("There are 12 apples left.", hint=many).value == "12"
    options = hint_of(asked(ask("Which? A) Paris B) Rome C) Oslo")))
    assert options.options == {"A": "paris", "B": "rome", "C": "oslo"}
    for text in ("B", "B) Rome", "Rome", "rome.", "The answer is B", "(B) Rome"):
        assert closed_answer(text, hint=options) == Closed("option", "B")


def test_a_sentence_that_begins_with_a_letter_is_no_option() -> None:
    assert closed_answer("I. Newton found it.").kind != "option"
    assert closed_answer("A dog is an animal.").kind != "option"


def test_yes_with_a_reason_is_yes_where_the_question_is_for_yes_or_no() -> None:
    polar = hint_of(asked(ask("Is 7 a prime number?")))
    reason = "Yes, because its only divisors are one and seven, as you can check by trying."
    assert closed_answer(reason, hint=polar) == Closed("yes_no", "yes")
    which = hint_of(asked(ask("Which number is prime?")))
    assert closed_answer(reason, hint=which).kind != "yes_no"
    assert closed_answer("No one knows.", hint=polar).kind != "yes_no"


def test_the_last_announced_result_counts() -> None:
    text = "First I thought the answer is 12. That was wrong.\nThe answer is 15."
    assert closed_answer(text).value == "15"
    assert closed_answer("Let me think.\n\nFinal answer: **Paris**").value == "paris"
    assert closed_answer("Die Antwort lautet 3,5.", hint=Hint(language="de")).value == "3.5"


def test_a_running_text_is_open() -> None:
    text = "There are many reasons for this, and each of them deserves a closer look. " * 3
    assert closed_answer(text).kind == "open"


def test_code_keeps_its_case_and_lines() -> None:
    one, other = closed_answer("```\nX = 1\n```"), closed_answer("```python\nx = 1\n```")
    assert one.kind == other.kind == "code"
    assert one != other
    assert closed_answer("```\nX = 1   \n```") == one


@given(st.text(st.characters(codec=None), max_size=120))
def test_any_text_has_a_value_and_always_the_same(text: str) -> None:
    assert closed_answer(text) == closed_answer(text)
    hash(closed_answer(text))
