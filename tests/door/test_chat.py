"""`/v1/chat/completions` with the real OpenAI client: answers, tools, forms, media, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from tests.door.house import CALL, HELLO, House, Served

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
def client(served: Served, secret: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=secret, max_retries=0) as made:
        yield made


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    given: dict[str, Any] = {"model": "m-a", "messages": HELLO, **fields}
    return client.chat.completions.create(**given)


@pytest.mark.parametrize(
    "model", ["auto", "auto:cost_first", "auto:quality-first", "balanced", "latency_first", "m-a"]
)
def test_every_way_to_name_a_model_gets_an_answer(client: openai.OpenAI, model: str) -> None:
    done = ask(client, model=model)
    assert done.choices[0].message.content == echo("Say hello.")
    assert done.choices[0].finish_reason == "stop"
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


def test_headers_tell_decision_model_cost_and_attempts(client: openai.OpenAI, house: House) -> None:
    house.serve("h-bad", Fault.http(503))
    house.serve("h-good")
    house.more["chains"] = {"mine": ["h-bad", "h-good"]}
    house.write()
    raw = client.chat.completions.with_raw_response.create(model="mine", messages=HELLO)
    told = raw.headers
    assert told["x-router-model"] == "h-good"
    assert told["x-router-attempts"] == "2"
    assert float(told["x-router-cost-usd"]) > 0
    ids = house.rows("SELECT decision_id FROM routing_decisions")
    assert (told["x-router-decision-id"],) in ids
    body = json.loads(raw.content)["x_router"]
    assert [one["outcome"] for one in body["attempts"]] == ["overloaded", "ok"]
    assert raw.parse()._request_id == told["x-request-id"]


def test_tool_calls_and_their_results_pass_through(client: openai.OpenAI, house: House) -> None:
    call = Answer("", tool_calls=(CALL,))
    house.serve("t-a", call, Answer("Sunny."))
    first = ask(client, model="t-a", tools=[TOOL], tool_choice="required")
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    asked = choice.message.tool_calls[0]
    assert (asked.function.name, json.loads(asked.function.arguments)) == (
        "weather",
        {"city": "Bern"},
    )
    history: list[Any] = [
        *HELLO,
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": asked.id, "content": "20 degrees"},
    ]
    second = ask(client, model="t-a", messages=history, tools=[TOOL])
    assert second.choices[0].message.content == "Sunny."
    sent = house.faults.calls[-1].body["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "tool"]
    assert sent[-1]["content"] == "20 degrees"


def test_a_schema_reaches_the_provider(client: openai.OpenAI, house: House) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    house.serve("s-a", Answer('{"n": 3}'))
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    done = ask(client, model="s-a", response_format=form)
    assert json.loads(done.choices[0].message.content) == {"n": 3}
    sent = house.faults.calls[-1].body["response_format"]
    assert sent["json_schema"]["schema"] == schema


def test_images_effort_and_limits_reach_the_provider(client: openai.OpenAI, house: House) -> None:
    house.serve("i-a")
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    messages = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]},
    ]
    ask(
        client,
        model="i-a",
        messages=messages,
        max_completion_tokens=77,
        temperature=0.5,
        stop="END",
        reasoning_effort="low",
    )
    sent = house.faults.calls[-1].body
    assert sent["messages"][0] == {"role": "system", "content": "Be short."}
    assert sent["messages"][1]["content"][1]["image_url"] == picture["image_url"]
    assert sent["max_tokens"] == 77
    assert (sent["temperature"], sent["stop"]) == (0.5, ["END"])


def test_fields_without_a_place_are_told_and_left_out(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="m-a",
        messages=HELLO,
        top_p=0.9,
        seed=3,
        user="me",
    )
    assert raw.headers["x-router-ignored"] == "seed, top_p, user" or set(
        raw.headers["x-router-ignored"].split(", ")
    ) == {"seed", "top_p", "user"}


def test_our_own_field_bounds_the_cost_and_labels_the_call(
    client: openai.OpenAI, house: House
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, extra_body={"router": {"max_cost_usd": "0.000000001"}})
    assert refused.value.code == "no_model_fits"
    ask(client, extra_body={"router": {"project": "site", "category": "chat"}})
    newest = "SELECT project, category FROM routing_decisions ORDER BY seq DESC LIMIT 1"
    assert house.rows(newest) == [("site", "chat")]
    tags = house.rows("SELECT tags FROM ledger_entries ORDER BY entry_id DESC LIMIT 1")
    assert set(json.loads(tags[0][0])) == {"project=site", "token=alice"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "alien", "content": "x"}]}, "messages.role"),
        ({"model": "auto:fastest"}, "model"),
        ({"model": ""}, "model"),
        ({"extra_body": {"router": {"base_url": "http://x"}}}, "router.base_url"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_field(
    client: openai.OpenAI, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, **fields)
    assert str(refused.value.param).startswith(param.partition(".")[0])
    assert refused.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("faults", "kind", "status", "code"),
    [
        ([Fault.http(500)], openai.InternalServerError, 502, "all_models_failed"),
        ([Fault.http(401)], openai.InternalServerError, 502, "all_models_failed"),
        ([Fault.http(429, retry_after=60)], openai.RateLimitError, 429, "upstream_rate_limited"),
        ([Fault.context_length()], openai.BadRequestError, 400, "context_length_exceeded"),
        ([Fault.content_filter()], openai.BadRequestError, 400, "content_filter"),
    ],
)
def test_failures_have_the_status_their_cause_has(
    client: openai.OpenAI,
    house: House,
    faults: list[Any],
    kind: type[openai.APIStatusError],
    status: int,
    code: str,
) -> None:
    model = f"f-{code.replace('_', '-')}-{status}-{len(house.faults.calls)}"
    house.serve(model, *faults)
    with pytest.raises(kind) as failed:
        ask(client, model=model)
    assert (failed.value.status_code, failed.value.code) == (status, code)
    # The vendors' clients would try a whole chain of fallbacks again.
    retries = failed.value.response.headers.get("x-should-retry")
    assert retries == ("false" if status == 502 else None)


def test_an_unknown_model_is_not_found_and_near_ones_are_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Did you mean") as refused:
        ask(client, model="gpt-55-turbo")
    assert refused.value.code == "model_not_found"


def test_models_are_listed_and_shown(client: openai.OpenAI) -> None:
    names = [one.id for one in client.models.list()]
    assert names[:2] == ["auto", "auto:balanced"]
    assert "m-a" in names
    assert "claude-sonnet-5" not in names
    assert client.models.retrieve("m-a").owned_by == "fault-openai"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none-of-this")
