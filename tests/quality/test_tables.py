"""Patterns are put together for speed; they find what each of their alternatives would."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality.tables import Table, alternatives, pattern, table
from mcp_router.routing.text import fold
from tests.quality.labelled import DATA

LISTS: list[tuple[Table, str, str]] = [
    *(
        ("asks", section, key)
        for section in ("kinds", "forms", "asks")
        for key in table("asks")[section]
    ),
    *(("phrases", section, "patterns") for section in ("strong", "weak", "back")),
]


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [fold(value)]
    inner: Iterable[Any] = ()
    if isinstance(value, dict | list):
        inner = cast("Any", value.values() if isinstance(value, dict) else value)
    return [text for one in inner for text in texts(one)]


TEXTS = texts(DATA)
WORDS = sorted({word for text in TEXTS for word in text.split()})


@pytest.mark.parametrize("name", LISTS, ids=lambda name: " ".join(name))
def test_a_pattern_finds_what_its_alternatives_find(name: tuple[Table, str, str]) -> None:
    plain = re.compile(alternatives(*name))
    found = {text for text in TEXTS if pattern(*name).search(text)}
    assert found == {text for text in TEXTS if plain.search(text)}


@given(name=st.sampled_from(LISTS), words=st.lists(st.sampled_from(WORDS), max_size=12))
def test_so_it_is_in_any_jumble_of_words(name: tuple[Table, str, str], words: list[str]) -> None:
    text = " ".join(words)
    plain = re.search(alternatives(*name), text)
    assert (pattern(*name).search(text) is None) == (plain is None)
