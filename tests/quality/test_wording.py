"""Refusals, hedges and questions asked back are found in many languages, and only where meant."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mcp_router.quality.assess import THRESHOLD, assess
from mcp_router.quality.signals import Signal
from tests.quality.labelled import ask

TEXTS = json.loads(Path(__file__).with_name("phrases.json").read_text("utf-8"))
REFUSALS: dict[str, str] = TEXTS["refusals"]
HEDGES: dict[str, str] = TEXTS["hedges"]
# Each would be flagged by a search for the words alone.
INNOCENT: list[list[str]] = TEXTS["innocent"]


def named(prompt: str, answer: str, name: str) -> Signal | None:
    found = assess(ask(prompt), answer).signals
    return next((signal for signal in found if signal.name == name), None)


@pytest.mark.parametrize("language", REFUSALS)
def test_a_refusal_is_recognised(language: str) -> None:
    signal = named("?", REFUSALS[language], "refusal")
    assert signal is not None
    assert signal.strength == 1.0
    assert assess(ask("?"), REFUSALS[language]).confidence < 0.1


@pytest.mark.parametrize("language", HEDGES)
def test_a_hedge_is_recognised(language: str) -> None:
    signal = named("?", HEDGES[language], "hedging")
    assert signal is not None
    assert assess(ask("?"), HEDGES[language]).confidence < THRESHOLD


@pytest.mark.parametrize(("prompt", "answer"), INNOCENT)
def test_talk_about_refusals_is_no_refusal(prompt: str, answer: str) -> None:
    found = assess(ask(prompt), answer)
    assert found.confidence > 0.75, found.signals


def test_a_refusal_in_quotation_marks_around_the_whole_answer_counts() -> None:
    assert named("Name a fruit.", '"I can\'t help with that."', "refusal")


def test_a_late_or_partial_refusal_weighs_less_than_a_whole_one() -> None:
    whole = named("Explain both.", "I can't help with that.", "refusal")
    body = "The first law says that a body at rest stays at rest unless a force acts on it. " * 10
    late = named("Explain both.", f"{body}\n\nI can't help you with the second one.", "refusal")
    assert whole is not None
    assert late is not None
    assert late.strength < 0.5 < whole.strength


def test_a_short_refusal_to_write_something_is_one_though_a_long_text_may_say_the_same() -> None:
    prompt = "Write an email to my landlord about the heating."
    short = "I'm sorry, but I can't create content that contacts real people."
    letter = (
        "Dear Mr. Hale,\n\nthe heating in my flat has not worked since Monday. I have tried the "
        "valve and the thermostat. Unfortunately, I cannot do that repair myself, and I am not "
        "able to provide warm rooms for my children with two small heaters.\n\nPlease send "
        "somebody this week.\n\nKind regards,\nIda Moss"
    )
    assert named(prompt, short, "refusal")
    assert named(prompt, letter, "refusal") is None


def test_one_doubt_among_many_statements_weighs_little() -> None:
    facts = ["It has four wheels.", "It runs on diesel.", "It was built in Ulm.", "It is red."]
    alone = named("What is it?", "I'm not sure.", "hedging")
    among = named("What is it?", " ".join([*facts, "Perhaps it is a bus."]), "hedging")
    assert alone is not None
    assert among is None or among.strength < 0.3 < alone.strength


def test_asking_back_is_recognised_only_where_nothing_was_answered() -> None:
    assert named("Fix it.", "Could you please share the code?", "asks_back")
    helpful = (
        "Most slow queries lack an index, so start with EXPLAIN and look for a sequential scan. "
        "If that does not help, could you share the query?"
    )
    assert named("My query is slow.", helpful, "asks_back") is None


@pytest.mark.parametrize(
    "answer",
    [
        "sorry, " * 4_000,
        "a-b-c-d-e-f-" * 3_000,
        '"' * 9_001,
        "i can't, but i can't, so i can't " * 900,
        "> ``` '" * 5_000,
        "\u2018don't" * 4_000,
    ],
)
def test_no_text_takes_long(answer: str) -> None:
    started = time.perf_counter()
    assess(ask("Answer in three sentences."), answer)
    assert time.perf_counter() - started < 1.0
