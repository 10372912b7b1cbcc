from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.learning.groups import guess, learn_groups

buckets = st.frozensets(st.integers(0, 20), max_size=6)
cases = st.lists(st.tuples(st.sampled_from(["law", "code", "sums"]), buckets), max_size=15)
LAW, CODE = ("law", frozenset(range(10))), ("code", frozenset(range(10, 20)))


def test_words_of_a_group_speak_for_it() -> None:
    groups = learn_groups([LAW] * 20 + [CODE] * 20)
    assert guess(groups, LAW[1])["law"] > 0.9
    assert guess(groups, CODE[1])["code"] > 0.9


def test_without_words_the_larger_group_is_likelier_by_its_share() -> None:
    found = guess(learn_groups([LAW] * 30 + [CODE] * 10), ())
    assert found == pytest.approx({"law": 0.75, "code": 0.25})


def test_words_that_were_never_seen_decide_little() -> None:
    found = guess(learn_groups([LAW] * 20 + [CODE] * 20), {777, 778})
    assert found == pytest.approx({"law": 0.5, "code": 0.5})


def test_words_of_both_leave_the_question_open() -> None:
    found = guess(learn_groups([LAW] * 20 + [CODE] * 20), LAW[1] | CODE[1])
    assert found["law"] == pytest.approx(0.5)


def test_nothing_known_is_no_guess() -> None:
    assert guess(learn_groups([]), {1, 2}) == {}


@given(cases, buckets)
@settings(max_examples=60)
def test_a_guess_is_a_distribution_over_the_known_groups(
    seen: list[tuple[str, frozenset[int]]], asked: frozenset[int]
) -> None:
    found = guess(learn_groups(seen), asked)
    assert set(found) == {group for group, _ in seen}
    assert all(0 <= chance <= 1 for chance in found.values())
    if seen:
        assert sum(found.values()) == pytest.approx(1)


@given(cases, buckets)
@settings(max_examples=40)
def test_the_order_of_cases_does_not_matter(
    seen: list[tuple[str, frozenset[int]]], asked: frozenset[int]
) -> None:
    there, back = guess(learn_groups(seen), asked), guess(learn_groups(seen[::-1]), asked)
    assert there == pytest.approx(back)
