"""No two different requests share a key; equal ones do, however they were written down."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.answer_keys import answer_key, space_key
from mcp_router.types import (
    Constraints,
    Message,
    ModelInfo,
    Price,
    PriceTier,
    ProviderInfo,
    QualityPrior,
    Rates,
    Request,
)
from tests.builders import model as build_model

MODEL = build_model("alpha")
PROVIDER = ProviderInfo(name="openai", wire="openai", base_url="https://api.test/v1")
BASE = Request(messages=(Message(role="user", content="How old is Rome?"),))

# Few short texts, so that two drawn requests are often nearly, and sometimes wholly, the same.
texts = st.sampled_from(
    ["", "a", "b", "ab", "é", "e\u0301", '"', "\\", "\u2028", "\U0001f600", "1"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5]) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(texts, values, max_size=2)
parts = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries({"type": st.just("media"), "url": texts}, optional={"data": texts}),
    st.fixed_dictionaries(
        {"type": st.just("tool_call"), "id": texts, "name": texts, "arguments": objects}
    ),
    st.fixed_dictionaries(
        {"type": st.just("tool_result"), "tool_call_id": texts, "content": texts}
    ),
    st.fixed_dictionaries({"type": st.just("reasoning"), "text": texts}),
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant"]),
            "content": texts | st.lists(parts, max_size=2),
        }
    ),
    min_size=1,
    max_size=2,
)
tools = st.lists(
    st.fixed_dictionaries({"name": texts, "description": texts, "parameters": objects}), max_size=2
)
requests = st.fixed_dictionaries(
    {"messages": messages},
    optional={
        "tools": tools,
        "tool_choice": st.none() | texts,
        "response_schema": st.none() | objects,
        "json_mode": st.booleans(),
        "max_tokens": st.none() | st.integers(1, 2),
        "temperature": st.sampled_from([None, 0, 0.0, -0.0, 0.5, 1, 1.0]),
        "stop": st.lists(texts, max_size=2),
        "reasoning_effort": st.sampled_from([None, "low", "high"]),
    },
)


def key(fields: dict[str, Any]) -> bytes:
    return answer_key(Request.model_validate(fields), model=MODEL, provider=PROVIDER)


def written(fields: dict[str, Any]) -> str:
    """The request as a provider would see it: JSON text, where 1, 1.0 and true differ."""
    sent = Request.model_validate(fields).model_dump(
        include={
            "messages", "tools", "tool_choice", "response_schema", "json_mode", "max_tokens",
            "temperature", "stop", "reasoning_effort",
        }
    )  # fmt: skip
    if sent["temperature"] == 0:
        sent["temperature"] = 0.0
    return json.dumps(sent, sort_keys=True)


@settings(max_examples=400)
@given(requests, requests)
def test_two_requests_share_a_key_exactly_when_the_same_would_be_sent(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (key(one) == key(other)) == (written(one) == written(other))


@given(requests, st.data())
def test_any_change_to_a_request_changes_its_key(one: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["messages", "tools", "response_schema", "stop", "max_tokens"])
    )
    other = {**one, name: data.draw(requests.filter(lambda drawn: name in drawn))[name]}
    assert (key(one) == key(other)) == (written(one) == written(other))


@given(requests)
def test_the_order_of_keys_and_a_round_trip_do_not_matter(fields: dict[str, Any]) -> None:
    again = Request.model_validate_json(Request.model_validate(fields).model_dump_json())
    assert answer_key(again, model=MODEL, provider=PROVIDER) == key(fields)
    backwards = json.loads(json.dumps(fields), object_pairs_hook=lambda pairs: dict(pairs[::-1]))
    assert key(backwards) == key(fields)


@pytest.mark.parametrize(("one", "other"), [(0, 0.0), (0.0, -0.0), (1, 1.0)])
def test_equal_temperatures_are_one_however_written(one: float, other: float) -> None:
    assert key({**ask("x"), "temperature": one}) == key({**ask("x"), "temperature": other})


def test_unicode_normal_forms_are_different_requests() -> None:
    composed, apart = "caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")
    assert key(ask(composed)) != key(ask(apart))


def test_halves_of_a_character_are_not_the_whole_one() -> None:
    halves, whole = {"a": "\ud83d\ude00"}, {"a": "\U0001f600"}
    tool = {"name": "t", "parameters": halves}
    assert key({**ask("x"), "tools": [tool]}) != key(
        {**ask("x"), "tools": [{**tool, "parameters": whole}]}
    )


def test_a_long_shared_beginning_does_not_make_two_prompts_one() -> None:
    document = "The same long document. " * 5_000
    assert key(ask(document + "What is it about?")) != key(ask(document + "Who wrote it?"))


@pytest.mark.parametrize(
    "changes",
    [
        {"strategy": "cost_first"},
        {"constraints": Constraints(min_quality=0.5)},
        {"chain": ("a", "b")},
        {"current_model": "beta"},
        {"cached_tokens": 5},
        {"context_tokens": 5},
        {"category": "x"},
        {"tags": {"session": "x"}},
        {"cache": True},
        {"reuse": "near"},
        {"trim": True},
    ],
)
def test_what_only_the_router_reads_does_not_count(changes: dict[str, Any]) -> None:
    other = BASE.model_copy(update=changes)
    assert answer_key(other, model=MODEL, provider=PROVIDER) == key_of(BASE)


@pytest.mark.parametrize(
    "model",
    [
        build_model("beta"),
        build_model("alpha", id="alpha-2026-11-01"),
        build_model("alpha", max_output=9),
        build_model("alpha", features=frozenset()),
        build_model("alpha", rejects=("temperature",)),
    ],
)
def test_another_model_has_another_key(model: ModelInfo) -> None:
    assert answer_key(BASE, model=model, provider=PROVIDER) != key_of(BASE)


def test_new_prices_or_ratings_of_a_model_keep_its_answers() -> None:
    tier = PriceTier(rates=Rates(input=1, output=2))
    since = datetime(2026, 1, 1, tzinfo=UTC)
    other = build_model(
        "alpha",
        prices=(Price(tiers=(tier,), since=since),),
        quality=QualityPrior(value=0.1, basis="x"),
    )
    assert answer_key(BASE, model=other, provider=PROVIDER) == key_of(BASE)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "azure"},
        {"base_url": "https://other.test/v1"},
        {"wire": "anthropic"},
        {"headers": {"x-team": "b"}},
        {"api_version": "2026-01-01"},
    ],
)
def test_another_provider_has_another_key(changes: dict[str, Any]) -> None:
    other = PROVIDER.model_copy(update=changes)
    assert answer_key(BASE, model=MODEL, provider=other) != key_of(BASE)


def test_the_variable_of_the_key_does_not_count_and_the_scope_does() -> None:
    other = PROVIDER.model_copy(update={"api_key_env": "OTHER_KEY"})
    assert answer_key(BASE, model=MODEL, provider=other) == key_of(BASE)
    assert answer_key(BASE, model=MODEL, provider=PROVIDER, scope="anna") != key_of(BASE)


def test_a_space_is_shared_by_requests_that_differ_in_their_last_message_only() -> None:
    def space(fields: dict[str, Any]) -> bytes:
        return space_key(Request.model_validate(fields), model=MODEL, provider=PROVIDER)

    assert space(ask("a")) == space(ask("b")) != key(ask("a"))
    system = {"messages": [{"role": "system", "content": "s"}, *ask("a")["messages"]]}
    assert space(system) != space(ask("a"))
    assert space({**ask("a"), "temperature": 1.0}) != space(ask("a"))


def ask(prompt: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}]}


def key_of(request: Request) -> bytes:
    return answer_key(request, model=MODEL, provider=PROVIDER)
