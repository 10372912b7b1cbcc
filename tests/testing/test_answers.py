"""What healthy answers say, on every wire, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from genai_prices import extract_usage
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.testing.answers import compose, echo
from mcp_router.testing.behaviours import Answer
from mcp_router.testing.neutral import Asked, Tool, WireName
from mcp_router.testing.server import FaultServer
from mcp_router.testing.wires import WIRES as TABLE
from mcp_router.types import ToolCall, Usage
from tests.testing.client import (
    WIRES,
    Exchange,
    Prompt,
    ask,
    blocks,
    events,
    finish,
    is_ended,
    said,
    send,
    written,
)

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
every_wire = pytest.mark.parametrize("wire", WIRES)

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TIME = {"type": "object", "properties": {"zone": {"type": "string"}}}


def offering(wire: WireName, *, force: str = "", parallel: bool = True) -> dict[str, Any]:
    """Offer get_weather and get_time the way a wire does."""
    schemas = {"get_weather": WEATHER, "get_time": TIME}
    if wire == "openai":
        tools = [
            {"type": "function", "function": {"name": name, "parameters": schema}}
            for name, schema in schemas.items()
        ]
        one = {"type": "function", "function": {"name": force}}
        choice = {"": "auto", "any": "required", "none": "none"}.get(force, one)
        return {"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}
    if wire == "anthropic":
        tools = [{"name": name, "input_schema": schema} for name, schema in schemas.items()]
        choice: Any = {"type": "tool", "name": force}
        if force in {"", "any", "none"}:
            choice = {"type": force or "auto"}
        return {"tools": tools, "tool_choice": choice | {"disable_parallel_tool_use": not parallel}}
    functions = [{"name": name, "parameters": schema} for name, schema in schemas.items()]
    config: dict[str, Any] = {"mode": force.upper() or "AUTO"}
    if force not in {"", "any", "none"}:
        config = {"mode": "ANY", "allowedFunctionNames": [force]}
    return {
        "tools": [{"functionDeclarations": functions}],
        "toolConfig": {"functionCallingConfig": config},
    }


def calls_in(wire: WireName, exchange: Exchange, *, stream: bool) -> list[tuple[str, Any]]:
    """Put the tool calls of an answer together: name and decoded arguments."""
    if not stream:
        return _plain_calls(wire, exchange.json)
    got = [event for event in events(exchange) if event != "[DONE]"]
    if wire == "gemini":
        return [call for event in got for call in _plain_calls(wire, event)]
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for event in got:
        for index, name, piece in _call_deltas(wire, event):
            names[index] = names.get(index, "") + name
            arguments[index] = arguments.get(index, "") + piece
    return [(names[index], json.loads(arguments[index] or "{}")) for index in names]


def _plain_calls(wire: WireName, body: Any) -> list[tuple[str, Any]]:
    if wire == "openai":
        functions = [c["function"] for c in body["choices"][0]["message"].get("tool_calls", [])]
        return [(f["name"], json.loads(f["arguments"])) for f in functions]
    if wire == "anthropic":
        return [(b["name"], b["input"]) for b in body["content"] if b["type"] == "tool_use"]
    parts = body["candidates"][0]["content"].get("parts", [])
    return [
        (p["functionCall"]["name"], p["functionCall"]["args"]) for p in parts if "functionCall" in p
    ]


def _call_deltas(wire: WireName, event: Any) -> list[tuple[int, str, str]]:
    if wire == "openai":
        deltas = event["choices"][0]["delta"].get("tool_calls", []) if event["choices"] else []
        return [
            (d["index"], d["function"].get("name", ""), d["function"]["arguments"]) for d in deltas
        ]
    if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
        return [(event["index"], event["content_block"]["name"], "")]
    if event["type"] == "content_block_delta" and "partial_json" in event["delta"]:
        return [(event["index"], "", event["delta"]["partial_json"])]
    return []


@both
@every_wire
async def test_an_unscripted_model_echoes_the_prompt_with_its_checksum(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    prompt = "Grüße, 你好 🎈"
    exchange = await ask(server, Prompt(wire, prompt, stream=stream))
    assert exchange.ended == "complete"
    assert exchange.status == 200
    assert said(wire, exchange, stream=stream) == echo(prompt)
    assert finish(wire, exchange, stream=stream) in {"stop", "end_turn", "STOP"}


@given(one=st.text(), other=st.text())
def test_two_prompts_never_share_an_echo(one: str, other: str) -> None:
    assert (echo(one) == echo(other)) == (one == other)


@every_wire
async def test_a_stream_ends_with_the_marker_of_its_wire(
    server: FaultServer, wire: WireName
) -> None:
    exchange = await ask(server, Prompt(wire, stream=True))
    assert exchange.headers["content-type"].startswith("text/event-stream")
    assert is_ended(wire, exchange)
    last = events(exchange)[-1]
    if wire == "openai":
        assert last == "[DONE]"
    elif wire == "anthropic":
        assert last == {"type": "message_stop"}
    else:
        assert last["candidates"][0]["finishReason"] == "STOP"


@every_wire
async def test_a_stream_cuts_the_text_into_as_many_pieces_as_asked(
    server: FaultServer, wire: WireName
) -> None:
    server.script("m", [Answer("abcdefghij", chunks=10)])
    exchange = await ask(server, Prompt(wire, stream=True))
    assert exchange.body.count(b'"text":"') + exchange.body.count(b'"content":"') >= 10
    assert said(wire, exchange, stream=True) == "abcdefghij"


@every_wire
@pytest.mark.parametrize("segment", [1, 3, 7, 100_000])
async def test_segments_split_lines_and_characters_but_not_the_content(
    server: FaultServer, wire: WireName, segment: int
) -> None:
    server.script("m", [Answer("é🎈" * 20, segment=segment)])
    exchange = await ask(server, Prompt(wire, stream=True))
    assert said(wire, exchange, stream=True) == "é🎈" * 20
    if segment == 1:
        assert exchange.raw.count(b"\r\n1\r\n") == len(exchange.body)


USAGES = [
    Usage(input_tokens=11, output_tokens=7),
    Usage(input_tokens=11, cache_read_tokens=500, output_tokens=7),
    Usage(input_tokens=11, cache_write_tokens=300, cache_read_tokens=2, output_tokens=1),
    Usage(input_tokens=1, reasoning_tokens=900, output_tokens=7),
]


@both
@every_wire
@pytest.mark.parametrize("usage", USAGES)
async def test_usage_reads_back_as_the_same_tokens(
    server: FaultServer, wire: WireName, stream: bool, usage: Usage
) -> None:
    server.script("m", [Answer("x", usage=usage)])
    fields = {"stream_options": {"include_usage": True}} if stream and wire == "openai" else {}
    exchange = await ask(server, Prompt(wire, stream=stream, fields=fields))
    bodies = [e for e in events(exchange) if e != "[DONE]"] if stream else [exchange.json]
    key = "usageMetadata" if wire == "gemini" else "usage"
    counts = [body[key] for body in bodies if body.get(key)][-1]
    provider, flavor, model = {
        "openai": ("openai", "chat", "gpt-4o"),
        "anthropic": ("anthropic", "default", "claude-sonnet-4-5"),
        "gemini": ("google", "default", "gemini-2.5-pro"),
    }[wire]
    body = {key: counts, "model": model, "modelVersion": model}
    read = extract_usage(body, provider_id=provider, api_flavor=flavor).usage
    assert read.input_tokens == usage.input_tokens + usage.cache_read_tokens + (
        usage.cache_write_tokens
    )
    assert (read.cache_read_tokens or 0) == usage.cache_read_tokens
    assert read.output_tokens == usage.output_tokens + usage.reasoning_tokens
    if wire != "gemini":
        assert (read.cache_write_tokens or 0) == usage.cache_write_tokens


async def test_openai_streams_usage_only_when_asked(server: FaultServer) -> None:
    silent = await ask(server, Prompt("openai", stream=True))
    assert b'"usage"' not in silent.body
    options = {"stream_options": {"include_usage": True}}
    counted = await ask(server, Prompt("openai", stream=True, fields=options))
    *chunks, last, _done = events(counted)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks)


async def test_anthropic_opens_a_tool_call_with_an_empty_delta(server: FaultServer) -> None:
    fields = offering("anthropic", force="get_time")
    got = events(await ask(server, Prompt("anthropic", stream=True, fields=fields)))
    deltas = [e["delta"]["partial_json"] for e in got if e["type"] == "content_block_delta"]
    assert deltas[0] == ""
    assert json.loads("".join(deltas)) == {"zone": "example"}


async def test_anthropic_replaces_its_first_output_count(server: FaultServer) -> None:
    server.script("m", [Answer("x", usage=Usage(input_tokens=5, output_tokens=40))])
    got = events(await ask(server, Prompt("anthropic", stream=True)))
    assert got[0]["message"]["usage"]["output_tokens"] == 1
    assert got[-2]["usage"]["output_tokens"] == 40


async def test_gemini_counts_the_answer_only_in_its_last_chunk(server: FaultServer) -> None:
    *early, last = events(await ask(server, Prompt("gemini", stream=True)))
    assert early
    assert all("candidatesTokenCount" not in chunk["usageMetadata"] for chunk in early)
    assert last["usageMetadata"]["candidatesTokenCount"] > 0


@both
@every_wire
async def test_reasoning_comes_before_the_text_and_apart_from_it(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    server.script("m", [Answer("answer", reasoning="thinking hard", chunks=1)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert said(wire, exchange, stream=stream) == "answer"
    mark = {"openai": "reasoning_content", "anthropic": "thinking", "gemini": "thought"}[wire]
    body = exchange.body.decode()
    assert mark in body
    if wire != "openai" or stream:
        assert body.index(mark) < body.index('"answer"')


@both
@every_wire
@pytest.mark.parametrize(
    ("prompt", "force", "expected"),
    [
        ("What is the weather in 'Paris'?", "", [("get_weather", {"city": "Paris"})]),
        ("Use get_weather('Oslo') please", "", [("get_weather", {"city": "Oslo"})]),
        ("Hello!", "get_time", [("get_time", {"zone": "example"})]),
        ("Hello!", "any", [("get_weather", {"city": "example"})]),
        ("Hello!", "", []),
        ("What is the weather?", "none", []),
        (
            'get_weather("Rome"), get_weather("Bern") and get_time("CET")',
            "",
            [
                ("get_weather", {"city": "Rome"}),
                ("get_weather", {"city": "Bern"}),
                ("get_time", {"zone": "CET"}),
            ],
        ),
        ("weather in '東京'", "", [("get_weather", {"city": "東京"})]),
    ],
)
async def test_tools_are_called_when_offered_and_asked_for(
    server: FaultServer,
    wire: WireName,
    stream: bool,
    prompt: str,
    force: str,
    expected: list[tuple[str, Any]],
) -> None:
    fields = offering(wire, force=force)
    exchange = await ask(server, Prompt(wire, prompt, stream=stream, fields=fields))
    assert calls_in(wire, exchange, stream=stream) == expected
    ended = finish(wire, exchange, stream=stream)
    if expected:
        assert ended in {"tool_calls", "tool_use", "STOP"}
    else:
        assert said(wire, exchange, stream=stream) == echo(prompt)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_one_call_at_a_time_where_the_client_forbids_parallel_calls(
    server: FaultServer, wire: WireName
) -> None:
    fields = offering(wire, parallel=False)
    exchange = await ask(server, Prompt(wire, "weather and time", fields=fields))
    assert len(calls_in(wire, exchange, stream=False)) == 1


RESULTS: dict[WireName, dict[str, Any]] = {
    "openai": {
        "messages": [
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "tool_calls": []},
            {"role": "tool", "tool_call_id": "1", "content": "the weather: sunny"},
        ]
    },
    "anthropic": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "1",
                        "content": [{"type": "text", "text": "the weather: sunny"}],
                    }
                ],
            }
        ]
    },
    "gemini": {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "get_weather", "response": "the weather: sunny"}}
                ],
            }
        ]
    },
}


@every_wire
async def test_the_results_of_tools_are_answered_and_not_called_again(
    server: FaultServer, wire: WireName
) -> None:
    fields = offering(wire) | RESULTS[wire]
    exchange = await ask(server, Prompt(wire, fields=fields))
    assert calls_in(wire, exchange, stream=False) == []
    assert said(wire, exchange, stream=False) == echo(
        "the weather: sunny" if wire != "gemini" else '"the weather: sunny"'
    )


@both
@every_wire
async def test_a_schema_gets_json_that_fits(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}}
    fields: dict[str, Any] = {
        "openai": {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": schema},
            }
        },
        "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
        "gemini": {
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseJsonSchema": schema,
            }
        },
    }[wire]
    exchange = await ask(server, Prompt(wire, "a number", stream=stream, fields=fields))
    assert json.loads(said(wire, exchange, stream=stream)) == {"n": 3}


async def test_json_mode_uses_the_keys_the_prompt_quotes(server: FaultServer) -> None:
    fields = {"response_format": {"type": "json_object"}}
    exchange = await ask(server, Prompt("openai", "JSON with 'a' and `b`", fields=fields))
    assert set(json.loads(said("openai", exchange, stream=False))) == {"a", "b"}
    exchange = await ask(server, Prompt("openai", "JSON", fields=fields))
    assert json.loads(said("openai", exchange, stream=False)) == {"answer": echo("JSON")}


@pytest.mark.parametrize(
    ("told", "is_json"),
    [("Answer with one JSON value only.", True), ("You like JSON files.", False), (None, False)],
)
async def test_a_wire_without_json_mode_is_asked_for_it_in_words(
    server: FaultServer, told: str | None, is_json: bool
) -> None:
    fields = {} if told is None else {"system": told}
    exchange = await ask(server, Prompt("anthropic", "Give me 'a'", fields=fields))
    answer = said("anthropic", exchange, stream=False)
    assert answer == ('{"a":"example"}' if is_json else echo("Give me 'a'"))


@every_wire
async def test_text_may_be_a_function_of_the_request(server: FaultServer, wire: WireName) -> None:
    server.script("m", [Answer(lambda asked: f"{asked.wire}/{asked.model}/{asked.text}")])
    exchange = await ask(server, Prompt(wire, "hi"))
    assert said(wire, exchange, stream=False) == f"{wire}/m/hi"


@both
@every_wire
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_other_finish_reasons_are_spelled_as_the_wire_does(
    server: FaultServer, wire: WireName, stream: bool, reason: Any
) -> None:
    server.script("m", [Answer("x", finish=reason)])
    exchange = await ask(server, Prompt(wire, stream=stream))
    spelled = {
        "openai": {"length": "length", "content_filter": "content_filter"},
        "anthropic": {"length": "max_tokens", "content_filter": "refusal"},
        "gemini": {"length": "MAX_TOKENS", "content_filter": "SAFETY"},
    }
    assert finish(wire, exchange, stream=stream) == spelled[wire][reason]


@both
@every_wire
async def test_calls_set_by_hand_are_sent_as_they_are(
    server: FaultServer, wire: WireName, stream: bool
) -> None:
    call = ToolCall(id="c1", name="anything", arguments={"deep": [1, {"é": None}]})
    server.script("m", [Answer("", tool_calls=(call,))])
    exchange = await ask(server, Prompt(wire, stream=stream))
    assert calls_in(wire, exchange, stream=stream) == [("anything", {"deep": [1, {"é": None}]})]


async def test_gemini_without_sse_streams_one_json_array(server: FaultServer) -> None:
    prompt = Prompt("gemini", "hi", stream=True)
    exchange = await ask(server, prompt)
    plain = written(prompt).replace(b"?alt=sse", b"")
    array = await send(server, plain)
    texts = ["".join(p["text"] for p in c["candidates"][0]["content"]["parts"]) for c in array.json]
    assert "".join(texts) == echo("hi") == said("gemini", exchange, stream=True)
    assert len(array.json) == len(blocks(exchange))


@given(
    chunks=st.integers(1, 50),
    text=st.text(max_size=200),
    reasoning=st.text(max_size=50),
)
def test_pieces_of_a_stream_always_add_up(chunks: int, text: str, reasoning: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    reasoning = reasoning.encode("utf-8", "replace").decode()
    for name, wire in TABLE.items():
        answer = Answer(text, reasoning=reasoning, chunks=chunks)
        reply = compose(answer, asked=Asked(name, "m", "hi"), serial=1)
        body = b"".join(event.data for event in wire.events(reply))
        exchange = Exchange("complete", 200, {}, body, body)
        assert said(name, exchange, stream=True) == text


def test_every_answer_has_ids_of_its_own() -> None:
    asked = Asked("openai", "m", "f()", tools=(Tool("f", {}),))
    ids = {compose(Answer(), asked=asked, serial=n).calls[0].id for n in range(1000)}
    assert len(ids) == 1000
