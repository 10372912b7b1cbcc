"""Spans are cut into blocks that hold every quarter hour once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.storage.blocks import DAY, FOREVER, HOUR, LONG, QUARTER, WIDTHS, Blocks, cover

quarters = st.integers(0, 3 * LONG // QUARTER).map(lambda count: count * QUARTER)


@given(quarters, quarters)
def test_every_second_is_covered_once(one: int, other: int) -> None:
    start, end = sorted((one, other))
    place = start
    for blocks in cover(start, end):
        assert blocks.start == place
        assert blocks.start % blocks.width == blocks.end % blocks.width == 0
        place = blocks.end
    assert place == end


@given(quarters, quarters)
def test_few_blocks_are_read_however_long_the_span(one: int, other: int) -> None:
    start, end = sorted((one, other))
    count = sum((blocks.end - blocks.start) // blocks.width for blocks in cover(start, end))
    assert count <= 2 * (3 + 23 + 31) + 3


def test_an_empty_span_has_no_blocks() -> None:
    assert cover(DAY, DAY) == ()
    assert cover(DAY, HOUR) == ()


def test_all_of_time_is_one_run_of_the_widest_blocks() -> None:
    assert cover(0, FOREVER) == (Blocks(LONG, 0, FOREVER),)


def test_each_width_divides_the_next() -> None:
    assert all(wide % narrow == 0 for narrow, wide in pairwise(WIDTHS))
