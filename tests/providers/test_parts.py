"""Messages taken apart: texts, sources of media, signatures and ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError
from mcp_router.providers.parts import (
    Source,
    marked,
    own_reasoning,
    own_signature,
    parts_of,
    result_media,
    result_text,
    short_id,
    source_of,
    system_text,
)
from mcp_router.types import Media, Message, Reasoning, Text, ToolCall, ToolResult

PICTURE = Media(media_type="image/png", data="AAAA")


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("data:image/gif;base64,R0lG", Source("image/gif", "R0lG", None)),
        ("data:text/plain;charset=utf-8;base64,aGk=", Source("text/plain", "aGk=", None)),
        ("data:;base64,aGk=", Source("image/webp", "aGk=", None)),
        ("data:image/svg+xml;base64,aGk=", Source("image/svg+xml", "aGk=", None)),
        ("data:image/gif;base64,R0\nlG", Source("image/gif", "R0\nlG", None)),
        ("data:text/plain,hi", Source("image/webp", None, "data:text/plain,hi")),
        ("https://x/y", Source("image/webp", None, "https://x/y")),
    ],
)
def test_the_bytes_of_a_medium_are_found(url: str, source: Source) -> None:
    assert source_of(Media(url=url, media_type="image/webp")) == source


def test_data_goes_before_an_address() -> None:
    both = Media(media_type="image/png", data="AAAA", url="https://x/y")

    assert source_of(both) == Source("image/png", "AAAA", None)


def test_a_medium_without_bytes_names_what_is_missing() -> None:
    with pytest.raises(InvalidRequestError, match="data or a url") as caught:
        source_of(Media())
    assert caught.value.field == "messages"


def test_a_tool_message_must_say_which_call_it_answers() -> None:
    result = ToolResult(tool_call_id="a", content="3")

    assert parts_of(Message(role="tool", content=(Text(text="x"), result))) == (
        Text(text="x"),
        result,
    )
    with pytest.raises(InvalidRequestError):
        parts_of(Message(role="tool", content=(Text(text="x"),)))


def test_system_texts_and_an_instruction_are_joined_by_blank_lines() -> None:
    messages = [
        Message(role="system", content=(Text(text="a"), Text(text="b"))),
        Message(role="user", content="not this"),
        Message(role="system", content=""),
        Message(role="system", content="c"),
    ]

    assert system_text(messages) == "a\nb\n\nc"
    assert system_text(messages, instruction="d") == "a\nb\n\nc\n\nd"
    assert system_text(messages[1:2], instruction="d") == "d"
    assert system_text(messages[1:2]) == ""


def test_a_result_is_split_into_text_and_media() -> None:
    mixed = ToolResult(tool_call_id="a", content=(Text(text="1"), PICTURE, Text(text="2")))
    plain = ToolResult(tool_call_id="a", content="1")

    assert (result_text(mixed), result_media(mixed)) == ("1\n2", (PICTURE,))
    assert (result_text(plain), result_media(plain)) == ("1", ())


NAMES = st.text("ab:", min_size=1, max_size=4)


@given(NAMES.filter(lambda name: ":" not in name), st.text(max_size=9), NAMES)
def test_a_signature_goes_back_to_its_maker_only(maker: str, signature: str, other: str) -> None:
    call = ToolCall(id="a", name="f", signature=marked(maker, signature))

    assert own_signature(call, provider=maker) == signature
    if ":" not in other and other != maker:
        assert own_signature(call, provider=other) is None


def test_an_unsigned_call_has_no_signature_to_give_back() -> None:
    assert own_signature(ToolCall(id="a", name="f"), provider="p") is None


def test_only_signed_reasoning_of_the_provider_itself_is_given_back() -> None:
    mine = Reasoning(text="x", signature="s", provider="p")
    parts = (
        Text(text="t"),
        Reasoning(text="x", provider="p"),
        Reasoning(text="x", signature="s", provider="q"),
        mine,
    )

    assert own_reasoning(parts, provider="p") == [mine]


ANY_ID = re.compile(r"[a-z0-9]{1,8}")


@given(st.text(max_size=30), st.text(max_size=30), st.integers(8, 64))
def test_a_derived_id_is_stable_and_differs_between_calls(
    one: str, other: str, length: int
) -> None:
    first = short_id(one, pattern=ANY_ID, length=length)

    assert first == short_id(one, pattern=ANY_ID, length=length)
    assert first == one if ANY_ID.fullmatch(one) else re.fullmatch(r"[0-9a-f]+", first)
    if not ANY_ID.fullmatch(one):
        assert len(first) == length
    if one != other:
        assert first != short_id(other, pattern=ANY_ID, length=length)


def test_half_a_character_in_an_id_still_gives_an_id() -> None:
    assert re.fullmatch(r"[0-9a-f]{9}", short_id("\ud800", pattern=ANY_ID, length=9))
