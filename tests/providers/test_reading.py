"""Foreign JSON: the wanted type or an empty one, and never half a character."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.reading import (
    as_count,
    as_list,
    as_object,
    as_text,
    decode,
    decode_arguments,
    tool_call,
)
from mcp_router.providers.wire import BadAnswer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(JSON)
def test_only_the_wanted_type_comes_out(value: Any) -> None:
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert as_list(value) == (value if isinstance(value, list) else [])
    assert as_text(value) == (value if isinstance(value, str) else "")


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (7, 7),
        (7.9, 7),
        (999_999_999_999_999, 999_999_999_999_999),
        (10**15, 0),
        (-1, 0),
        (True, 0),
        ("7", 0),
        (None, 0),
        (float("nan"), 0),
        (float("inf"), 0),
    ],
)
def test_a_count_is_a_plausible_number_or_nothing(value: object, count: int) -> None:
    assert as_count(value) == count


@given(JSON)
def test_whatever_is_decoded_can_be_written_again(value: Any) -> None:
    text = json.dumps({"a": value})

    for found in (decode(text), decode(text.encode()), decode_arguments(text)):
        json.dumps(found, ensure_ascii=False).encode()


@given(st.text(max_size=20))
def test_whole_characters_stay_what_they_are(text: str) -> None:
    assert decode(json.dumps(text)) == text
    assert decode(json.dumps(text, ensure_ascii=False).encode()) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD83D\uDE00"', "😀"),
        (r'"a\ud83d"', "a\ufffd"),
        (r'"\ude00b"', "\ufffdb"),
        (r'"\uD83Dx\uDE00"', "\ufffdx\ufffd"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', "\\\ufffd"),
        (r'"\u00e9"', "é"),
    ],
)
def test_half_a_pair_becomes_the_replacement_character(written: str, read: str) -> None:
    assert decode(written) == read
    assert decode_arguments(f'{{"a": {written}}}') == {"a": read}


@pytest.mark.parametrize("body", [b"\xff", b"\xef\xbb", "{", "", "nope", "[" * 100_000])
def test_what_is_no_json_is_refused(body: str | bytes) -> None:
    with pytest.raises(BadAnswer, match="not whole JSON"):
        decode(body)


def test_a_byte_order_mark_is_no_part_of_the_answer() -> None:
    assert decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [("", {}), (" \n", {}), ("null", {}), ("{}", {}), ('{"a": null}', {"a": None})],
)
def test_no_arguments_are_written_in_many_ways(text: str, arguments: dict[str, Any]) -> None:
    assert decode_arguments(text) == arguments


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', '{"a": -Infinity}', "{", "{}{}"])
def test_arguments_no_other_reader_would_take_are_refused(text: str) -> None:
    with pytest.raises(BadAnswer, match="not JSON"):
        decode_arguments(text)


def test_a_call_is_built_from_an_object_or_nothing() -> None:
    assert tool_call("a", "f", None, signature=None).arguments == {}
    built = tool_call("a", "f", {"b": [1]}, signature="s")

    assert (built.id, built.name, built.arguments, built.signature) == ("a", "f", {"b": [1]}, "s")


@pytest.mark.parametrize("arguments", [[], "x", 7, True, {"a": float("nan")}])
def test_a_call_with_other_arguments_is_refused(arguments: object) -> None:
    with pytest.raises(BadAnswer, match="not a JSON object"):
        tool_call("a", "f", arguments, signature=None)


def test_a_call_without_a_name_is_refused() -> None:
    with pytest.raises(BadAnswer, match="no name"):
        tool_call("a", "", {}, signature=None)
