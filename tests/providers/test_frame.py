"""Chunks that are not decoded again read the same as those that are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.providers.anthropic_answer import AnthropicReader
from mcp_router.providers.frame import Frame
from mcp_router.providers.openai_answer import OpenAIReader
from mcp_router.providers.sse import Event
from mcp_router.providers.wire import Delta, Reader, TextDelta

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "content", "m-1", "stop", ",", ":", '"', "\\", "\n", "\u2028", "ü", "a, b", "}"]
    ),
    st.text(max_size=6),
)
NAMES = st.sampled_from(["m-1", "a", "content", "\\u0061", "ab"])


def openai(text: str, *, name: str, extra: str) -> Any:
    delta: dict[str, Any] = {"content": text}
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
    chunk: dict[str, Any] = {"id": "c", "model": name, "choices": [choice]}
    if extra == "parts":
        delta["content"] = [{"type": "text", "text": text}, {"type": "text", "text": "b"}]
    elif extra == "refusal":
        delta["refusal"] = text
    elif extra == "thought":
        delta["reasoning_content"] = text
    elif extra == "usage":
        chunk["usage"] = {"prompt_tokens": 1, "completion_tokens": len(text), "total_tokens": 9}
    elif extra == "end":
        choice["finish_reason"] = "stop"
    elif extra == "twice":
        chunk["choices"].append({"index": 1, "delta": {"content": text}})
    return chunk


def anthropic(text: str, *, name: str, extra: str) -> Any:
    kind = {"thought": "thinking_delta", "refusal": "text_delta"}.get(extra, "text_delta")
    field = "thinking" if kind == "thinking_delta" else "text"
    if extra == "usage":
        return {"type": "message_delta", "delta": {}, "usage": {"output_tokens": len(text)}}
    if extra == "end":
        return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "name": name}
    number = 1 if extra == "twice" else 0
    return {"type": "content_block_delta", "index": number, "delta": {"type": kind, field: text}}


EXTRAS = st.sampled_from(["", "", "", "parts", "refusal", "thought", "usage", "end", "twice"])
CHUNKS = st.lists(st.tuples(TEXTS, NAMES, EXTRAS, st.booleans()), max_size=8)
Make = Callable[..., Any]


def told(reader: Reader, chunks: Sequence[str]) -> tuple[list[Delta], object, bool]:
    deltas = [delta for chunk in chunks for delta in reader.read(Event(chunk))]
    return deltas, reader.usage(), reader.finished


@pytest.mark.parametrize(
    ("make", "kind"), [(openai, OpenAIReader), (anthropic, AnthropicReader)], ids=["o", "a"]
)
@settings(max_examples=150, deadline=None)
@given(chunks=CHUNKS)
def test_a_stream_reads_as_its_chunks_read_one_by_one(
    make: Make, kind: Callable[..., Reader], chunks: list[tuple[str, str, str, bool]]
) -> None:
    written = [
        json.dumps(make(text, name=name, extra=extra), ensure_ascii=escaped)
        for text, name, extra, escaped in chunks
    ]
    # A blank in front makes each chunk unlike the one before, so that it is decoded.
    apart = [" " * (number % 2) + chunk for number, chunk in enumerate(written)]
    assert told(kind(provider="p"), written) == told(kind(provider="p"), apart)


def test_a_plain_chunk_is_found_by_the_one_before() -> None:
    frame = Frame()
    frame.learn('{"text": "one", "n": 1}', text="one")
    assert frame.text('{"text": "two, or 2", "n": 1}') == "two, or 2"


@pytest.mark.parametrize(
    "chunk",
    [
        '{"text": "two", "n": 2}',
        '{"text": "", "n": 1}',
        '{"text": "a\\nb", "n": 1}',
        '{"text": "a\nb", "n": 1}',
        '{"text": "a", "text": "b", "n": 1}',
        '{"text": "n": 1}',
        '{"text": "a"}',
        "",
    ],
)
def test_what_is_not_plain_or_not_the_same_is_left_to_the_decoder(chunk: str) -> None:
    frame = Frame()
    frame.learn('{"text": "one", "n": 1}', text="one")
    assert frame.text(chunk) is None


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        ('{"a": "one", "b": "one"}', "one"),
        ('{"a": "o\\u006ee", "b": "x"}', "x"),
        ('{"a": "b"}', "c"),
    ],
)
def test_what_may_be_taken_for_something_else_is_not_learned(chunk: str, text: str) -> None:
    frame = Frame()
    frame.learn(chunk, text=text)
    assert frame.text(chunk) is None


def test_nothing_is_known_before_the_first_chunk() -> None:
    assert Frame().text('{"text": "one"}') is None


def test_broken_json_after_a_plain_chunk_is_still_refused() -> None:
    reader = OpenAIReader(provider="p")
    chunk = json.dumps(openai("one", name="m", extra=""))
    assert reader.read(Event(chunk)) == (TextDelta("one"),)
    assert list(reader.read(Event(chunk))) == [TextDelta("one")]
    with pytest.raises(ValueError, match="JSON"):
        reader.read(Event(chunk.replace('"one"', '"one')))
