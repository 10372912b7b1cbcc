"""What is sent on the OpenAI wire, beyond the golden requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError, ProviderError
from mcp_router.providers.parts import marked
from mcp_router.providers.wire import Call, PreparedRequest
from mcp_router.providers.wires import WIRES
from mcp_router.types import (
    Media,
    Message,
    Need,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from tests.providers.scene import call, target

LOOK = ToolSpec(name="look")


def sent(what: Call, *, stream: bool = False, **changes: Any) -> PreparedRequest:
    return WIRES["openai"].request(target("openai", **changes), what, stream=stream)


def body(what: Call, *, stream: bool = False, **changes: Any) -> Any:
    return json.loads(json.dumps(sent(what, stream=stream, **changes).json))


def talk(*messages: tuple[Any, str | tuple[Part, ...]]) -> Call:
    return Call(messages=tuple(Message(role=role, content=content) for role, content in messages))


@pytest.mark.parametrize("base", ["https://a/v1", "https://a/v1/"])
def test_the_path_follows_the_base(base: str) -> None:
    assert sent(call(), base_url=base).url == "https://a/v1/chat/completions"


@pytest.mark.parametrize(
    ("name", "rejects", "field"),
    [
        ("openai", (), "max_completion_tokens"),
        ("azure", (), "max_completion_tokens"),
        ("groq", (), "max_tokens"),
        ("groq", ("max_tokens",), "max_completion_tokens"),
    ],
)
def test_the_limit_of_tokens_has_the_name_the_server_knows(
    name: str, rejects: tuple[str, ...], field: str
) -> None:
    found = body(call(max_tokens=7), name=name, rejects=rejects)

    assert {key: found[key] for key in found if key.startswith("max_")} == {field: 7}


@pytest.mark.parametrize(
    ("stream", "rejects", "fields"),
    [
        (False, (), set[str]()),
        (True, (), {"stream", "stream_options"}),
        (True, ("stream_options",), {"stream"}),
    ],
)
def test_a_stream_asks_for_usage_unless_the_server_rejects_that(
    stream: bool, rejects: tuple[str, ...], fields: set[str]
) -> None:
    found = body(call(), stream=stream, rejects=rejects)

    assert {name for name in found if name.startswith("stream")} == fields
    if "stream_options" in fields:
        assert found["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        ("look", {"type": "function", "function": {"name": "look"}}),
    ],
)
def test_each_tool_choice_has_its_form(choice: str, written: object) -> None:
    assert body(call(tools=(LOOK,), tool_choice=choice))["tool_choice"] == written
    assert "tool_choice" not in body(call(tools=(LOOK,)))


def test_a_tool_always_has_parameters_and_a_description_only_if_there_is_one() -> None:
    told = ToolSpec(name="now", description="The time.", parameters={"type": "object"})
    functions = [one["function"] for one in body(call(tools=(LOOK, told)))["tools"]]

    assert functions == [
        {"name": "look", "parameters": {"type": "object", "properties": {}}},
        {"name": "now", "description": "The time.", "parameters": {"type": "object"}},
    ]


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ({"json_mode": True}, {"type": "json_object"}),
        (
            {"response_schema": {"type": "object", "properties": {}}, "json_mode": True},
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "answer",
                    "schema": {"type": "object", "properties": {}},
                    "strict": False,
                },
            },
        ),
        ({}, None),
    ],
)
def test_the_form_of_the_answer(asked: dict[str, Any], written: object) -> None:
    assert body(call(**asked)).get("response_format") == written


def test_an_instruction_follows_the_system_text_and_precedes_the_talk() -> None:
    what = talk(("system", "Be brief."), ("user", "a"), ("system", "Late."), ("user", "b"))
    what = Call(messages=what.messages, json_mode=True)
    messages = body(what, rejects=("json_mode",))["messages"]

    assert [one["role"] for one in messages] == ["system", "system", "user", "system", "user"]
    assert messages[0]["content"] == "Be brief."
    assert messages[1]["content"].startswith("Answer with one JSON value")


def test_an_empty_system_message_is_left_out() -> None:
    assert [one["role"] for one in body(talk(("system", ""), ("user", "a")))["messages"]] == [
        "user"
    ]
    with pytest.raises(InvalidRequestError):
        body(talk(("system", "alone")))


def test_parts_of_text_are_one_text() -> None:
    parts = (Text(text="a"), Text(text="b"))
    messages = body(talk(("user", parts), ("assistant", parts)))["messages"]

    assert [one["content"] for one in messages] == ["a\nb", "ab"]


def test_results_are_messages_of_their_own_before_what_else_was_said() -> None:
    drawn = ToolResult(
        tool_call_id="a",
        content=(Text(text="see"), Media(media_type="image/png", data="AAAA")),
    )
    failed = ToolResult(tool_call_id="b", content="no", is_error=True)
    messages = body(talk(("tool", (drawn, Text(text="so?"), failed))))["messages"]

    assert messages[:2] == [
        {"role": "tool", "tool_call_id": "a", "content": "see"},
        {"role": "tool", "tool_call_id": "b", "content": "Error: no"},
    ]
    assert messages[2]["role"] == "user"
    assert [one["type"] for one in messages[2]["content"]] == ["image_url", "text"]
    assert len(messages) == 3


def test_results_alone_are_not_followed_by_an_empty_message() -> None:
    result = ToolResult(tool_call_id="a", content="3")

    assert [one["role"] for one in body(talk(("tool", (result,))))["messages"]] == ["tool"]


def assistant(*parts: Part, **changes: Any) -> Any:
    return body(talk(("user", "go"), ("assistant", parts)), **changes)["messages"][1]


def test_a_call_without_text_has_no_content_and_keeps_its_letters() -> None:
    asked = ToolCall(id="a", name="look", arguments={"city": "Tromsø"})
    found = assistant(asked)

    assert found["content"] is None
    assert found["tool_calls"] == [
        {
            "id": "a",
            "type": "function",
            "function": {"name": "look", "arguments": '{"city": "Tromsø"}'},
        }
    ]
    assert assistant(Text(text="so"), asked)["content"] == "so"
    assert "tool_calls" not in assistant(Text(text="so"))


def test_a_signed_call_goes_back_with_its_field_to_its_maker_only() -> None:
    extra = {"google": {"thought_signature": "S"}}
    signed = ToolCall(id="a", name="f", signature=marked("google", json.dumps(extra)))

    assert assistant(signed, name="google")["tool_calls"][0]["extra_content"] == extra
    assert "extra_content" not in assistant(signed, name="groq")["tool_calls"][0]


THOUGHTS = (
    Reasoning(text="h", signature="reasoning_content", provider="deepseek"),
    Reasoning(text="m", signature="reasoning_content", provider="deepseek"),
    Reasoning(text="no field", provider="deepseek"),
    Reasoning(text="other", signature="reasoning", provider="groq"),
)


def test_thinking_goes_back_in_its_field_while_tools_are_used() -> None:
    found = assistant(*THOUGHTS, ToolCall(id="a", name="f"), name="deepseek")

    assert found["reasoning_content"] == "hm"
    assert "reasoning" not in found


@pytest.mark.parametrize(
    ("name", "thinks", "there"),
    [("deepseek", True, True), ("deepseek", False, False), ("groq", True, False)],
)
def test_deepseeks_thinking_models_want_the_field_in_any_history(
    name: str, thinks: bool, there: bool
) -> None:
    features = frozenset({Need.THINKING}) if thinks else frozenset[Need]()
    found = assistant(Text(text="hi"), name=name, features=features)

    assert ("reasoning_content" in found) is there
    assert found.get("reasoning_content", "") == ""


@pytest.mark.parametrize(
    ("media", "written"),
    [
        (
            Media(media_type="image/png", data="AAAA"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ),
        (
            Media(url="https://x/y.png"),
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        ),
        *[
            (
                Media(media_type=kind, data="AAAA"),
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": form}},
            )
            for kind, form in {
                "audio/wav": "wav",
                "audio/x-wav": "wav",
                "audio/mpeg": "mp3",
                "audio/mp3": "mp3",
            }.items()
        ],
        *[
            (
                Media(media_type="application/pdf", data="AAAA", name=name),
                {
                    "type": "file",
                    "file": {
                        "filename": name or "document.pdf",
                        "file_data": "data:application/pdf;base64,AAAA",
                    },
                },
            )
            for name in ("plan.pdf", None)
        ],
    ],
)
def test_each_kind_of_media_has_its_form(media: Media, written: dict[str, Any]) -> None:
    content = body(talk(("user", (Text(text="see"), media))))["messages"][0]["content"]

    assert content == [{"type": "text", "text": "see"}, written]


@pytest.mark.parametrize(
    "media",
    [
        Media(media_type="audio/ogg", data="AAAA"),
        Media(media_type="audio/wav", url="https://x/y"),
        Media(media_type="application/pdf", url="https://x/y"),
        Media(media_type="video/mp4", data="AAAA"),
    ],
)
def test_what_it_cannot_carry_is_refused(media: Media) -> None:
    with pytest.raises(ProviderError, match=media.media_type):
        body(talk(("user", (media,))))


@given(st.lists(st.sampled_from(["system", "user", "assistant"]), max_size=6), st.booleans())
def test_every_message_is_sent_in_its_place(roles: list[str], in_words: bool) -> None:
    said = talk(*((role, f"{role} {at}") for at, role in enumerate(roles)), ("user", "end"))
    what = Call(messages=said.messages, json_mode=in_words)
    messages = body(what, rejects=("json_mode",))["messages"]
    kept = [one for one in messages if not one["content"].startswith("Answer with one JSON")]

    assert [one["role"] for one in kept] == [*roles, "user"]
    assert len(messages) - len(kept) == in_words
