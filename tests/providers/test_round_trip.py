"""A request written for a wire and read back by its own rules: nothing lost, nothing made up."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.providers.schema import closed
from mcp_router.providers.wire import Call
from mcp_router.providers.wires import WIRES, written
from mcp_router.types import Media, Message, Reasoning, Text, ToolCall, ToolResult, ToolSpec
from tests.providers.scene import KEY, WIRE_NAMES, target

ALL_WIRES = pytest.mark.parametrize("wire", WIRE_NAMES)
SOME = settings(max_examples=30, deadline=None)
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and bool(text)
)
NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), WORDS)
ARGUMENTS = st.dictionaries(WORDS, VALUES | st.lists(VALUES, max_size=2), max_size=3)
IMAGES = st.binary(min_size=1, max_size=9).map(
    lambda data: Media(media_type="image/png", data=base64.b64encode(data).decode())
)


class Said(NamedTuple):
    """What a conversation holds, whichever wire carries it."""

    system: str
    user: list[str]
    assistant: list[str]
    calls: list[tuple[str, str, Any]]
    results: list[tuple[str, str, bool]]
    media: list[str]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Rounds of question, answer, calls and their results, with pictures from people and tools."""
    messages = [Message(role="system", content=one) for one in draw(st.lists(WORDS, max_size=2))]
    ids = iter(f"call_{number}" for number in range(99))
    for _ in range(draw(st.integers(0, 3))):
        messages.append(draw(questions()))
        names = draw(st.lists(NAMES, max_size=3))
        calls = [ToolCall(id=next(ids), name=name, arguments=draw(ARGUMENTS)) for name in names]
        text = [Text(text=draw(WORDS))] if not calls or draw(st.booleans()) else []
        messages.append(Message(role="assistant", content=(*text, *calls)))
        if calls:
            results = tuple(draw(results_of(call)) for call in calls)
            messages.append(Message(role="tool", content=results))
    messages.append(draw(questions()))
    return tuple(messages)


@st.composite
def questions(draw: st.DrawFn) -> Message:
    parts = draw(st.lists(st.one_of(WORDS.map(lambda one: Text(text=one)), IMAGES), min_size=1))
    plain = len(parts) == 1 and isinstance(parts[0], Text) and draw(st.booleans())
    return Message(role="user", content=parts[0].text if plain else tuple(parts))


@st.composite
def results_of(draw: st.DrawFn, call: ToolCall) -> ToolResult:
    content = draw(
        st.one_of(WORDS, st.tuples(WORDS.map(lambda one: Text(text=one)), IMAGES), st.just(""))
    )
    return ToolResult(
        tool_call_id=call.id, name=call.name, content=content, is_error=draw(st.booleans())
    )


def said(messages: tuple[Message, ...]) -> Said:
    """Sort a conversation by what is said by whom."""
    told = Said("", [], [], [], [], [])
    system: list[str] = []
    for message in messages:
        parts = message.content
        for part in (Text(text=parts),) if isinstance(parts, str) else parts:
            if isinstance(part, ToolResult):
                inner = part.content
                texts = inner if isinstance(inner, str) else inner[0].text
                told.results.append((part.tool_call_id, texts, part.is_error))
                told.media.extend(one.data for one in inner if isinstance(one, Media))
            elif isinstance(part, ToolCall):
                told.calls.append((part.id, part.name, dict(part.arguments)))
            elif isinstance(part, Media):
                told.media.append(part.data or "")
            elif message.role == "system":
                system.append(part.text)
            else:
                getattr(told, message.role).append(part.text)
    return told._replace(system="\n\n".join(system))


def read_openai(body: Any) -> Said:
    told = Said("", [], [], [], [], [])
    system: list[str] = []
    for message in body["messages"]:
        content = message["content"]
        if message["role"] == "system":
            system.append(content)
        elif message["role"] == "tool":
            failed = content.startswith("Error: ")
            text = content.removeprefix("Error: ") if failed else content
            told.results.append((message["tool_call_id"], text, failed))
        elif message["role"] == "assistant":
            told.assistant.extend([content] if content else [])
            for call in message.get("tool_calls", ()):
                function = call["function"]
                arguments = json.loads(function["arguments"])
                told.calls.append((call["id"], function["name"], arguments))
        else:
            for part in [{"text": content}] if isinstance(content, str) else content:
                _openai_part(part, told)
    return told._replace(system="\n\n".join(system))


def _openai_part(part: Any, told: Said) -> None:
    if "text" in part:
        told.user.append(part["text"])
    else:
        told.media.append(part["image_url"]["url"].partition(";base64,")[2])


def read_anthropic(body: Any) -> Said:
    told = Said("", [], [], [], [], [])
    for turn in body["messages"]:
        for block in turn["content"]:
            match block["type"]:
                case "text":
                    getattr(told, turn["role"]).append(block["text"])
                case "tool_use":
                    told.calls.append((block["id"], block["name"], block["input"]))
                case "image":
                    told.media.append(block["source"]["data"])
                case "tool_result":
                    _anthropic_result(block, told)
    system = "\n\n".join(block["text"] for block in body.get("system", ()))
    return told._replace(system=system)


def _anthropic_result(block: Any, told: Said) -> None:
    inner = block["content"]
    parts = [{"type": "text", "text": inner}] if isinstance(inner, str) else inner
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    told.results.append((block["tool_use_id"], text, block.get("is_error", False)))
    told.media.extend(part["source"]["data"] for part in parts if part["type"] == "image")


def read_gemini(body: Any) -> Said:
    told = Said("", [], [], [], [], [])
    for turn in body["contents"]:
        texts = told.user if turn["role"] == "user" else told.assistant
        for part in turn["parts"]:
            if "text" in part:
                texts.append(part["text"])
            elif "functionCall" in part:
                call = part["functionCall"]
                told.calls.append((call["id"], call["name"], call["args"]))
            elif "inlineData" in part:
                told.media.append(part["inlineData"]["data"])
            else:
                answer = part["functionResponse"]
                ((kind, text),) = answer["response"].items()
                told.results.append((answer["id"], text, kind == "error"))
    system = body.get("systemInstruction", {"parts": [{"text": ""}]})
    return told._replace(system=system["parts"][0]["text"])


READERS = {"openai": read_openai, "anthropic": read_anthropic, "gemini": read_gemini}


def sent(wire: str, call: Call, **changes: Any) -> Any:
    prepared = written(target(wire, **changes), call, stream=False)
    return json.loads(json.dumps(prepared.json, default=dict))


def joined(told: Said) -> Said:
    """Forget where texts of one side are cut: two wires join neighbours by a newline."""
    return told._replace(
        user=[line for text in told.user for line in text.split("\n")],
        media=sorted(told.media),
    )


@ALL_WIRES
@SOME
@given(messages=conversations())
def test_a_conversation_reads_back_as_it_was_said(wire: str, messages: tuple[Message, ...]) -> None:
    body = sent(wire, Call(messages=messages))
    assert joined(READERS[wire](body)) == joined(said(messages))
    assert KEY not in json.dumps(body)


@ALL_WIRES
@SOME
@given(messages=conversations())
def test_the_words_keep_their_order_and_each_answer_its_place(
    wire: str, messages: tuple[Message, ...]
) -> None:
    body = sent(wire, Call(messages=messages))
    turns = body["contents"] if wire == "gemini" else body["messages"]
    text = json.dumps(turns, ensure_ascii=False)
    marks = [f"call_{number}" for number in range(99) if f'"call_{number}"' in text]
    places = [text.index(f'"{mark}"') for mark in marks]
    answers = [text.rindex(f'"{mark}"') for mark in marks]
    assert places == sorted(places)
    assert all(call < result for call, result in zip(places, answers, strict=True))


SCHEMAS = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": ["a", "é"]}]),
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(
            lambda named: {"type": "object", "properties": named, "required": sorted(named)},
            st.dictionaries(NAMES, inner, max_size=3),
        ),
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NAMES, SCHEMAS, min_size=1, max_size=3).map(
    lambda named: {"type": "object", "properties": named, "additionalProperties": False}
)
TOOLS = st.lists(
    st.builds(ToolSpec, name=NAMES, description=WORDS, parameters=OBJECTS),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.name,
)


def tools_in(wire: str, body: Any) -> list[tuple[str, str, Any]]:
    if wire == "openai":
        functions = [one["function"] for one in body["tools"]]
        return [(one["name"], one["description"], one["parameters"]) for one in functions]
    if wire == "anthropic":
        return [(one["name"], one["description"], one["input_schema"]) for one in body["tools"]]
    (group,) = body["tools"]
    return [
        (one["name"], one["description"], one["parametersJsonSchema"])
        for one in group["functionDeclarations"]
    ]


@ALL_WIRES
@SOME
@given(tools=TOOLS)
def test_tools_read_back_with_their_schemas_and_in_their_order(
    wire: str, tools: list[ToolSpec]
) -> None:
    asked = Call(messages=(Message(role="user", content="x"),), tools=tuple(tools))
    assert tools_in(wire, sent(wire, asked)) == [
        (one.name, one.description, plain(one.parameters)) for one in tools
    ]


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=dict))


@ALL_WIRES
@SOME
@given(schema=OBJECTS)
def test_a_schema_is_enforced_or_told_in_words_but_never_dropped(wire: str, schema: Any) -> None:
    asked = Call(messages=(Message(role="user", content="x"),), response_schema=schema)
    body = sent(wire, asked)
    held = {
        "openai": lambda: body["response_format"]["json_schema"]["schema"],
        "anthropic": lambda: body["output_config"]["format"]["schema"],
        "gemini": lambda: body["generationConfig"]["responseJsonSchema"],
    }[wire]()
    assert held == (closed(schema) if wire == "anthropic" else schema)
    refusing = written(target(wire, rejects=("response_schema",)), asked, stream=False)
    words = json.dumps(refusing.json, ensure_ascii=False)
    assert all(name in words for name in schema["properties"])
    assert len(refusing.warnings) == 1


FOREIGN = st.sampled_from(["", "S1", "{", "[1", "NaN", "content", "role", "tool_calls", "\ud800"])


def histories(mark: str, provider: str) -> Iterator[Message]:
    """An answer as another wire, another program or an attacker may have left it."""
    yield Message(role="user", content="x")
    yield Message(
        role="assistant",
        content=(
            Reasoning(text="secret thought", signature=mark, provider=provider),
            Text(text="said"),
            ToolCall(id="c1", name="f", signature=f"{provider}:{mark}"),
        ),
    )
    yield Message(role="tool", content=(ToolResult(tool_call_id="c1", content="r"),))


@ALL_WIRES
@given(mark=FOREIGN)
def test_marks_that_no_provider_made_break_nothing_and_change_no_field(
    wire: str, mark: str
) -> None:
    asked = Call(messages=tuple(histories(mark, target(wire).provider.name)))
    body = sent(wire, asked)
    told = READERS[wire](body)
    assert told.calls == [("c1", "f", {})]
    assert told.results == [("c1", "r", False)]
    assert "".join(told.assistant) == "said"
    if wire == "openai":
        assert set(body["messages"][1]) == {"role", "content", "tool_calls"}
        assert "secret thought" not in json.dumps(body)


@ALL_WIRES
def test_the_same_request_is_written_the_same_way_every_time(wire: str) -> None:
    asked = Call(
        messages=(Message(role="user", content="x"),),
        tools=(ToolSpec(name="f", parameters={"type": "object"}),),
        stop=("END",),
        temperature=0.5,
        cache=True,
    )
    one, other = (WIRES[wire].request(target(wire), asked, stream=True) for _ in range(2))
    assert json.dumps(one.json, default=dict) == json.dumps(other.json, default=dict)
