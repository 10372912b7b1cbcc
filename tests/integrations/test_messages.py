"""LangChain's messages as the router's: one for one, nothing lost in silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_mcp_router.messages import converted
from mcp_router import InvalidRequestError, Media, Reasoning, Text, ToolCall, ToolResult
from mcp_router.types import Message

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
CALLS = st.lists(
    st.builds(
        lambda number, name, args: {
            "id": f"call_{number}",
            "name": name,
            "args": args,
            "type": "tool_call",
        },
        st.integers(0, 10**6),
        st.sampled_from(["high_tide", "low_tide"]),
        st.dictionaries(TEXTS, st.one_of(st.integers(), TEXTS), max_size=2),
    ),
    max_size=3,
    unique_by=lambda call: call["id"],
)
MESSAGES = st.one_of(
    st.builds(SystemMessage, TEXTS),
    st.builds(HumanMessage, TEXTS),
    st.builds(lambda text, calls: AIMessage(text, tool_calls=calls), TEXTS, CALLS),
    st.builds(
        lambda text, status: ToolMessage(text, tool_call_id="call_1", status=status),
        TEXTS,
        st.sampled_from(["success", "error"]),
    ),
)
IMAGE = "iVBORw0KGgo="


def only(message: BaseMessage) -> Message:
    (found,) = converted([message])
    return found


def parts(message: BaseMessage) -> tuple[Any, ...]:
    content = only(message).content
    assert not isinstance(content, str)
    return content


def said(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    texts = [one.content if isinstance(one, ToolResult) else one for one in message.content]
    return "".join(
        one if isinstance(one, str) else one.text for one in texts if isinstance(one, str | Text)
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, max_size=6))
def test_every_message_becomes_one_that_says_the_same(messages: list[BaseMessage]) -> None:
    found = converted(messages)
    assert [one.origin for one in found] == messages
    for before, after in zip(messages, found, strict=True):
        assert said(after) == before.text
        if isinstance(before, AIMessage):
            calls = [one for one in after.content if isinstance(one, ToolCall)]
            assert [(one.id, one.name, dict(one.arguments)) for one in calls] == [
                (call["id"], call["name"], call["args"]) for call in before.tool_calls
            ]


@pytest.mark.parametrize(
    ("block", "media"),
    [
        (
            {"type": "image", "base64": IMAGE, "mime_type": "image/png"},
            Media(media_type="image/png", data=IMAGE),
        ),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
            Media(media_type="image/png", data=IMAGE),
        ),
        (
            {"type": "image", "url": "https://example.com/a.jpg?x=1"},
            Media(media_type="image/jpeg", url="https://example.com/a.jpg?x=1"),
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.webp"}},
            Media(media_type="image/webp", url="https://example.com/a.webp"),
        ),
        (
            {
                "type": "file",
                "base64": "JVBERg==",
                "mime_type": "application/pdf",
                "filename": "paper.pdf",
            },
            Media(media_type="application/pdf", data="JVBERg==", name="paper.pdf"),
        ),
        (
            {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"},
            Media(media_type="audio/wav", data="UklGRg=="),
        ),
    ],
)
def test_media_of_any_form_is_understood(block: dict[str, Any], media: Media) -> None:
    text, found = parts(HumanMessage([{"type": "text", "text": "Look:"}, block]))
    assert (text, found) == (Text(text="Look:"), media)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "file_id": "file-1"},
        {"type": "image"},
        {"type": "video", "url": "https://example.com/a.mp4"},
        {"type": "search_result", "title": "x"},
    ],
)
def test_what_no_wire_carries_is_refused_and_not_dropped(block: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=r"text|base64|targets"):
        converted([HumanMessage([block])])


def test_a_message_that_is_an_instruction_to_a_graph_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="'remove'"):
        converted([RemoveMessage(id="1")])


def test_thoughts_keep_their_signature_and_their_provider() -> None:
    answer = AIMessage(
        [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "ok"}],
        response_metadata={"model_provider": "anthropic"},
    )
    assert parts(answer) == (
        Reasoning(text="hm", signature="s", provider="anthropic"),
        Text(text="ok"),
    )


def test_what_a_provider_did_itself_is_left_out_of_its_answer() -> None:
    answer = AIMessage(
        [
            {"type": "server_tool_use", "id": "1", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "1", "content": []},
            {"type": "text", "text": "Found it."},
        ],
        response_metadata={"model_provider": "anthropic"},
    )
    assert parts(answer) == (Text(text="Found it."),)


def test_a_call_that_could_not_be_read_keeps_its_place_beside_its_result() -> None:
    broken = {"id": "call_1", "name": "high_tide", "args": "{", "error": "not JSON"}
    answer = AIMessage("", invalid_tool_calls=[broken])
    assert parts(answer) == (ToolCall(id="call_1", name="high_tide"),)


def test_a_result_knows_the_tool_it_comes_from_and_may_hold_pictures() -> None:
    call = {"id": "c", "name": "draw", "args": {}, "type": "tool_call"}
    result = ToolMessage(
        [{"type": "image", "base64": IMAGE, "mime_type": "image/png"}],
        tool_call_id="c",
        status="error",
    )
    (found,) = converted([AIMessage("", tool_calls=[call]), result])[1].content
    assert found == ToolResult(
        tool_call_id="c",
        name="draw",
        content=(Media(media_type="image/png", data=IMAGE),),
        is_error=True,
    )


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (ChatMessage("x", role="developer"), "system"),
        (ChatMessage("x", role="assistant"), "assistant"),
        (ChatMessage("x", role="pirate"), "user"),
        (FunctionMessage("x", name="f"), "tool"),
    ],
)
def test_messages_of_older_kinds_find_their_role(message: BaseMessage, role: str) -> None:
    assert only(message).role == role
    assert said(only(message)) == "x"
