"""The confidence of an answer falls with every sign of a bad one, and only with those."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.quality.assess import THRESHOLD, WEIGHTS, assess, confidence
from mcp_router.quality.signals import Signal
from mcp_router.types import Logprobs, Request, ToolCall, ToolSpec
from tests.quality.labelled import ask

GOOD = "Canberra has been the capital of Australia since 1913."
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
WEATHER = ToolSpec(
    name="weather",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
ANY_TEXT = st.text(st.characters(codec=None), max_size=400)


def names(request: Request, answer: str, **more: Any) -> set[str]:
    return {signal.name for signal in assess(request, answer, **more).signals}


def test_a_plain_good_answer_has_no_signs_and_passes() -> None:
    found = assess(ask("What is the capital of Australia?"), GOOD)
    assert found.signals == ()
    assert THRESHOLD < found.confidence < 1.0


@pytest.mark.parametrize("answer", ["", " \n\t", "...", "---"])
def test_an_empty_answer_is_surely_bad(answer: str) -> None:
    found = assess(ask("What is the capital of Australia?"), answer)
    assert found.signals[0].name == "empty"
    assert found.confidence < 0.01


def test_an_answer_that_calls_a_tool_need_not_say_anything() -> None:
    request = ask("Is it raining in Rome?", tools=(WEATHER,))
    call = ToolCall(id="1", name="weather", arguments={"city": "Rome"})
    assert assess(request, "", tool_calls=(call,), finish_reason="tool_calls").signals == ()


@pytest.mark.parametrize(
    "call",
    [
        ToolCall(id="1", name="forecast", arguments={"city": "Rome"}),
        ToolCall(id="1", name="weather", arguments={"town": "Rome"}),
        ToolCall(id="1", name="weather", arguments={"city": 3}),
    ],
)
def test_a_tool_call_that_does_not_fit_is_bad(call: ToolCall) -> None:
    request = ask("Is it raining in Rome?", tools=(WEATHER,))
    found = assess(request, "", tool_calls=(call,), finish_reason="tool_calls")
    assert found.signals[0].name == "tool_call"
    assert found.confidence < THRESHOLD


@pytest.mark.parametrize(
    ("reason", "name"), [("length", "truncated"), ("content_filter", "filtered")]
)
def test_what_the_provider_says_of_the_end_counts(reason: str, name: str) -> None:
    found = assess(ask("What is the capital of Australia?"), GOOD, finish_reason=reason)
    assert [signal.name for signal in found.signals] == [name]
    assert found.confidence < 0.1


def test_a_cut_shows_without_the_provider_saying_so() -> None:
    text = "A hash table stores values under keys. " * 4
    question = ask("What is a hash table?")
    assert names(question, text + "It is fast because the") == {"truncated"}
    assert names(question, text + "It is fast, cheap,") == {"truncated"}
    assert names(question, text + "\n```python\nx = {}\n") == {"truncated"}
    assert names(question, text + "It is fast.") == set()
    assert names(question, text + "\n- fast\n- cheap") == set()


def test_json_that_was_ordered_must_parse_and_fit_its_schema() -> None:
    request = ask("How old?", response_schema=SCHEMA)
    assert names(request, '{"age": 3}') == set()
    assert names(request, '{"age": "3"}') == {"schema"}
    assert names(request, "{}") == {"schema"}
    assert names(request, "three") == {"json"}
    assert names(request, '{"age": NaN}') == {"json"}
    wrapped = assess(request, 'Here you are:\n```json\n{"age": 3}\n```')
    assert wrapped.signals[0].name == "json"
    assert wrapped.signals[0].strength < 0.5
    says = assess(request, '{"age": "3"}').signals[0].says
    assert says == "its age is no integer"


def test_json_counts_where_it_is_asked_for_in_words_but_not_where_code_is() -> None:
    assert names(ask("List three colours. Respond with JSON only."), "red, green, blue") == {"json"}
    assert names(ask("List three colours as JSON."), '["red", "green", "blue"]') == set()
    program = "```python\nimport json\nprint(json.dumps([1]))\n```"
    assert names(ask("Write a Python script that prints a list as JSON."), program) == set()
    assert names(ask("Why is JSON popular?"), "Because it is simple.") == set()


def sure(mean: float, lowest: float | None = None, *, tokens: int = 12) -> Logprobs:
    """Figures of tokens whose chances have these geometric means."""
    least = mean if lowest is None else lowest
    return Logprobs(mean=math.log(mean), lowest=math.log(least), tokens=tokens)


@given(st.floats(0.9, 1.0), st.floats(0.4, 0.9), st.integers(1, 5_000))
def test_sure_tokens_change_nothing(mean: float, lowest: float, tokens: int) -> None:
    told = sure(mean, lowest, tokens=tokens)
    assert assess(ask("Capital?"), GOOD, logprobs=told).signals == ()


def test_unsure_tokens_lower_the_confidence_by_degrees() -> None:
    steps = [
        assess(ask("Capital?"), GOOD, logprobs=sure(chance)).confidence
        for chance in (0.99, 0.8, 0.65, 0.5, 0.3)
    ]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > THRESHOLD > steps[-1]
    found = assess(ask("Capital?"), GOOD, logprobs=sure(0.5))
    assert found.signals[0].says == "was unsure of its words (mean 0.50)"


def test_one_phrase_in_doubt_counts_even_where_the_rest_is_sure() -> None:
    whole = assess(ask("Capital?"), GOOD, logprobs=sure(0.92)).confidence
    assert assess(ask("Capital?"), GOOD, logprobs=sure(0.92, 0.1)).confidence < whole


def test_a_long_answer_is_not_refused_for_its_many_possible_words_alone() -> None:
    long = assess(ask("Capital?"), GOOD, logprobs=sure(0.3, 0.05, tokens=300))
    assert THRESHOLD < long.confidence < assess(ask("Capital?"), GOOD).confidence


LOGS = st.floats(-10.0, 0.0)


@given(LOGS, LOGS, LOGS, LOGS, st.integers(1, 2_000), st.sampled_from((GOOD, "", "Maybe.", "I")))
def test_less_likely_words_never_raise_the_confidence(
    mean: float, lowest: float, less: float, least: float, tokens: int, answer: str
) -> None:
    request = ask("Capital?")
    told = Logprobs(mean=mean, lowest=lowest, tokens=tokens)
    worse = Logprobs(mean=mean + less, lowest=lowest + least, tokens=tokens)
    before = assess(request, answer, logprobs=told).confidence
    assert assess(request, answer, logprobs=worse).confidence <= before
    assert before <= assess(request, answer).confidence


def test_other_answers_raise_or_lower_the_confidence() -> None:
    question = ask("What is 6 times 7?")
    alone = assess(question, "42").confidence
    agreed = assess(question, "42", others=("The answer is 42.", "42.0"))
    differs = assess(question, "42", others=("41", "36", "48"))
    assert agreed.confidence > alone > differs.confidence
    assert agreed.signals[0].name == "agreement"
    assert differs.confidence < THRESHOLD


def test_signals_come_gravest_first() -> None:
    request = ask("How old? Answer in one sentence.", json_mode=True)
    harms = [
        WEIGHTS[signal.name] * signal.strength
        for signal in assess(request, "I'm not sure. Perhaps it is", finish_reason="length").signals
    ]
    assert len(harms) >= 3
    assert harms == sorted(harms)


signals = st.builds(Signal, st.sampled_from(sorted(WEIGHTS)), st.floats(0.0, 1.0), st.just("test"))


@given(st.lists(signals, max_size=6), signals)
def test_another_sign_moves_the_confidence_its_own_way(found: list[Signal], new: Signal) -> None:
    before, after = confidence(found), confidence([*found, new])
    assert 0.0 < after < 1.0
    assert after >= before if WEIGHTS[new.name] > 0 else after <= before


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT, ANY_TEXT, st.booleans(), st.sampled_from(["stop", "length", "other"]))
def test_any_texts_can_be_assessed(prompt: str, answer: str, strict: bool, reason: str) -> None:
    request = ask(prompt, json_mode=strict)
    found = assess(request, answer, finish_reason=reason, others=(answer[::-1],))
    assert 0.0 < found.confidence < 1.0
    assert all(0.0 < signal.strength <= 1.0 and signal.says for signal in found.signals)
    assert found == assess(request, answer, finish_reason=reason, others=(answer[::-1],))


@given(st.recursive(st.none() | st.integers() | ANY_TEXT, st.lists, max_leaves=20))
def test_valid_json_is_never_called_invalid(value: object) -> None:
    assert "json" not in names(ask("?", json_mode=True), json.dumps(value))


def test_the_last_question_of_a_conversation_is_the_one_that_is_answered() -> None:
    first = ask("Answer in German. Wie alt ist der Kölner Dom?").messages
    second = ask("Now list three colours.").messages
    request = Request(messages=(*first, *second))
    assert names(request, "1. Red\n2. Green\n3. Blue") == set()
    assert names(request, "1. Red\n2. Green") == {"format"}


def test_a_request_without_any_user_message_can_be_assessed() -> None:
    assert assess(Request(messages=()), "Hello there.").signals == ()
