"""Blocks are laid out to fit, and never lose or break what they hold."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.cli.page import Bar, Column, Fields, Items, Line, Notes, Page, Table
from mcp_router.cli.plain import plain_text
from mcp_router.cli.terminal import print_page
from mcp_router.cli.text import width

WORDS = st.text("abcé世 \x1b[", max_size=60)
NAME = "a-model-name-of-some-length-v4.1"


def table(*rows: tuple[str, ...]) -> Table:
    columns = (
        Column("Model", flexible=True),
        Column("Text", flexible=True),
        Column("N", right=True),
    )
    return Table(columns, rows)


def on_terminal(page: Page, *, columns: int = 80) -> str:
    file = io.StringIO()
    print_page(page, file=file, columns=columns)
    return file.getvalue()


@given(st.lists(st.tuples(WORDS, WORDS, st.just("1")), min_size=1, max_size=4), st.booleans())
def test_a_terminal_never_gets_more_than_its_columns(
    rows: list[tuple[str, str, str]], framed: bool
) -> None:
    long = " ".join(cell for row in rows for cell in row)
    blocks = (
        table(*rows)._replace(above=tuple(long for _ in rows)),
        Fields(((rows[0][0][:20], long),)),
        Items("Title", (long,)),
        Line(long),
        Notes("warning", (long,)),
    )
    drawn = on_terminal(Page(blocks, card="Card" if framed else ""), columns=60)
    assert all(width(line) <= 60 for line in drawn.splitlines())
    assert "\x1b" not in drawn


def test_names_stay_whole_in_a_pipe_even_where_room_is_short() -> None:
    drawn = plain_text(Page((table((NAME, "some words that can be broken", "1")),)), cells=40)
    assert NAME in drawn
    assert "\nwords" not in drawn


def test_flexible_columns_break_at_blanks_first() -> None:
    drawn = plain_text(Page((table(("short", "many words " * 8, "12")),)), cells=40)
    assert all(len(line) <= 40 for line in drawn.splitlines())
    assert drawn.count("many") == 8


def test_a_column_without_content_is_left_out() -> None:
    drawn = plain_text(Page((table(("one", "", "1"), ("two", "", "2")),)), cells=80)
    assert drawn.splitlines()[0].split() == ["Model", "N"]


def test_wide_characters_line_up() -> None:
    rows = (("世界", "x", "1"), ("abcd", "y", "2"))
    lines = plain_text(Page((table(*rows),)), cells=80).splitlines()
    assert [width(line) for line in lines[1:]] == [14, 14]


def test_notes_are_no_part_of_the_data() -> None:
    page = Page((Line("data"), Notes("hint", ("do this",))))
    assert plain_text(page, cells=80) == "data\n"
    assert "hint: do this" in on_terminal(page)


def test_plain_text_is_ascii_where_the_data_is() -> None:
    bars = Table((Column("Share"),), ((Bar(0.5),), (Bar(7.0),), (Bar(-1.0),)))
    drawn = plain_text(Page((bars, Items("Title", ("one",)))), cells=80)
    assert drawn.isascii()
    assert drawn.splitlines()[1:4] == ["######......", "############", "............"]


def test_an_empty_block_takes_no_room() -> None:
    page = Page((Line(""), table(), Items("Title", ()), Fields(()), Line("end")))
    assert plain_text(page, cells=80) == "end\n"
