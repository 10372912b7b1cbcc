"""Corrections: a prompt and those like it take the type a person gave, others stay."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.routing.classify import TaskRule, classify, read_correction
from mcp_router.routing.corrections import BUCKETS, NOTHING, Taught, taught
from mcp_router.types import Classification, Message, Request, TaskType

KINDS = [kind.value for kind in TaskType]
SHOPPING = "Put the parts for the release train in order before Friday's freeze"
POEM = "Write a poem about rain on tin roofs"
WORDS = st.lists(
    st.sampled_from(
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "fix",
            "the",
            "write",
            "poem",
            "plan",
            "test",
            "release",
            "seven",
        ]
    ),
    min_size=1,
    max_size=12,
).map(" ".join)


def ask(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),))


def learnt(*pairs: tuple[str, str]) -> Taught:
    return taught(read_correction(ask(text), kind=kind) for text, kind in pairs)


def judge(text: str, *pairs: tuple[str, str]) -> Classification:
    return classify(ask(text), taught=learnt(*pairs))


@given(WORDS, st.sampled_from(KINDS))
def test_a_corrected_prompt_has_its_type(text: str, kind: str) -> None:
    assert judge(text, (text, kind)).task_type == kind


@settings(max_examples=50)
@given(WORDS, st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_the_latest_correction_counts(text: str, former: str, latter: str) -> None:
    assert judge(text, (text, former), (text, latter)).task_type == latter


@settings(max_examples=50)
@given(WORDS, st.lists(st.tuples(WORDS, st.sampled_from(KINDS)), max_size=8))
def test_chances_stay_chances(text: str, pairs: list[tuple[str, str]]) -> None:
    found = judge(text, *pairs)
    chances = [chance for _, chance in found.probabilities]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) <= 1.0
    assert found.probabilities[0] == (found.task_type, found.confidence)


def test_a_prompt_much_like_it_follows() -> None:
    assert judge(SHOPPING).task_type != "coordination"
    found = judge(f"Please {SHOPPING.lower()}", (SHOPPING, "coordination"))
    assert found.task_type == "coordination"
    assert found.cues[0] == "a correction of yours"


def test_a_prompt_about_something_else_stays() -> None:
    assert judge(POEM, (SHOPPING, "coordination")) == judge(POEM)


def test_without_corrections_nothing_changes() -> None:
    assert classify(ask(POEM), taught=NOTHING) == classify(ask(POEM))


def test_a_correction_may_name_a_type_of_ones_own() -> None:
    assert judge(POEM, (POEM, "rain_poems")).task_type == "rain_poems"


def test_a_correction_goes_before_the_keyword_of_an_own_task() -> None:
    rules = {"weather": TaskRule(keywords=("rain",))}
    known = learnt((POEM, "creative"))
    assert classify(ask(POEM), tasks=rules).task_type == "weather"
    assert classify(ask(POEM), tasks=rules, taught=known).task_type == "creative"


def test_case_and_accents_make_no_difference() -> None:
    assert judge(POEM.upper(), (POEM, "analysis")).task_type == "analysis"


@given(WORDS)
def test_what_is_kept_are_buckets_of_words(text: str) -> None:
    kept = read_correction(ask(text), kind="chat")
    assert kept.words
    assert all(0 <= bucket < BUCKETS for bucket in kept.words)
