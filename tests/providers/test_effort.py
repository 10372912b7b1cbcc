"""How hard a model is to think, written for each provider, and never in a way it refuses."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.providers.wire import Call, Target
from mcp_router.providers.wires import WIRES
from mcp_router.types import Effort, Message, Need, ToolCall, ToolResult, ToolSpec
from tests.builders import NOW
from tests.providers.scene import KEY, WIRE_NAMES, call, target

EFFORTS: tuple[Effort, ...] = get_args(Effort)
BUILT_IN = Catalog.load(on=NOW.date())
THINKERS = sorted(one.name for one in BUILT_IN.models if Need.THINKING in one.features)
NOW_TOOL = (ToolSpec(name="now"),)


def sent(where: Target, what: Call) -> tuple[Any, tuple[str, ...]]:
    prepared = WIRES[where.provider.wire].request(where, what, stream=False)
    return json.loads(json.dumps(prepared.json)), prepared.warnings


def built_in(name: str) -> Target:
    row = BUILT_IN.resolve(name)
    return Target(row, BUILT_IN.providers[row.provider], KEY)


@pytest.mark.parametrize(
    ("name", "asked", "level"),
    [
        ("gpt-5", "none", "minimal"),
        ("gpt-5", "low", "low"),
        ("gpt-5.2", "none", "none"),
        ("o3", "none", "low"),
        ("grok-4.7", "medium", "low"),
        ("groq/openai/gpt-oss-120b", "none", "low"),
        ("groq/qwen/qwen3.8-27b", "high", "default"),
        ("mistral-medium-3.5", "medium", "none"),
    ],
)
def test_a_level_a_model_does_not_have_becomes_the_next_below(
    name: str, asked: Effort, level: str
) -> None:
    where = built_in(name)
    body, warnings = sent(where, call(reasoning_effort=asked))

    assert body["reasoning_effort"] == level
    changed = f"reasoning_effort is {level}: {where.model.name} has no {asked}"
    assert warnings == (() if asked == level else (changed,))


@pytest.mark.parametrize("name", ["deepseek-v4-pro", "deepseek-flash"])
def test_deepseek_has_a_switch_of_its_own(name: str) -> None:
    assert sent(built_in(name), call(reasoning_effort="none"))[0]["thinking"] == {
        "type": "disabled"
    }


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("gemini-2.5-pro", {"thinkingBudget": 128}),
        ("gemini-2.5-flash", {"thinkingBudget": 0}),
        ("gemini-3-flash", {"thinkingLevel": "minimal"}),
        ("gemini-3.1-pro", {"thinkingLevel": "low"}),
    ],
)
def test_gemini_thinks_as_little_as_its_model_can(name: str, config: dict[str, object]) -> None:
    body, warnings = sent(built_in(name), call(reasoning_effort="none"))

    assert body["generationConfig"] == {"thinkingConfig": config}
    assert bool(warnings) is (config != {"thinkingBudget": 0})


@pytest.mark.parametrize("name", ["claude-opus-5", "claude-sonnet-4.6", "claude-haiku-5.5"])
def test_claude_thinks_as_it_sees_fit_since_4_6(name: str) -> None:
    body, warnings = sent(built_in(name), call(reasoning_effort="low"))

    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "low"}
    assert warnings == ()
    assert sent(built_in(name), call(reasoning_effort="none"))[0]["thinking"]["type"] == "disabled"


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4.5",
        "claude-sonnet-4.5",
        "claude-haiku-4.5",
        "claude-opus-4",
        "claude-3.7-sonnet",
    ],
)
def test_claude_takes_a_budget_before_4_6(name: str) -> None:
    body, _ = sent(built_in(name), call(reasoning_effort="medium"))

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 8_192}
    assert "output_config" not in body


def test_a_budget_leaves_half_of_the_answer_and_is_dropped_where_that_is_too_little() -> None:
    where = built_in("claude-haiku-4.5")

    body, _ = sent(where, call(reasoning_effort="high", max_tokens=3_000))
    assert body["thinking"]["budget_tokens"] == 1_500

    body, warnings = sent(where, call(reasoning_effort="high", max_tokens=2_000))
    assert "thinking" not in body
    assert warnings == ("reasoning_effort dropped: max_tokens leaves less than 1024 for thoughts",)


def test_fable_cannot_do_without() -> None:
    body, warnings = sent(built_in("claude-fable-5.2"), call(reasoning_effort="none"))

    assert body["output_config"] == {"effort": "low"}
    assert warnings == ("reasoning_effort is low: claude-fable-5-2 has no none",)


def test_claude_does_not_think_before_a_tool_that_is_chosen_or_an_answer_that_is_begun() -> None:
    where = built_in("claude-opus-5")
    begun = (Message(role="user", content="Go"), Message(role="assistant", content="Sure, "))

    for what in (
        call(reasoning_effort="low", tools=NOW_TOOL, tool_choice="required"),
        Call(messages=begun, reasoning_effort="low"),
    ):
        body, warnings = sent(where, what)
        assert "thinking" not in body
        assert "output_config" not in body
        assert warnings[0].startswith("reasoning_effort dropped: it cannot think first")


def test_a_budget_is_dropped_where_calls_without_thoughts_are_answered() -> None:
    asked = ToolCall(id="toolu_1", name="now")
    result = ToolResult(tool_call_id="toolu_1", content="noon")
    what = Call(
        messages=(
            Message(role="user", content="Time?"),
            Message(role="assistant", content=(asked,)),
            Message(role="tool", content=(result,)),
        ),
        tools=NOW_TOOL,
        reasoning_effort="high",
    )

    body, warnings = sent(built_in("claude-sonnet-4.5"), what)
    assert "thinking" not in body
    assert warnings == (
        "reasoning_effort dropped: the calls before were made without its thoughts",
    )
    assert sent(built_in("claude-opus-5"), what)[0]["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize("wire", WIRE_NAMES)
class TestOnEveryWire:
    def test_a_model_that_does_not_think_gets_none(self, wire: str) -> None:
        where = target(wire, features=("tools",))

        body, warnings = sent(where, call(reasoning_effort="high"))
        assert body == sent(where, call())[0]
        assert warnings == ("reasoning_effort dropped: m-1 does not think",)

    def test_nothing_is_said_where_it_does_not_think_anyway(self, wire: str) -> None:
        where = target(wire, features=("tools",))
        assert sent(where, call(reasoning_effort="none")) == sent(where, call())

    def test_what_a_model_rejects_is_dropped_with_a_warning(self, wire: str) -> None:
        where = target(wire, rejects=("reasoning_effort",))

        body, warnings = sent(where, call(reasoning_effort="none"))
        assert body == sent(where, call())[0]
        assert warnings == ("reasoning_effort dropped: m-1 rejects it",)

    def test_nothing_is_sent_unasked(self, wire: str) -> None:
        body, warnings = sent(target(wire), call())
        assert not {"reasoning_effort", "thinking", "output_config", "generationConfig"} & set(body)
        assert warnings == ()


@given(
    name=st.sampled_from(THINKERS),
    effort=st.sampled_from(EFFORTS),
    max_tokens=st.none() | st.integers(1, 20_000),
)
def test_an_effort_is_written_or_the_person_is_told(
    name: str, effort: Effort, max_tokens: int | None
) -> None:
    where = built_in(name)
    body, warnings = sent(where, call(reasoning_effort=effort, max_tokens=max_tokens))
    plain, _ = sent(where, call(max_tokens=max_tokens))

    assert (body != plain) or any(one.startswith("reasoning_effort dropped") for one in warnings)
    budget = body.get("thinking", {}).get("budget_tokens")
    assert budget is None or 1_024 <= budget < body["max_tokens"]
