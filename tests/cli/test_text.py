"""Text shown to people is safe for terminals, fits its room, and reads well."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.cli.text import (
    clean,
    duration,
    mended,
    rough_duration,
    rounded_tokens,
    share,
    shortened,
    shown,
    usd,
    width,
    wrapped,
)

# Surrogates as well: arguments that are no UTF-8 hold them.
ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_clean_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    shown = clean(text)
    assert all(c.isprintable() or c in "\u200c\u200d" for c in shown)
    assert clean(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\u00a0d", "a b c d"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\udcff", "\\udcff"),
        ("héllo 世界", "héllo 世界"),
    ],
)
def test_controls_become_escapes_and_blanks_become_spaces(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(ANYTHING)
def test_mended_text_can_be_written_in_utf_8(text: str) -> None:
    mended(text).encode()


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_mending_leaves_sound_text_alone(text: str) -> None:
    assert mended(text) == text


def test_halves_of_a_pair_are_joined() -> None:
    assert mended("\ud83d\ude00!") == "😀!"


@given(ANYTHING.map(clean), st.integers(2, 40))
def test_wrapped_lines_fit_and_keep_every_character(text: str, cells: int) -> None:
    lines = wrapped(text, cells=cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(ANYTHING, st.integers(1, 40))
def test_shortened_text_fits(text: str, cells: int) -> None:
    assert width(shortened(text, cells=cells)) <= max(cells, 1)


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("世界", 4), ("e\u0301", 1), ("😀", 2)])
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.00076849"), "$0.000768"),
        (Decimal("-1.2"), "-$1.2"),
        (Decimal(123456), "$123000"),
    ],
)
def test_amounts_have_three_digits_and_unknown_is_not_zero(
    amount: Decimal | None, written: str
) -> None:
    assert usd(amount) == written


@pytest.mark.parametrize(
    ("ms", "written"), [(0, "0 ms"), (999, "999 ms"), (5240, "5.2 s"), (125_000, "2 min 5 s")]
)
def test_durations_read_well(ms: int, written: str) -> None:
    assert duration(ms) == written


@pytest.mark.parametrize(
    ("count", "written"),
    [(512, "512"), (128_000, "128k"), (1_000_000, "1M"), (1_048_576, "1.05M")],
)
def test_token_counts_are_brief(count: int, written: str) -> None:
    assert rounded_tokens(count) == written


def test_a_share_of_nothing_is_left_out() -> None:
    assert share(Decimal(0), of=Decimal(0)) == ""
    assert share(Decimal(1), of=Decimal(3)) == "33.3%"


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 200))
def test_an_answer_of_several_lines_cannot_steer_a_terminal(text: str, cut: int) -> None:
    safe = shown(text)
    assert all(c.isprintable() or c in "\n\t\u200c\u200d" for c in safe)
    assert safe.count("\n") == text.count("\n")
    assert shown(text[:cut]) + shown(text[cut:]) == safe


def test_lines_and_tabs_stay_and_what_overwrites_goes() -> None:
    assert shown("a\tb\r\nc\rd\x1b[2J") == "a\tb\ncd\\x1b[2J"


@pytest.mark.parametrize(
    ("name", "cells", "lines"),
    [
        ("gpt-oss-120b-cerebras", 18, ["gpt-oss-120b-", "cerebras"]),
        ("deepseek-v4.1-flash-fireworks", 12, ["deepseek-v4.", "1-flash-", "fireworks"]),
        ("a-bcdefghijklmnop", 8, ["a-bcdefg", "hijklmno", "p"]),
        ("unbroken", 8, ["unbroken"]),
    ],
)
def test_a_name_too_long_for_its_room_is_broken_at_its_joints(
    name: str, cells: int, lines: list[str]
) -> None:
    assert wrapped(name, cells=cells) == lines


@given(st.text(st.sampled_from("ab-_/. "), max_size=60), st.integers(2, 20))
def test_breaking_loses_nothing_but_blanks_and_fits(text: str, cells: int) -> None:
    lines = wrapped(text, cells=cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(0, "0 ms"), (999, "999 ms"), (59_900, "59.9 s"), (60_000, "1.0 min"), (357_000, "6.0 min")],
)
def test_a_rough_time_is_short(milliseconds: int, expected: str) -> None:
    assert rough_duration(milliseconds) == expected
    assert len(rough_duration(milliseconds)) <= 7
