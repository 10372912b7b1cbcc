"""Intake: whatever a caller passes becomes one request, or one clear sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError
from mcp_router.routing.intake import as_request, fingerprint, kept_prompt
from mcp_router.types import Constraints, Media, Message, Request, Text

TEXT = st.text(st.characters(exclude_categories=()), min_size=1).filter(lambda t: t.strip() != "")


@given(TEXT)
def test_any_text_at_all_becomes_a_request_with_a_fingerprint(text: str) -> None:
    request = as_request(text)
    assert len(fingerprint(request)) == 32
    assert Request.model_validate_json(request.model_dump_json()) == request


def test_lone_surrogates_are_replaced_and_pairs_are_joined() -> None:
    request = as_request("a\ud800b \ud83d\ude00")
    assert request.messages[0].content == "a\ufffdb 😀"


@given(TEXT, TEXT)
def test_fingerprints_tell_requests_apart(one: str, other: str) -> None:
    first, second = as_request(one), as_request(other)
    same = first.messages == second.messages
    assert (fingerprint(first) == fingerprint(second)) == same
    assert fingerprint(first) != fingerprint(as_request(one, context_tokens=7))


@pytest.mark.parametrize("empty", ["", "  \n\t", [], [Message(role="user", content=" ")]])
def test_an_empty_task_is_refused_with_the_next_step(empty: str | list[Message]) -> None:
    with pytest.raises(InvalidRequestError, match="prompt: is empty"):
        as_request(empty)


def test_an_image_alone_is_a_task() -> None:
    message = Message(role="user", content=(Media(data="aGk="), Text(text="")))
    assert as_request([message]).messages == (message,)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"context_tokens": -1}, "context_tokens"),
        ({"strategy": "cheapest"}, "strategy"),
        ({"constraints": {"max_cost_usd": -1}}, "constraints.max_cost_usd"),
        ({"constraints": {"max_cost_usd": float("nan")}}, "constraints.max_cost_usd"),
        ({"constraints": {"min_quality": float("inf")}}, "constraints.min_quality"),
        ({"constraints": {"max_latency_ms": 0}}, "constraints.max_latency_ms"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_a_bad_value_names_its_field_and_not_the_value(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_request("Fix it", **changes)
    assert caught.value.field == field
    assert "pydantic" not in str(caught.value)


def test_arguments_win_over_the_request_and_none_leaves_it() -> None:
    base = as_request("Fix it", strategy="cost_first", context_tokens=5)
    assert as_request(base) is base
    limits = Constraints(min_quality=0.5)
    changed = as_request(base, strategy=None, constraints=limits)
    assert (changed.strategy, changed.context_tokens) == ("cost_first", 5)
    assert changed.constraints == limits


@pytest.mark.parametrize(
    ("content", "empty"),
    [
        ((Text(text=" "),), True),
        ((Text(text=" "), Text(text="x")), False),
        ((Media(url="https://x/y"),), False),
        ((), True),
    ],
)
def test_a_message_of_blank_parts_is_empty(content: tuple[Text | Media, ...], empty: bool) -> None:
    message = Message(role="user", content=content)

    if empty:
        with pytest.raises(InvalidRequestError, match="is empty"):
            as_request([message])
    else:
        assert as_request([message]).messages == (message,)


def test_one_message_with_content_is_enough() -> None:
    blank, said = Message(role="user", content=""), Message(role="user", content="x")

    assert as_request([blank, said, blank]).messages == (blank, said, blank)


def test_a_value_is_never_quoted_and_the_sentence_is_plain() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_request("x", temperature=-987.125)

    said = str(caught.value)
    assert "987" not in said
    assert "http" not in said
    assert said.startswith("temperature: ")
    assert said[len("temperature: ")].islower()


def test_a_request_keeps_what_is_asked_beside_it() -> None:
    base = Request(messages=(Message(role="user", content="x"),), max_tokens=7)
    changed = as_request(base, json_mode=True, chain="fast")

    assert (changed.max_tokens, changed.json_mode, changed.chain) == (7, True, "fast")
    assert changed.messages == base.messages


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "cost_first"},
        {"max_tokens": 5},
        {"json_mode": True},
        {"chain": "fast"},
        {"tags": {"team": "a"}},
        {"constraints": {"min_quality": 0.5}},
        {"response_schema": {"type": "object"}},
    ],
)
def test_everything_that_can_change_a_decision_changes_the_fingerprint(
    change: dict[str, object],
) -> None:
    assert fingerprint(as_request("x")) != fingerprint(as_request("x", **change))


def test_only_the_messages_are_kept_as_a_prompt() -> None:
    kept = kept_prompt(as_request("größe", tags={"team": "secret"}, max_tokens=5))

    assert json.loads(kept) == {"messages": [{"role": "user", "content": "größe"}]}
