"""The fewer words there are to go by, the less sure the router says it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.classify import TaskRule, classify
from mcp_router.routing.kinds import tempered
from mcp_router.types import Classification, Message, Request

CHANCES = st.lists(st.floats(0.001, 1.0), min_size=2, max_size=8).map(
    lambda odds: {
        f"kind{number}": odd / sum(odds) for number, odd in enumerate(sorted(odds, reverse=True))
    }
)


def judged(prompt: str, **rules: TaskRule) -> Classification:
    messages = (Message(role="user", content=prompt),)
    return classify(Request(messages=messages), tasks=rules)


@pytest.mark.parametrize("word", ["debug", "fix", "test", "poem", "hi", "review", "修复"])
def test_one_word_is_never_a_sure_thing(word: str) -> None:
    assert judged(word).confidence < 0.8


def test_more_words_of_the_same_say_more() -> None:
    prompts = ["debug", "debug it", "debug it now", "debug it now please, it crashes"]
    found = [judged(prompt) for prompt in prompts]
    assert {one.task_type for one in found} == {"debugging"}
    assert found[0].confidence < found[1].confidence < found[-1].confidence


def test_the_users_own_word_for_a_task_needs_no_others() -> None:
    assert judged("solidity", mine=TaskRule(keywords=("solidity",))).confidence == 0.9


def test_signs_without_a_word_say_least() -> None:
    assert judged("?!").confidence < 0.5


@given(chances=CHANCES, words=st.lists(st.text(min_size=1, max_size=4), max_size=6))
def test_flattening_keeps_order_and_sum(chances: dict[str, float], words: list[str]) -> None:
    found = tempered(chances, words=words)
    assert sum(found.values()) == pytest.approx(1.0)
    assert list(found) == list(chances)
    values = list(found.values())
    assert values == sorted(values, reverse=True)
    assert values[0] <= next(iter(chances.values())) + 1e-9


@given(chances=CHANCES)
def test_four_words_are_enough(chances: dict[str, float]) -> None:
    found = tempered(chances, words=["one", "two", "three", "four"])
    assert found == pytest.approx(chances)
