"""What is sent on the Gemini wire, beyond the golden requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_router.providers.parts import marked
from mcp_router.providers.wire import Call, PreparedRequest
from mcp_router.providers.wires import WIRES
from mcp_router.types import Media, Message, Part, Reasoning, Text, ToolCall, ToolResult, ToolSpec
from tests.providers.scene import call, target

LOOK = ToolSpec(name="look", description="Looks.", parameters={"type": "object"})
STAND_IN = "skip_thought_signature_validator"


def sent(what: Call, *, stream: bool = False, **changes: Any) -> PreparedRequest:
    return WIRES["gemini"].request(target("gemini", **changes), what, stream=stream)


def body(what: Call, **changes: Any) -> Any:
    return json.loads(json.dumps(sent(what, **changes).json))


def talk(*messages: tuple[Any, str | tuple[Part, ...]]) -> Call:
    return Call(messages=tuple(Message(role=role, content=content) for role, content in messages))


@pytest.mark.parametrize(
    ("base", "version", "start"),
    [
        ("https://a", None, "https://a/v1beta/"),
        ("https://a/", None, "https://a/v1beta/"),
        ("https://a", "v1", "https://a/v1/"),
        ("https://a/v1beta", None, "https://a/v1beta/"),
        ("https://a/v1/", "v1beta", "https://a/v1/"),
        ("https://a/v1alpha", None, "https://a/v1alpha/"),
        ("https://a/v1/proxy", None, "https://a/v1/proxy/v1beta/"),
    ],
)
def test_the_address_has_its_version_once(base: str, version: str | None, start: str) -> None:
    url = sent(call(), base_url=base, api_version=version).url

    assert url == f"{start}models/m-1:generateContent"


@pytest.mark.parametrize(
    ("name", "path"),
    [("gemini-x", "gemini-x"), ("models/gemini-x", "gemini-x"), ("a b?c", "a%20b%3Fc")],
)
def test_the_model_stands_in_the_address(name: str, path: str) -> None:
    assert f"/models/{path}:generateContent" in sent(call(), id=name).url
    assert sent(call(), stream=True, id=name).url.endswith(
        f"/models/{path}:streamGenerateContent?alt=sse"
    )


def test_the_key_has_a_header_of_its_own_and_none_without_a_key() -> None:
    wire = WIRES["gemini"]

    assert dict(sent(call()).headers) == {"x-goog-api-key": target().api_key}
    assert not wire.request(target("gemini", key=None), call(), stream=False).headers


def test_settings_stand_in_a_part_of_their_own_and_only_if_there_are_any() -> None:
    asked = call(max_tokens=5, temperature=0.5, stop=("A",), json_mode=True)

    assert body(asked)["generationConfig"] == {
        "maxOutputTokens": 5,
        "temperature": 0.5,
        "stopSequences": ["A"],
        "responseMimeType": "application/json",
    }
    assert set(body(call())) == {"contents"}


def test_a_schema_sets_the_type_of_the_answer_as_well() -> None:
    schema = {"type": "object", "properties": {}}

    assert body(call(response_schema=schema))["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }


def test_five_stop_sequences_are_taken() -> None:
    prepared = sent(call(stop=tuple("abcdef")))

    assert prepared.json["generationConfig"]["stopSequences"] == list("abcde")
    assert prepared.warnings == ("stop cut to 5 sequences, the most m-1 takes",)


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("any", {"mode": "ANY"}),
        ("required", {"mode": "ANY"}),
        ("look", {"mode": "ANY", "allowedFunctionNames": ["look"]}),
    ],
)
def test_each_tool_choice_has_its_form(choice: str, written: dict[str, Any]) -> None:
    found = body(call(tools=(LOOK,), tool_choice=choice))

    assert found["toolConfig"] == {"functionCallingConfig": written}
    assert "toolConfig" not in body(call(tools=(LOOK,)))


def test_a_tool_without_words_is_described_by_its_name() -> None:
    declared = body(call(tools=(LOOK, ToolSpec(name="now"))))["tools"][0]["functionDeclarations"]

    assert declared == [
        {"name": "look", "description": "Looks.", "parametersJsonSchema": {"type": "object"}},
        {"name": "now", "description": "now"},
    ]


def test_system_text_stands_apart_and_neighbours_of_one_role_are_joined() -> None:
    found = body(talk(("system", "Be brief."), ("user", "a"), ("user", "b"), ("assistant", "c")))

    assert found["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert found["contents"] == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}]},
    ]


CALLS = (ToolCall(id="a", name="look"), ToolCall(id="b", name="look"))


def signatures(model_id: str, *calls: ToolCall) -> list[str | None]:
    turn = body(talk(("user", "go"), ("assistant", calls)), id=model_id)["contents"][1]
    return [part.get("thoughtSignature") for part in turn["parts"]]


@pytest.mark.parametrize(
    ("model_id", "needed"),
    [
        ("gemini-3-pro", True),
        ("models/gemini-3-pro", True),
        ("gemini-9", True),
        ("gemini-10-flash", True),
        ("gemini-2.5-pro", False),
        ("gemini-1.5-flash", False),
        ("gemma-3", False),
    ],
)
def test_the_first_foreign_call_gets_a_stand_in_where_signatures_are_asked_for(
    model_id: str, needed: bool
) -> None:
    assert signatures(model_id, *CALLS) == [STAND_IN if needed else None, None]


def test_a_signature_of_its_own_is_given_back_instead() -> None:
    own = CALLS[0].model_copy(update={"signature": marked("gemini", "S")})

    assert signatures("gemini-3-pro", own, CALLS[1]) == ["S", None]
    assert signatures("gemini-2.5-pro", own, CALLS[1]) == ["S", None]


def test_signed_thoughts_of_its_own_close_the_turn_without_their_text() -> None:
    parts = (
        Reasoning(text="hm", signature="S", provider="gemini"),
        Reasoning(text="unsigned", provider="gemini"),
        Text(text=""),
        Text(text="yes"),
    )
    turn = body(talk(("user", "go"), ("assistant", parts)))["contents"][1]

    assert turn["parts"] == [{"text": "yes"}, {"text": "", "thoughtSignature": "S"}]


def results(*found: ToolResult) -> list[Any]:
    history = talk(("user", "go"), ("assistant", CALLS[:1]), ("tool", found))
    return body(history)["contents"][-1]["parts"]


def test_a_result_finds_its_name_by_its_call() -> None:
    named = ToolResult(tool_call_id="a", name="own", content="1")
    joined = ToolResult(tool_call_id="a", content="2")
    lost = ToolResult(tool_call_id="z", content="3")

    names = [part["functionResponse"]["name"] for part in results(named, joined, lost)]
    assert names == ["own", "look", "tool"]


def test_a_result_tells_success_from_failure_and_what_it_drew_follows() -> None:
    picture = Media(media_type="image/png", data="AAAA")
    drawn = ToolResult(tool_call_id="a", content=(Text(text="one"), picture, Text(text="two")))
    failed = ToolResult(tool_call_id="a", content="no", is_error=True)

    first, image, second = results(drawn, failed)
    assert first["functionResponse"]["response"] == {"result": "one\ntwo"}
    assert image == {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert second["functionResponse"]["response"] == {"error": "no"}


def test_media_go_by_data_or_address_of_any_type() -> None:
    parts = (
        Media(media_type="video/mp4", url="https://x/y"),
        Media(url="data:audio/wav;base64,AAAA"),
        Text(text=""),
    )

    assert body(talk(("user", parts)))["contents"][0]["parts"] == [
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x/y"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
    ]
