"""`/v1/messages` with the real Anthropic client: answers, tools, thinking, images, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from tests.door.house import CALL, HELLO, House, Served

TOOL: Any = {
    "name": "weather",
    "description": "Tell the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def client(served: Served, secret: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=served.url, api_key=secret, max_retries=0) as made:
        yield made


def ask(client: anthropic.Anthropic, **fields: Any) -> Any:
    given: dict[str, Any] = {"model": "m-a", "max_tokens": 200, "messages": HELLO, **fields}
    return client.messages.create(**given)


@pytest.mark.parametrize("model", ["auto", "auto:cost_first", "m-a"])
def test_an_answer_has_text_a_stop_reason_and_usage(
    client: anthropic.Anthropic, model: str
) -> None:
    done = ask(client, model=model, system="Be nice.")
    assert [one.text for one in done.content] == [echo("Say hello.")]
    assert (done.stop_reason, done.role) == ("end_turn", "assistant")
    assert done.usage.output_tokens > 0


def test_a_bearer_token_does_as_well_as_a_key(served: Served, secret: str) -> None:
    with anthropic.Anthropic(base_url=served.url, auth_token=secret, max_retries=0) as client:
        assert ask(client).content


def test_a_cut_answer_says_so(client: anthropic.Anthropic, house: House) -> None:
    house.serve("l-a", Answer("Half of", finish="length"))
    assert ask(client, model="l-a").stop_reason == "max_tokens"


def test_tools_and_their_results_pass_through(client: anthropic.Anthropic, house: House) -> None:
    call = Answer("", tool_calls=(CALL,))
    house.serve("t-a", call, Answer("Sunny."), wire="anthropic")
    first = ask(client, model="t-a", tools=[TOOL], tool_choice={"type": "any"})
    assert first.stop_reason == "tool_use"
    use = first.content[-1]
    assert (use.name, use.input) == ("weather", {"city": "Bern"})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "20 degrees"}
    history: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": [one.model_dump() for one in first.content]},
        {"role": "user", "content": [result, {"type": "text", "text": "And?"}]},
    ]
    second = ask(client, model="t-a", messages=history, tools=[TOOL])
    assert second.content[0].text == "Sunny."
    sent = house.faults.calls[-1].body["messages"]
    assert sent[1]["content"][-1]["type"] == "tool_use"
    assert sent[2]["content"][0]["tool_use_id"] == sent[1]["content"][-1]["id"]


def test_images_system_stops_and_cache_marks_reach_the_provider(
    client: anthropic.Anthropic, house: House
) -> None:
    house.serve("i-a", wire="anthropic")
    source = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": source},
            ],
        }
    ]
    ask(
        client,
        model="i-a",
        messages=messages,
        system=[{"type": "text", "text": "Be short."}],
        stop_sequences=["END"],
    )
    sent = house.faults.calls[-1].body
    assert sent["messages"][0]["content"][1]["source"] == source
    assert "Be short." in str(sent["system"])
    assert sent["stop_sequences"] == ["END"]
    assert sent["max_tokens"] == 200


def test_a_stream_is_the_same_answer(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="m-a", max_tokens=200, messages=HELLO) as stream:
        names = [event.type for event in stream]
        done = stream.get_final_message()
    assert done.content[0].text == echo("Say hello.")
    assert done.stop_reason == "end_turn"
    assert done.usage.output_tokens > 0
    assert names[0] == "message_start"
    assert names[-1] == "message_stop"


def test_thinking_and_tool_calls_are_blocks_of_their_own(
    client: anthropic.Anthropic, house: House
) -> None:
    answer = Answer(
        "Let me see.",
        reasoning="Where is it?",
        tool_calls=(CALL, CALL.model_copy(update={"id": "call_2", "arguments": {"city": "Rome"}})),
    )
    house.serve("r-a", answer, wire="anthropic")
    with client.messages.stream(
        model="r-a",
        max_tokens=200,
        messages=HELLO,
        tools=[TOOL],
    ) as stream:
        done = stream.get_final_message()
    assert [one.type for one in done.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert [one.input for one in done.content[2:]] == [{"city": "Bern"}, {"city": "Rome"}]
    whole = ask(client, model="r-a", tools=[TOOL])
    assert [one.type for one in whole.content] == ["thinking", "text", "tool_use", "tool_use"]


def test_thinking_goes_back_to_its_own_provider_only(
    client: anthropic.Anthropic, house: House
) -> None:
    house.serve("k-a", Answer("Done.", reasoning="Hm."), wire="anthropic")
    house.serve("k-b", wire="openai")
    first = ask(client, model="k-a")
    history: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": [one.model_dump() for one in first.content]},
        {"role": "user", "content": "Go on."},
    ]
    ask(client, model="k-a", messages=history)
    mine = house.faults.calls[-1].body["messages"][1]["content"]
    ask(client, model="k-b", messages=history)
    theirs = house.faults.calls[-1].body["messages"][1]
    assert [one["type"] for one in mine] == ["thinking", "text"]
    assert not mine[0]["signature"].startswith("fault-")
    assert "Hm." not in str(theirs)


@pytest.mark.parametrize("fault", [Fault.cut(after=2), Fault.error_in_200(after=2)])
def test_a_stream_that_breaks_ends_in_an_error(
    client: anthropic.Anthropic, house: House, fault: Fault
) -> None:
    name = f"c-{fault.kind}".replace("_", "-")
    house.serve(name, fault)
    heard: list[str] = []
    stream = client.messages.stream(model=name, max_tokens=200, messages=HELLO)
    with stream as events, pytest.raises(anthropic.APIError):
        heard.extend(event.type for event in events)
    assert "message_stop" not in heard
    assert house.held() == []


@pytest.mark.parametrize(
    ("fields", "kind", "word"),
    [
        ({"model": "gpt-55-turbo"}, anthropic.NotFoundError, "not_found_error"),
        ({"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
        ({"extra_body": {"temperature": 2}}, anthropic.BadRequestError, "invalid_request_error"),
        ({"tools": [{"type": "bash_20250124", "name": "b"}]}, anthropic.BadRequestError, "tools"),
        ({"extra_body": {"api_base": "http://x"}}, anthropic.BadRequestError, "api_base"),
    ],
)
def test_refusals_have_the_form_its_clients_know(
    client: anthropic.Anthropic, fields: dict[str, Any], kind: type[Exception], word: str
) -> None:
    with pytest.raises(kind) as refused:
        ask(client, **fields)
    assert word in str(refused.value)


def test_tokens_are_counted_and_models_listed(client: anthropic.Anthropic) -> None:
    few = client.messages.count_tokens(model="auto", messages=HELLO)
    text = "word " * 500
    many = client.messages.count_tokens(model="auto", messages=[{"role": "user", "content": text}])
    assert 0 < few.input_tokens < 50 < 400 < many.input_tokens < 1000
    listed = list(client.models.list())
    assert "m-a" in [one.id for one in listed]
    assert listed[0].type == "model"
