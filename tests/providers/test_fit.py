"""Fitting a call to its model: what is kept, what is dropped, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.fit import Fitted, fit
from mcp_router.types import ToolSpec
from tests.providers.scene import call, target

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOLS = (ToolSpec(name="look"),)


def fitted(rejects: tuple[str, ...] = (), **asked: Any) -> Fitted:
    return fit(target(rejects=rejects), call(**asked))


@given(st.integers(1, 40_000))
def test_max_tokens_is_kept_up_to_what_the_model_writes(asked: int) -> None:
    found = fit(target(max_output=20_000), call(max_tokens=asked))

    assert found.max_tokens == min(asked, 20_000)
    assert bool(found.warnings) == (asked > 20_000)


@given(st.floats(0, 2), st.floats(0, 2))
def test_temperature_never_passes_what_the_wire_takes(asked: float, highest: float) -> None:
    found = fit(target(), call(temperature=asked), max_temperature=highest)

    assert found.temperature == min(asked, highest)
    assert bool(found.warnings) == (asked > highest)


def test_the_highest_temperature_of_most_wires_is_two() -> None:
    assert fitted(temperature=2.0).temperature == 2.0
    assert fitted(temperature=2.0).warnings == ()


def test_a_lowered_temperature_names_the_limit() -> None:
    found = fit(target(), call(temperature=1.5), max_temperature=1.0)

    assert found.warnings == ("temperature lowered to 1, the highest m-1 takes",)


@given(st.lists(st.text(min_size=1, max_size=3), max_size=8), st.integers(1, 8))
def test_the_first_stop_sequences_are_kept(stops: list[str], most: int) -> None:
    found = fit(target(), call(stop=tuple(stops)), max_stops=most)

    assert found.stop == tuple(stops[:most])
    assert bool(found.warnings) == (len(stops) > most)


@pytest.mark.parametrize("name", ["stop", "stop_sequences"])
def test_stop_is_dropped_under_either_of_its_names(name: str) -> None:
    found = fitted((name,), stop=("END",))

    assert (found.stop, found.warnings) == ((), ("stop dropped: m-1 rejects it",))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ("look", "look"),
    ],
)
def test_a_tool_choice_has_one_spelling(asked: str, sent: str) -> None:
    found = fitted(tools=TOOLS, tool_choice=asked)

    assert (found.tool_choice, found.warnings) == (sent, ())


@pytest.mark.parametrize("choice", ["required", "any", "look"])
def test_a_model_that_cannot_be_forced_is_left_to_choose(choice: str) -> None:
    found = fitted(("tool_choice",), tools=TOOLS, tool_choice=choice)

    assert found.tool_choice is None
    assert found.warnings == ("tool_choice dropped: m-1 cannot be forced to call a tool",)


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_model_that_cannot_be_forced_can_still_be_left_free_or_kept_back(choice: str) -> None:
    found = fitted(("tool_choice",), tools=TOOLS, tool_choice=choice)

    assert (found.tool_choice, found.warnings) == (choice, ())


@pytest.mark.parametrize("choice", [None, "auto", "look"])
def test_without_tools_there_is_nothing_to_choose(choice: str | None) -> None:
    assert fitted(tool_choice=choice).tool_choice is None


def test_a_schema_is_enforced_where_the_wire_can() -> None:
    found = fitted(response_schema=SCHEMA)

    assert found.response_schema == SCHEMA
    assert (found.json_mode, found.instruction, found.warnings) == (False, "", ())


@pytest.mark.parametrize(
    "name", ["response_schema", "response_format", "json_schema", "output_config"]
)
def test_a_rejected_schema_is_put_in_words_under_any_of_its_names(name: str) -> None:
    found = fitted((name,), response_schema=SCHEMA)

    assert found.response_schema is None
    assert found.instruction.startswith("Answer with one JSON value only")
    assert '{"type": "object"' in found.instruction
    assert found.warnings == ("JSON is asked for in words: m-1 has no mode for it",)


@pytest.mark.parametrize(
    ("rejects", "mode"),
    [
        (("response_schema",), True),
        (("output_config",), True),
        (("response_schema", "json_mode"), False),
        (("response_format",), False),
    ],
)
def test_a_schema_in_words_is_helped_by_the_json_mode_where_there_is_one(
    rejects: tuple[str, ...], mode: bool
) -> None:
    assert fitted(rejects, response_schema=SCHEMA).json_mode is mode


def test_a_schema_the_wire_cannot_enforce_is_put_in_words() -> None:
    found = fit(target(), call(response_schema=SCHEMA), takes_schema=lambda _: False)

    assert found.response_schema is None
    assert "It fits this JSON schema" in found.instruction


def test_a_schema_keeps_its_letters() -> None:
    found = fitted(("json_schema",), response_schema={"description": "größe"})

    assert "größe" in found.instruction


@pytest.mark.parametrize("name", ["json_mode", "response_format"])
def test_json_without_a_mode_is_asked_for_in_words(name: str) -> None:
    found = fitted((name,), json_mode=True)

    assert found.json_mode is False
    assert found.instruction.endswith("no code fence.")
    assert len(found.warnings) == 1


def test_a_wire_without_json_mode_asks_in_words() -> None:
    found = fit(target(), call(json_mode=True), json_mode=False)

    assert (found.json_mode, bool(found.instruction)) == (False, True)


def test_json_with_a_mode_needs_no_words() -> None:
    found = fitted(json_mode=True)

    assert (found.json_mode, found.instruction, found.warnings) == (True, "", ())


def test_a_plain_call_passes_untouched() -> None:
    assert fitted() == Fitted(None, None, (), None, None, False, False, "", ())
