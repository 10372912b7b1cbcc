"""Answers and schemas that nobody meant well: marked low, or passed over, but never a crash."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing.exceptions import Unresolvable

from mcp_router.quality.assess import assess
from mcp_router.quality.closed import closed_answer
from mcp_router.quality.expected import expected_scorers
from mcp_router.quality.json_text import canonical_json, read_json
from mcp_router.quality.judging import read_grades
from mcp_router.quality.schema import mismatch
from mcp_router.quality.scorers import schema as fits
from mcp_router.quality.vote import Ballot, vote
from mcp_router.types import Message, Request, ToolCall, ToolSpec

HUGE = 10**400
RULES: dict[str, Any] = {
    "type": "object",
    "required": ["n"],
    "properties": {
        "n": {"type": "integer", "minimum": 1, "multipleOf": 2},
        "s": {"type": ["string", "null"], "minLength": 1, "pattern": "^a", "enum": ["a", None]},
        "l": {"type": "array", "items": {"type": "number"}, "maxItems": 2, "uniqueItems": True},
        "o": {"anyOf": [{"const": 1}, {"$ref": "#/properties/n"}], "not": {"const": 3}},
    },
    "patternProperties": {"^x": {"type": "string"}},
    "dependentRequired": {"s": ["n"]},
    "additionalProperties": False,
}
VALUE = {"n": 2, "s": "a", "l": [1, 2.5], "o": 2, "xy": "z"}
JUNK: list[Any] = [
    *(None, True, -1, 0.5, HUGE, -HUGE, float("nan"), float("inf"), "", "x", "#", "(a+)+$", "["),
    *([], [None], [[]], [{}], {}, {"a": 5}, {"type": 7}),
]


def request(text: str = "Answer in JSON.", **fields: Any) -> Request:
    return Request(messages=(Message(role="user", content=text),), **fields)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys: Any = ()
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
    return [path, *(found for key in keys for found in paths(value[key], (*path, key)))]


def spoiled(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = spoiled(value[path[0]], path[1:], junk)
    return copy


@pytest.mark.parametrize("path", [path for path in paths(RULES) if path], ids=str)
def test_a_schema_with_a_wrong_value_anywhere_still_checks_the_rest(path: tuple[Any, ...]) -> None:
    for junk in JUNK:
        rules = spoiled(RULES, path, junk)
        for value in (VALUE, {}, [], "x", HUGE, None):
            found = mismatch(value, schema=rules)
            assert found is None or found.problem
        # What the standard takes for a schema means what the standard says.
        known = reference(rules)
        if known is not None:
            assert (mismatch(VALUE, schema=rules) is None) == known, rules


def reference(rules: Any) -> bool | None:
    """What another implementation says of the value; None where the schema is none."""
    # It hangs at the first, and the others are no JSON.
    if any(one in str(rules) for one in ("(a+)+$", "nan", "inf")):
        return None
    try:
        jsonschema.Draft202012Validator.check_schema(rules)
        return jsonschema.Draft202012Validator(rules).is_valid(VALUE)
    except (jsonschema.SchemaError, Unresolvable, OverflowError, RecursionError):
        return None


@pytest.mark.parametrize("path", paths(VALUE), ids=str)
def test_an_answer_with_a_wrong_value_anywhere_is_marked(path: tuple[Any, ...]) -> None:
    for junk in JUNK:
        answer = json.dumps(spoiled(VALUE, path, junk))
        found = assess(request(response_schema=RULES), answer)
        assert 0.0 <= found.confidence <= 1.0
        assert fits()(request(response_schema=RULES), answer) in (0.0, 1.0)
        closed = closed_answer(answer)
        assert closed == closed_answer(answer)


@pytest.mark.parametrize(
    ("value", "rules", "fit"),
    [
        (HUGE, {"type": "integer"}, True),
        (HUGE, {"type": "number"}, True),
        (HUGE, {"multipleOf": 5}, True),
        (HUGE + 1, {"multipleOf": 5}, False),
        (HUGE, {"maximum": 1e308}, False),
        (-HUGE, {"minimum": 0}, False),
        (HUGE, {"const": HUGE}, True),
        (HUGE, {"enum": [HUGE + 1]}, False),
        ([HUGE, HUGE], {"uniqueItems": True}, False),
        (1e300, {"type": "integer"}, True),
        (math.inf, {"type": "integer"}, False),
        (math.nan, {"multipleOf": 2}, True),
    ],
)
def test_numbers_of_any_size_are_compared_exactly(
    value: object, rules: dict[str, Any], fit: bool
) -> None:
    assert (mismatch(value, schema=rules) is None) is fit


def test_a_tool_call_with_a_number_no_float_holds_is_assessed() -> None:
    tool = ToolSpec(name="f", parameters={"properties": {"n": {"type": "integer"}}})
    call = ToolCall(id="c", name="f", arguments={"n": HUGE})
    found = assess(request(tools=(tool,)), "", tool_calls=(call,))
    assert not found.signals
    wrong = ToolCall(id="c", name="f", arguments={"n": "1"})
    assert assess(request(tools=(tool,)), "", tool_calls=(wrong,)).signals


NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.from_regex(r"-?\d{1,30}([.,]\d{1,30}){0,3}(e[+-]?\d{1,3})?( ?[%a-z]{0,4})", fullmatch=True),
    st.sampled_from(
        ["1e999", "-1e-999", "9" * 70, "1/0", "0/1", "1 1/3", "½", "٣", "\uff11\uff12", "²", "$"]
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(NUMBERS, min_size=1, max_size=4),
    st.sampled_from(["{}", "The answer is {}.", "{} or so"]),
)
def test_any_numbers_can_be_voted_on_and_equal_writings_agree(
    numbers: list[str], frame: str
) -> None:
    ballots = [Ballot(f"m{at}", frame.format(one)) for at, one in enumerate(numbers)]
    found = vote(ballots)
    assert sorted(at for group in found.groups for at in group.members) == list(range(len(ballots)))
    same = vote([*ballots[:1], Ballot("again", ballots[0].answer)])
    assert same.agreement == 1.0


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-20, 20), st.floats(), st.text(max_size=4)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["grades", "1", "2", "x"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_a_judges_reply_of_any_shape_is_grades_within_bounds_or_nothing(value: Any) -> None:
    for text in (json.dumps(value), f"Sure! {json.dumps(value)} Done.", f"```{json.dumps(value)}"):
        grades = read_grades(text, count=2)
        if grades is None:
            continue
        assert len(grades) == 2
        assert all(0.0 <= one <= 1.0 for one in grades)
        row = value.get("grades", value)
        assert [row["1"] / 10, row["2"] / 10] == list(grades)
        assert not any(isinstance(row[place], bool) for place in ("1", "2"))


@pytest.mark.parametrize(
    "grade", ["true", "null", '"7"', "NaN", "1e999", "-1", "10.5", "[5]", "{}", str(HUGE)]
)
def test_one_grade_that_is_none_spoils_the_verdict(grade: str) -> None:
    assert read_grades(f'{{"grades": {{"1": 5, "2": {grade}}}}}', count=2) is None
    assert read_grades('{"grades": {"1": 5, "2": 10.0}}', count=2) == (0.5, 1.0)


@pytest.mark.parametrize(
    "row",
    [
        {"schema": []},
        {"schema": "object"},
        {"pattern": "("},
        {"pattern": 7},
        {"contains": []},
        {"expect": {}},
        {"answer": [None]},
    ],
)
def test_a_row_that_says_what_is_right_in_a_wrong_way_names_its_key(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(row))):
        expected_scorers(row)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 260), st.sampled_from(['{"a":', "["]))
def test_nesting_is_read_up_to_a_bound_and_written_the_same(depth: int, opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    text = opening * depth + "1" + closing * depth
    value, found = read_json(text)
    assert found is (depth <= 200)
    if found:
        assert canonical_json(value) == text
        assert mismatch(value, schema={"type": ["object", "array", "integer"]}) is None
        assert mismatch(value, schema={"type": "string"}) is not None


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_text_in_a_fence_or_a_frame_crashes_the_signs(text: str, word: str) -> None:
    for answer in (
        text,
        f"```json\n{text}",
        f"```\n{text}\n```",
        f"\\boxed{{{text}}}",
        f"#### {text}",
    ):
        found = assess(request(f"Give JSON with {word}.", json_mode=True), answer)
        assert 0.0 <= found.confidence <= 1.0
