"""Names: the one way they are compared, and which claim on a name holds."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.names import (
    LONGEST_NAME,
    canonical,
    followed,
    nearest,
    newest_of_lines,
    row_names,
    without_snapshot,
)
from mcp_router.types import ModelInfo

ROW = Catalog.load(on=date(2026, 11, 21)).models[0]


def row(name: str, **fields: object) -> ModelInfo:
    base = {"name": name, "id": name, "label": name, "line": "", "aliases": ()}
    return ROW.model_copy(update={**base, "successor": None, "retires_on": None, **fields})


@pytest.mark.parametrize(
    "written", ["GPT 5.4 Mini", "gpt-5-4-mini", " gpt_5.4--mini ", "gpt@5.4.mini"]
)
def test_ways_of_writing_one_name_compare_equal(written: str) -> None:
    assert canonical(written) == "gpt-5-4-mini"


@given(st.text())
def test_a_canonical_name_is_short_and_stays_as_it_is(text: str) -> None:
    key = canonical(text)
    assert len(text) > LONGEST_NAME or canonical(key) == key
    assert not any(mark in key for mark in "._@")


@pytest.mark.parametrize(
    ("key", "shorter"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-4-0613", "gpt-4"),
        ("gemini-1-5-pro-002", "gemini-1-5-pro"),
        ("gemini-2-5-pro-preview-06-05", "gemini-2-5-pro"),
        ("gemini-3-pro-preview", "gemini-3-pro"),
        ("gemini-2-5-pro-exp-03-25", "gemini-2-5-pro"),
        ("gpt-5", None),
        ("claude-opus-4-5", None),
        ("gpt-oss-120b", None),
        ("", None),
    ],
)
def test_only_a_trailing_date_or_revision_is_a_snapshot(key: str, shorter: str | None) -> None:
    assert without_snapshot(key) == shorter


def test_a_name_beats_an_alias_of_nothing_and_a_wire_id_of_another_row() -> None:
    early = row("early", id="late", label="Late")
    late = row("late")
    index = row_names([early, late])
    assert index["late"] is late
    assert index["early"] is early


def test_the_first_row_holds_a_name_two_rows_claim_alike() -> None:
    first, second = row("first", id="shared"), row("second", id="shared")
    assert row_names([first, second])["shared"] is first
    assert row_names([second, first])["shared"] is second


def test_the_newest_living_model_stands_for_its_line() -> None:
    day = date(2026, 6, 1)
    old = row("old", line="x", released=date(2025, 1, 1))
    new = row("new", line="x", released=date(2026, 1, 1), retires_on=day)
    nameless = row("nameless", released=date(2026, 5, 1))
    undated = row("undated", line="x", released=None)
    rows = [undated, old, new, nameless]
    assert newest_of_lines(rows, on=date(2026, 5, 31)) == {"x": new}
    assert newest_of_lines(rows, on=day) == {"x": old}
    assert newest_of_lines([new], on=day) == {"x": new}


def test_aliases_are_followed_to_their_end_and_circles_end() -> None:
    aliases = {"a": "b", "b": "C", "c": "model", "x": "y", "y": "x", "own": "own"}
    assert followed("A ", aliases=aliases) == "model"
    assert followed("own", aliases=aliases) == "own"
    assert followed("x", aliases=aliases) == "x"
    assert followed("other", aliases=aliases) == "other"


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=8))
def test_three_different_names_are_always_suggested(name: str, known: list[str]) -> None:
    assert len(set(nearest(name, known=known))) == 3


def test_the_closest_name_is_suggested_first() -> None:
    assert nearest("clade-opus", known=["gpt-5", "claude-opus", "haiku"])[0] == "claude-opus"


def test_part_of_a_name_suggests_the_names_that_have_it() -> None:
    known = ["gpt-mini", "gemini-pro", "o-mini", "gemini-flash", "gemini-flash-lite", "gemini-4"]
    assert nearest("gemini", known=known) == ("gemini-pro", "gemini-flash", "gemini-flash-lite")
    assert nearest("Flash", known=known)[:2] == ("gemini-flash", "gemini-flash-lite")
