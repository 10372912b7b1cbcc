"""What is sent on the Anthropic wire, beyond the golden requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError, ProviderError
from mcp_router.providers.wire import Call, PreparedRequest
from mcp_router.providers.wires import WIRES
from mcp_router.types import Media, Message, Part, Reasoning, Text, ToolCall, ToolResult, ToolSpec
from tests.providers.scene import call, target

LOOK = ToolSpec(name="look")
EARLIER, LATER = "2026-10-20", "2026-10-21"


def sent(what: Call, **changes: Any) -> PreparedRequest:
    return WIRES["anthropic"].request(target("anthropic", **changes), what, stream=False)


def body(what: Call, **changes: Any) -> Any:
    return json.loads(json.dumps(sent(what, **changes).json))


def talk(*messages: tuple[Any, str | tuple[Part, ...]]) -> Call:
    return Call(messages=tuple(Message(role=role, content=content) for role, content in messages))


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://a", "https://a/v1/messages"),
        ("https://a/", "https://a/v1/messages"),
        ("https://a/v1", "https://a/v1/messages"),
        ("https://a/v1/", "https://a/v1/messages"),
        ("https://a/proxy", "https://a/proxy/v1/messages"),
    ],
)
def test_the_address_has_its_version_once(base: str, url: str) -> None:
    assert sent(call(), base_url=base).url == url


@pytest.mark.parametrize("version", [None, EARLIER, LATER, "2027-01-01"])
def test_the_key_travels_as_its_version_wants(version: str | None) -> None:
    headers = sent(call(), api_version=version).headers
    bearer = version in (LATER, "2027-01-01")

    assert headers["anthropic-version"] == (version or "2023-06-01")
    assert ("authorization" in headers, "x-api-key" in headers) == (bearer, not bearer)


@pytest.mark.parametrize("version", [EARLIER, LATER])
def test_without_a_key_there_is_no_key_header(version: str) -> None:
    prepared = WIRES["anthropic"].request(
        target("anthropic", key=None, api_version=version), call(), stream=False
    )

    assert dict(prepared.headers) == {"anthropic-version": version}


@pytest.mark.parametrize(("version", "kept"), [(EARLIER, True), (LATER, False)])
def test_sampling_is_dropped_with_a_warning_where_the_version_refuses_it(
    version: str, kept: bool
) -> None:
    prepared = sent(call(temperature=0.5), api_version=version)

    assert ("temperature" in prepared.json) is kept
    told = (f"temperature dropped: version {version} of the API rejects it",)
    assert prepared.warnings == (() if kept else told)


def test_a_temperature_stays_within_one() -> None:
    assert body(call(temperature=1.7))["temperature"] == 1.0


@pytest.mark.parametrize(
    ("asked", "writes", "limit"),
    [(None, 16_000, 16_000), (None, 64_000, 32_000), (9, 64_000, 9), (40_000, 64_000, 40_000)],
)
def test_there_is_always_a_limit_of_tokens(asked: int | None, writes: int, limit: int) -> None:
    assert body(call(max_tokens=asked), max_output=writes)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("any", {"type": "any"}),
        ("required", {"type": "any"}),
        ("look", {"type": "tool", "name": "look"}),
    ],
)
def test_each_tool_choice_has_its_form(choice: str, written: dict[str, str]) -> None:
    assert body(call(tools=(LOOK,), tool_choice=choice))["tool_choice"] == written


def test_stop_sequences_have_a_name_of_their_own() -> None:
    assert body(call(stop=("A", "B")))["stop_sequences"] == ["A", "B"]
    assert "stop_sequences" not in body(call())


def test_streaming_is_asked_for_only_when_streaming() -> None:
    wire, where = WIRES["anthropic"], target("anthropic")

    assert wire.request(where, call(), stream=True).json["stream"] is True
    assert "stream" not in wire.request(where, call(), stream=False).json


def test_system_messages_are_joined_and_stand_apart() -> None:
    found = body(talk(("system", "One."), ("user", "hi"), ("system", "Two.")))

    assert found["system"] == [{"type": "text", "text": "One.\n\nTwo."}]
    assert [one["role"] for one in found["messages"]] == ["user"]
    assert "system" not in body(call())


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_blank_text_is_left_out_for_it_is_refused(blank: str) -> None:
    found = body(talk(("user", "hi"), ("assistant", blank), ("user", "there?")))

    assert found["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": text} for text in ("hi", "there?")]}
    ]
    with pytest.raises(InvalidRequestError):
        body(talk(("user", blank)))


def test_an_answer_begun_for_the_model_loses_its_last_blanks() -> None:
    found = body(talk(("user", "Two lines "), ("assistant", "First. \n")))

    assert found["messages"][0]["content"][0]["text"] == "Two lines "
    assert found["messages"][1]["content"][0]["text"] == "First."


def test_an_answer_that_ends_in_a_call_is_left_as_it_is() -> None:
    parts = (Text(text="So: "), ToolCall(id="a", name="look"))
    last = body(talk(("user", "go"), ("assistant", parts)))["messages"][-1]

    assert last["content"][0] == {"type": "text", "text": "So: "}
    assert last["content"][-1]["type"] == "tool_use"


def test_results_come_before_text_in_their_turn() -> None:
    said = (Text(text="also"), ToolResult(tool_call_id="a", content="3"))
    turn = body(
        talk(("user", "go"), ("assistant", (ToolCall(id="a", name="look"),)), ("tool", said))
    )["messages"][-1]

    assert [block["type"] for block in turn["content"]] == ["tool_result", "text"]


@pytest.mark.parametrize("failed", [False, True])
def test_a_failed_result_says_so(failed: bool) -> None:
    result = ToolResult(tool_call_id="a", content="3", is_error=failed)
    block = body(talk(("tool", (result,))))["messages"][0]["content"][0]

    assert block.get("is_error", False) is failed
    assert block["content"] == "3"


def test_thinking_of_ones_own_stands_first_and_redacted_stays_sealed() -> None:
    parts = (
        Text(text="yes"),
        Reasoning(text="hm", signature="s", provider="anthropic"),
        Reasoning(signature="blob", redacted=True, provider="anthropic"),
    )
    blocks = body(talk(("user", "go"), ("assistant", parts)))["messages"][1]["content"]

    assert blocks == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "blob"},
        {"type": "text", "text": "yes"},
    ]


PNG = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("media", "block"),
    [
        (
            Media(media_type="image/png", data="AAAA"),
            ("image", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
        ),
        (
            Media(url=PNG, media_type="image/jpeg"),
            ("image", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
        ),
        (Media(url="https://x/y.png"), ("image", {"type": "url", "url": "https://x/y.png"})),
        (
            Media(url="https://x/y", media_type="application/pdf"),
            ("document", {"type": "url", "url": "https://x/y"}),
        ),
    ],
)
def test_images_and_documents_go_by_data_or_address(
    media: Media, block: tuple[str, dict[str, str]]
) -> None:
    kind, source = block
    content = body(talk(("user", (media,))))["messages"][0]["content"]

    assert content == [{"type": kind, "source": source}]


@pytest.mark.parametrize("kind", ["audio/wav", "video/mp4", "text/plain", "application/zip"])
def test_what_it_cannot_see_is_refused_by_name(kind: str) -> None:
    with pytest.raises(ProviderError, match=kind) as caught:
        body(talk(("user", (Media(media_type=kind, data="AA"),))))
    assert "as data" in str(caught.value)
    with pytest.raises(ProviderError, match="by its address"):
        body(talk(("user", (Media(media_type=kind, url="https://x/y"),))))


PARTS = st.one_of(
    st.text(max_size=5).map(lambda text: Text(text=text)),
    st.sampled_from("abc").map(lambda one: ToolResult(tool_call_id=one, content="x")),
)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_no_block_is_blank_and_no_result_follows_text(messages: list[list[Part]]) -> None:
    try:
        turns = body(talk(*(("user", tuple(parts)) for parts in messages)))["messages"]
    except InvalidRequestError:
        turns = []
    for turn in turns:
        kinds = [block["type"] == "text" for block in turn["content"]]
        assert kinds == sorted(kinds)
        assert all(block["text"].strip() for block in turn["content"] if block["type"] == "text")
