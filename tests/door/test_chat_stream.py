"""`/v1/chat/completions` piece by piece: usage last, cuts told as errors, hang-ups settled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from tests.door.house import CALL, HELLO, House, Served, until
from tests.door.test_chat import TOOL


@pytest.fixture
def client(served: Served, secret: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=secret, max_retries=0) as made:
        yield made


def chunks(client: openai.OpenAI, **fields: Any) -> list[Any]:
    given: dict[str, Any] = {"model": "m-a", "messages": HELLO, "stream": True, **fields}
    with client.chat.completions.create(**given) as stream:
        return list(stream)


def text_of(pieces: list[Any]) -> str:
    return "".join(one.choices[0].delta.content or "" for one in pieces if one.choices)


def test_the_pieces_are_the_answer_and_end_with_a_reason(client: openai.OpenAI) -> None:
    pieces = chunks(client)
    assert text_of(pieces) == echo("Say hello.")
    assert pieces[0].choices[0].delta.role == "assistant"
    assert [one.choices[0].finish_reason for one in pieces if one.choices][-1] == "stop"
    assert {one.model for one in pieces} == {"m-a"}
    assert all(one.usage is None for one in pieces)
    facts = pieces[-1].model_extra["x_router"]
    assert [one["outcome"] for one in facts["attempts"]] == ["ok"]


def test_usage_comes_last_where_it_is_asked_for(client: openai.OpenAI) -> None:
    pieces = chunks(client, stream_options={"include_usage": True})
    last = pieces[-1]
    assert last.choices == []
    assert last.usage.completion_tokens > 0
    assert last.model_extra["x_router"]["cost_usd"]


def test_a_fallback_before_the_first_piece_goes_unseen_but_for_the_headers(
    client: openai.OpenAI, house: House
) -> None:
    house.serve("b-bad", Fault.http(500))
    house.serve("b-good")
    house.more["chains"] = {"pair": ["b-bad", "b-good"]}
    house.write()
    fields: dict[str, Any] = {"model": "pair", "messages": HELLO, "stream": True}
    with client.chat.completions.with_streaming_response.create(**fields) as raw:
        body = raw.read()
    assert raw.headers["x-router-model"] == "b-good"
    assert int(raw.headers["x-router-attempts"]) >= 2
    assert raw.headers["x-router-decision-id"].startswith("dec_")
    assert body.endswith(b"data: [DONE]\n\n")


def test_tool_calls_come_whole(client: openai.OpenAI, house: House) -> None:
    house.serve("st-a", Answer("", tool_calls=(CALL,)))
    pieces = chunks(client, model="st-a", tools=[TOOL])
    calls = [call for one in pieces for call in one.choices[0].delta.tool_calls or ()]
    assert [(one.index, one.function.name) for one in calls] == [(0, "weather")]
    assert json.loads(calls[0].function.arguments) == {"city": "Bern"}
    assert pieces[-1].choices[0].finish_reason == "tool_calls"


def test_a_failure_before_the_first_piece_has_a_status(client: openai.OpenAI, house: House) -> None:
    house.serve("e-a", Fault.http(503))
    with pytest.raises(openai.InternalServerError) as failed:
        chunks(client, model="e-a")
    assert failed.value.status_code == 503


def hear(stream: Any, got: list[str], reasons: list[str | None]) -> None:
    for piece in stream:
        got.append(piece.choices[0].delta.content or "")
        reasons.append(piece.choices[0].finish_reason)


@pytest.mark.parametrize(
    "fault", [Fault.cut(after=2), Fault.malformed(after=3), Fault.error_in_200(after=2)]
)
def test_a_stream_that_breaks_ends_in_an_error_and_is_never_spliced(
    client: openai.OpenAI, house: House, fault: Fault
) -> None:
    name = f"c-{fault.kind}".replace("_", "-")
    house.serve(name, fault)
    house.serve("c-good")
    house.more["chains"] = {name + "-chain": [name, "c-good"]}
    house.write()
    got: list[str] = []
    fields: dict[str, Any] = {"model": name + "-chain", "messages": HELLO, "stream": True}
    reasons: list[str | None] = []
    stream = client.chat.completions.create(**fields)
    with pytest.raises(openai.APIError):
        hear(stream, got, reasons)
    stream.close()
    assert set(reasons) == {None}
    assert echo("Say hello.").startswith("".join(got))
    assert all(call.model != "c-good" for call in house.faults.calls)
    assert house.held() == []


def test_hanging_up_stops_the_provider_and_settles_the_money(
    client: openai.OpenAI, house: House
) -> None:
    house.serve("g-a", Fault.stall(after=2))
    fields: dict[str, Any] = {"model": "g-a", "messages": HELLO, "stream": True}
    before = len(house.faults.abandoned)
    with client.chat.completions.create(**fields) as stream:
        next(iter(stream))
        assert house.held() != []
    until(lambda: house.held() == [])
    until(lambda: len(house.faults.abandoned) == before + 1)


def test_hanging_up_before_the_first_piece_does_so_too(
    served: Served, house: House, secret: str
) -> None:
    house.serve("q-a", Fault.silence())
    before = len(house.faults.abandoned)
    for stream in (True, False):
        link = served.client(secret)
        body = {"model": "q-a", "messages": HELLO, "stream": stream}
        request = link.build_request("POST", "/v1/chat/completions", json=body)
        request.extensions["timeout"] = {"read": 0.7, "connect": 5, "write": 5, "pool": 5}
        with pytest.raises(Exception, match="timed out"):
            link.send(request)
        link.close()
    until(lambda: len(house.faults.abandoned) == before + 2)
    until(lambda: house.held() == [])
