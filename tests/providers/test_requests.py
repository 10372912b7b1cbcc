"""What is sent: field by field against the public references, and fitted to each model."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError, ProviderError
from mcp_router.providers.parts import marked
from mcp_router.providers.wire import Call, Target, call_of
from mcp_router.providers.wires import WIRES
from mcp_router.types import Media, Message, Reasoning, Request, Text, ToolCall, ToolResult
from tests.providers.scene import KEY, WIRE_NAMES, call, goldens, load, target


def body(where: Target, what: Call, *, stream: bool = False) -> Any:
    """The JSON that would be sent."""
    prepared = WIRES[where.provider.wire].request(where, what, stream=stream)
    return json.loads(json.dumps(prepared.json))


@pytest.mark.parametrize("path", goldens("requests"), ids=lambda path: path.stem)
def test_a_request_is_written_as_the_reference_says(path: Path) -> None:
    golden = load(path)
    where = target(**golden["target"])
    what = call_of(Request.model_validate(golden["request"]))

    sent = WIRES[where.provider.wire].request(where, what, stream=golden.get("stream", False))

    assert json.loads(json.dumps(sent.json)) == golden["json"]
    assert (sent.url, dict(sent.headers)) == (golden["url"], golden["headers"])
    assert list(sent.warnings) == golden.get("warnings", [])


@pytest.mark.parametrize("wire", WIRE_NAMES)
class TestFitting:
    def test_a_rejected_temperature_is_dropped_with_a_warning(self, wire: str) -> None:
        where = target(wire, rejects=("temperature",))
        sent = WIRES[wire].request(where, call(temperature=0.5), stream=False)

        assert "temperature" not in json.dumps(sent.json)
        assert sent.warnings == ("temperature dropped: m-1 rejects it",)

    def test_rejected_stop_sequences_are_dropped_with_a_warning(self, wire: str) -> None:
        where = target(wire, rejects=("stop",))
        sent = WIRES[wire].request(where, call(stop=("END",)), stream=False)

        assert "END" not in json.dumps(sent.json)
        assert sent.warnings == ("stop dropped: m-1 rejects it",)

    def test_what_is_not_asked_is_not_warned_of(self, wire: str) -> None:
        where = target(wire, rejects=("temperature", "stop", "tool_choice", "response_schema"))

        assert WIRES[wire].request(where, call(), stream=True).warnings == ()

    def test_max_tokens_stays_within_what_the_model_writes(self, wire: str) -> None:
        sent = WIRES[wire].request(target(wire, max_output=50), call(max_tokens=51), stream=False)

        assert "51" not in json.dumps(sent.json)
        assert sent.warnings == ("max_tokens lowered to 50, the most m-1 writes",)

    @pytest.mark.parametrize("schema", [{}, {"type": "object"}])
    def test_a_schema_the_model_cannot_enforce_is_asked_for_in_words(
        self, wire: str, schema: dict[str, Any]
    ) -> None:
        where = target(wire, rejects=("response_schema",))
        sent = WIRES[wire].request(where, call(response_schema=schema), stream=False)

        assert "JSON schema: " in json.dumps(sent.json)
        assert len(sent.warnings) == 1

    def test_nothing_to_answer_is_refused_before_it_is_sent(self, wire: str) -> None:
        only_system = Call(messages=(Message(role="system", content="Be brief."),))

        with pytest.raises(InvalidRequestError):
            body(target(wire), only_system)

    def test_a_tool_message_without_a_result_is_refused(self, wire: str) -> None:
        lost = Call(messages=(Message(role="tool", content="3 C"),))

        with pytest.raises(InvalidRequestError, match="tool_result"):
            body(target(wire), lost)

    def test_media_without_bytes_is_refused(self, wire: str) -> None:
        nothing = Call(messages=(Message(role="user", content=(Media(),)),))

        with pytest.raises(InvalidRequestError, match="data or a url"):
            body(target(wire), nothing)

    def test_tool_choice_without_tools_is_left_out(self, wire: str) -> None:
        assert body(target(wire), call(tool_choice="auto")) == body(target(wire), call())

    def test_the_key_is_in_a_header_and_nowhere_else(self, wire: str) -> None:
        where = target(wire)
        sent = WIRES[wire].request(where, call(), stream=True)

        assert sum(KEY in value for value in sent.headers.values()) == 1
        assert KEY not in sent.url + json.dumps(sent.json) + repr(sent) + repr(where)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_media_a_wire_cannot_carry_is_an_error_of_that_model_alone(wire: str) -> None:
    video = Media(media_type="video/mp4", data="AAAA")

    with pytest.raises(ProviderError, match="video/mp4"):
        body(target(wire), Call(messages=(Message(role="user", content=(video,)),)))


def test_openai_takes_four_stop_sequences() -> None:
    sent = WIRES["openai"].request(target(), call(stop=tuple("abcde")), stream=False)

    assert sent.json["stop"] == list("abcd")
    assert sent.warnings == ("stop cut to 4 sequences, the most m-1 takes",)


def test_a_model_that_rejects_the_old_name_gets_the_new_one() -> None:
    where = target(name="other", rejects=("max_tokens",))

    assert body(where, call(max_tokens=9))["max_completion_tokens"] == 9


def test_a_schema_with_open_objects_is_not_strict() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    sent = body(target(), call(response_schema=schema))

    assert sent["response_format"]["json_schema"]["strict"] is False


def test_anthropic_is_asked_in_words_for_a_map_of_any_keys() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "string"}}

    sent = body(target("anthropic"), call(response_schema=schema))

    assert "output_config" not in sent
    assert "JSON schema" in sent["system"][0]["text"]


@pytest.mark.parametrize("wire", WIRE_NAMES)
def test_history_of_another_provider_leaves_no_trace_of_its_signatures(wire: str) -> None:
    foreign = (
        Reasoning(text="thoughts", signature="FOREIGN", provider="elsewhere"),
        Reasoning(text="thoughts", signature="FOREIGN"),
        ToolCall(id="c", name="f", signature=marked("elsewhere", "FOREIGN")),
        ToolCall(id="d", name="f", signature="FOREIGN"),
    )
    results = tuple(ToolResult(tool_call_id=one, content="x") for one in "cd")
    history = Call(
        messages=(
            Message(role="user", content="go"),
            Message(role="assistant", content=foreign),
            Message(role="tool", content=results),
        )
    )

    sent = json.dumps(body(target(wire), history))

    assert "FOREIGN" not in sent
    assert "thoughts" not in sent


IDS = st.text(min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("wire", "name", "pattern"),
    [
        ("openai", "mistral", r"[A-Za-z0-9]{9}"),
        ("openai", "openai", r"[!-~]{1,40}"),
        ("anthropic", "anthropic", r"[A-Za-z0-9_-]{1,64}"),
    ],
)
def test_ids_fit_the_provider_and_still_join_calls_to_results(
    wire: str, name: str, pattern: str
) -> None:
    where = target(wire, name=name)

    @given(st.lists(IDS, min_size=1, max_size=5, unique=True))
    def check(ids: list[str]) -> None:
        calls = tuple(ToolCall(id=one, name="f") for one in ids)
        results = tuple(ToolResult(tool_call_id=one, content="x") for one in ids)
        history = (
            Message(role="user", content="go"),
            Message(role="assistant", content=calls),
            Message(role="tool", content=results),
        )
        made, joined = _ids(body(where, Call(messages=history)))
        assert made == joined
        assert len(set(made)) == len(ids)
        assert all(_fits(pattern, one) for one in made)

    check()


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def _ids(sent: Any) -> tuple[list[str], list[str]]:
    made: list[str] = []
    joined: list[str] = []
    for message in sent["messages"]:
        made += [one["id"] for one in message.get("tool_calls", ())]
        joined += [message["tool_call_id"]] if "tool_call_id" in message else []
        blocks = message["content"] if isinstance(message["content"], list) else []
        made += [one["id"] for one in blocks if one["type"] == "tool_use"]
        joined += [one["tool_use_id"] for one in blocks if one["type"] == "tool_result"]
    return made, joined


ROLES = st.sampled_from(["system", "user", "assistant"])
TURNS = st.lists(st.tuples(ROLES, st.text(max_size=20)), min_size=1, max_size=8)


@pytest.mark.parametrize("wire", ["anthropic", "gemini"])
def test_roles_alternate_whatever_the_conversation(wire: str) -> None:
    @given(TURNS)
    def check(turns: list[tuple[Any, str]]) -> None:
        said = tuple(Message(role=role, content=text) for role, text in turns)
        said += (Message(role="user", content=(Text(text="end"),)),)
        sent = body(target(wire), Call(messages=said))
        roles = [turn["role"] for turn in sent.get("messages") or sent["contents"]]
        assert all(one != after for one, after in pairwise(roles))
        assert roles[-1] == "user"

    check()
