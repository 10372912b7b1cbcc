"""Intake: whatever a caller passes becomes one request, or one clear sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError
from mcp_router.routing.intake import as_request, fingerprint
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
