"""Spans are written as sums of blocks that hold every quarter hour once in the end."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.storage.blocks import (
    DAY,
    FOREVER,
    HOUR,
    LONG,
    QUARTER,
    WIDTHS,
    Blocks,
    between,
    cover,
    nearest,
)

quarters = st.integers(0, 3 * LONG // QUARTER).map(lambda count: count * QUARTER)


def held(parts: tuple[Blocks, ...]) -> Counter[int]:
    """Count how often each quarter hour is added, less how often it is taken away."""
    counts: Counter[int] = Counter()
    for width, start, end, sign in parts:
        assert start % width == end % width == 0
        assert start < end
        for quarter in range(start, end, QUARTER):
            counts[quarter] += sign
    return Counter({quarter: count for quarter, count in counts.items() if count})


def blocks_read(parts: tuple[Blocks, ...]) -> int:
    return sum((blocks.end - blocks.start) // blocks.width for blocks in parts)


@given(quarters, quarters)
def test_every_quarter_hour_counts_once_in_the_end(one: int, other: int) -> None:
    start, end = sorted((one, other))
    assert held(cover(start, end)) == dict.fromkeys(range(start, end, QUARTER), 1)


@given(quarters, quarters)
def test_the_way_back_takes_away_what_the_way_there_adds(one: int, other: int) -> None:
    there, back = held(between(one, other)), held(between(other, one))
    assert there == Counter({quarter: -count for quarter, count in back.items()})


@given(quarters, quarters)
def test_few_blocks_are_read_however_long_the_span(one: int, other: int) -> None:
    start, end = sorted((one, other))
    read = blocks_read(cover(start, end))
    assert read <= 2 * (2 + 12 + 16) + 4
    assert read <= (end - start) // QUARTER


@given(st.integers(1, 30), st.integers(-12 * 4, 12 * 4))
def test_a_day_of_any_zone_is_a_day_of_utc_and_its_two_ends(day: int, offset: int) -> None:
    start = day * DAY + offset * QUARTER
    hours = abs(offset) // 4 + 3
    assert blocks_read(cover(start, start + DAY)) <= 1 + 2 * hours


def test_a_day_an_hour_early_takes_three_blocks() -> None:
    assert cover(4 * DAY - HOUR, 5 * DAY - HOUR) == (
        Blocks(HOUR, 4 * DAY - HOUR, 4 * DAY),
        Blocks(DAY, 4 * DAY, 5 * DAY),
        Blocks(HOUR, 5 * DAY - HOUR, 5 * DAY, -1),
    )


@given(quarters, st.sampled_from(WIDTHS))
def test_the_nearest_multiple_is_at_most_half_a_width_away(second: int, width: int) -> None:
    found = nearest(second, width=width)
    assert found % width == 0
    assert abs(found - second) <= width / 2


def test_an_empty_span_has_no_blocks() -> None:
    assert cover(DAY, DAY) == ()
    assert cover(DAY, HOUR) == ()


def test_all_of_time_is_one_run_of_the_widest_blocks() -> None:
    assert cover(0, FOREVER) == (Blocks(LONG, 0, FOREVER),)


def test_each_width_divides_the_next() -> None:
    assert all(wide % narrow == 0 for narrow, wide in pairwise(WIDTHS))
