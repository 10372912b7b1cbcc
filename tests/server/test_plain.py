"""Text that leaves the server steers nothing, and loses nothing but what would."""

from __future__ import annotations

import json
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.server.plain import escaped, label, labelled, plain
from tests.test_faces_hostile import HOSTILE, steers

TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)

NAMED = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(TEXTS)
def test_a_label_is_one_line_that_steers_nothing(text: str) -> None:
    made = label(text)
    assert steers(made, allowed="") == []
    assert len(made.splitlines()) <= 1
    assert label(made) == made
    assert made == text or not text.isprintable()


@given(TEXTS)
def test_text_of_several_lines_keeps_its_lines_and_tabs(text: str) -> None:
    made = plain(text)
    controls = {sign for sign in made if ord(sign) < 32 or 127 <= ord(sign) < 160}
    assert controls <= {"\n", "\t"}
    assert made.count("\n") == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert plain(made) == made


def shape(value: object) -> object:
    """A JSON value without its texts."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [shape(inner) for inner in cast("list[object]", value)]
    return "" if isinstance(value, str) else value


@given(st.dictionaries(st.sampled_from("abc"), NAMED))
def test_numbers_and_shape_stay_as_they_are(body: dict[str, object]) -> None:
    made = labelled(body)
    assert shape(made) == shape(body)
    assert steers(json.dumps(made, ensure_ascii=False), allowed="") == []


def test_names_of_keys_are_labels_as_well() -> None:
    assert labelled({"a\x1b": [{"b\nc": "d\re"}]}) == {"a\ufffd": [{"b c": "d e"}]}


@given(JSON)
def test_an_escaped_document_says_the_same(value: object) -> None:
    document = escaped(json.dumps(value, ensure_ascii=False))
    assert json.loads(document) == value
    assert steers(document, allowed="") == []
