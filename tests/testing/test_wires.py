"""Whole answers on each wire, field by field, and the address each wire is known by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_router.testing.answers import compose
from mcp_router.testing.behaviours import Answer
from mcp_router.testing.neutral import Asked, Event, Reply, WireName
from mcp_router.testing.wires import WIRES, key_of, wire_of
from mcp_router.types import ToolCall, Usage

FULL = Answer(
    "Hi",
    reasoning="Hm",
    tool_calls=(ToolCall(id="c1", name="f", arguments={"a": 1}),),
    usage=Usage(
        input_tokens=10,
        cache_read_tokens=20,
        cache_write_tokens=30,
        reasoning_tokens=4,
        output_tokens=5,
    ),
    chunks=1,
)


def reply(wire: WireName) -> Reply:
    return compose(FULL, asked=Asked(wire, "m", "hello", stream=True), serial=1)


def decoded(events: list[Event]) -> list[Any]:
    """Decode the data line of each event; [DONE] stays as text."""
    data = [event.data.decode().strip().rpartition("data: ")[2] for event in events]
    return [item if item == "[DONE]" else json.loads(item) for item in data]


OPENAI_USAGE = {
    "prompt_tokens": 60,
    "completion_tokens": 9,
    "total_tokens": 69,
    "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 30, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 4,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
OPENAI_CALL = {"id": "call_c1", "type": "function"}


def test_openai_answers_with_a_chat_completion() -> None:
    assert WIRES["openai"].plain(reply("openai")) == {
        "id": "chatcmpl-000000000000000000000001",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "m",
        "service_tier": "default",
        "system_fingerprint": "fp_fault_server",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hi",
                    "refusal": None,
                    "annotations": [],
                    "reasoning_content": "Hm",
                    "tool_calls": [
                        OPENAI_CALL | {"function": {"name": "f", "arguments": '{"a":1}'}}
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": OPENAI_USAGE,
    }


def test_openai_streams_chunks_of_one_choice() -> None:
    *chunks, done = decoded(WIRES["openai"].events(reply("openai")))
    assert done == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-000000000000000000000001"}
    *spoken, counted = chunks
    assert (counted["choices"], counted["usage"]) == ([], OPENAI_USAGE)
    assert [(c["choices"][0]["delta"], c["choices"][0]["finish_reason"]) for c in spoken] == [
        ({"role": "assistant", "content": "", "refusal": None}, None),
        ({"reasoning_content": "Hm"}, None),
        ({"content": "Hi"}, None),
        (
            {
                "tool_calls": [
                    OPENAI_CALL | {"index": 0, "function": {"name": "f", "arguments": ""}}
                ]
            },
            None,
        ),
        ({"tool_calls": [{"index": 0, "function": {"arguments": '{"'}}]}, None),
        ({"tool_calls": [{"index": 0, "function": {"arguments": 'a"'}}]}, None),
        ({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}, None),
        ({}, "tool_calls"),
    ]


ANTHROPIC_USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 30,
    "cache_read_input_tokens": 20,
    "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 9,
    "service_tier": "standard",
    "output_tokens_details": {"thinking_tokens": 4},
}
SIGNATURE = "ZmF1bHQtc2VydmVy"


def test_anthropic_answers_with_a_message() -> None:
    assert WIRES["anthropic"].plain(reply("anthropic")) == {
        "id": "msg_000000000000000000000001",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": SIGNATURE},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "toolu_c1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }


def test_anthropic_streams_named_events_block_by_block() -> None:
    events = WIRES["anthropic"].events(reply("anthropic"))
    got = decoded(events)
    names = [event.data.decode().partition("\n")[0].removeprefix("event: ") for event in events]
    assert names == [event["type"] for event in got]
    start, ping, *middle, delta, stop = got
    assert (ping, stop) == ({"type": "ping"}, {"type": "message_stop"})
    assert start["message"]["content"] == []
    assert start["message"]["stop_reason"] is None
    assert delta == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": ANTHROPIC_USAGE,
    }
    assert [
        (event["index"], event.get("content_block") or event.get("delta")) for event in middle
    ] == [
        (0, {"type": "thinking", "thinking": "", "signature": ""}),
        (0, {"type": "thinking_delta", "thinking": "Hm"}),
        (0, {"type": "signature_delta", "signature": SIGNATURE}),
        (0, None),
        (1, {"type": "text", "text": ""}),
        (1, {"type": "text_delta", "text": "Hi"}),
        (1, None),
        (2, {"type": "tool_use", "id": "toolu_c1", "name": "f", "input": {}}),
        (2, {"type": "input_json_delta", "partial_json": ""}),
        (2, {"type": "input_json_delta", "partial_json": '{"'}),
        (2, {"type": "input_json_delta", "partial_json": 'a"'}),
        (2, {"type": "input_json_delta", "partial_json": ":1}"}),
        (2, None),
    ]


GEMINI_CALL = {
    "functionCall": {"id": "c1", "name": "f", "args": {"a": 1}},
    "thoughtSignature": SIGNATURE,
}
GEMINI_USAGE = {
    "promptTokenCount": 60,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}],
    "cachedContentTokenCount": 20,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 4,
    "totalTokenCount": 69,
}


def test_gemini_answers_with_a_candidate() -> None:
    parts = [{"text": "Hm", "thought": True}, {"text": "Hi"}, GEMINI_CALL]
    assert WIRES["gemini"].plain(reply("gemini")) == {
        "candidates": [
            {"content": {"parts": parts, "role": "model"}, "index": 0, "finishReason": "STOP"}
        ],
        "usageMetadata": GEMINI_USAGE,
        "modelVersion": "m",
        "responseId": "resp00000000000000000001",
    }


def test_gemini_streams_one_part_a_chunk_and_ends_with_the_finish_reason() -> None:
    got = decoded(WIRES["gemini"].events(reply("gemini")))
    candidates = [chunk["candidates"][0] for chunk in got]
    assert [candidate["content"]["parts"] for candidate in candidates] == [
        [{"text": "Hm", "thought": True}],
        [{"text": "Hi"}],
        [GEMINI_CALL],
        [{"text": ""}],
    ]
    assert [candidate.get("finishReason") for candidate in candidates] == [None, None, None, "STOP"]
    assert got[-1]["usageMetadata"] == GEMINI_USAGE


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("/v1/chat/completions", {}, ("openai", False)),
        ("/openai/v1/chat/completions?api-version=1", {}, ("openai", False)),
        ("/v1/messages", {}, ("anthropic", False)),
        ("/v1beta/models/m:generateContent", {}, ("gemini", False)),
        ("/v1/models/a%2Fb:streamGenerateContent?alt=sse", {}, ("gemini", False)),
        ("/v1/models", {}, ("openai", True)),
        ("/v1/models/", {"anthropic-version": "2023-06-01"}, ("anthropic", True)),
        ("/v1beta/models?key=k", {}, ("gemini", True)),
        ("/models", {"x-goog-api-key": "k"}, ("gemini", True)),
    ],
)
def test_an_address_belongs_to_one_wire(
    target: str, headers: dict[str, str], expected: tuple[str, bool]
) -> None:
    found = wire_of(target, headers=headers)
    assert found is not None
    assert (found[0].name, found[1]) == expected


@pytest.mark.parametrize("target", ["/", "", "/v1", "/v1/messages/batches", "/m:generateContent"])
def test_other_addresses_belong_to_none(target: str) -> None:
    assert wire_of(target, headers={}) is None


@pytest.mark.parametrize(
    ("wire", "target", "headers", "key"),
    [
        ("openai", "/", {"authorization": "Bearer k"}, "k"),
        ("openai", "/", {"authorization": "bearer  k "}, "k"),
        ("openai", "/?key=k", {"x-api-key": "k", "x-goog-api-key": "k"}, None),
        ("anthropic", "/", {"x-api-key": "k"}, "k"),
        ("anthropic", "/", {"authorization": "Bearer k", "x-api-key": "other"}, "k"),
        ("gemini", "/", {"x-goog-api-key": "k"}, "k"),
        ("gemini", "/?alt=sse&key=k", {}, "k"),
        ("gemini", "/", {}, None),
    ],
)
def test_a_key_is_found_where_its_wire_puts_it(
    wire: WireName, target: str, headers: dict[str, str], key: str | None
) -> None:
    assert key_of(target, headers=headers, wire=wire) == key


@pytest.mark.parametrize("wire", WIRES)
def test_no_models_make_an_empty_list(wire: WireName) -> None:
    (rows,) = [value for value in WIRES[wire].models([]).values() if isinstance(value, list)]
    assert rows == []
