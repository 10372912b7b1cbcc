"""Spans of time cut into the blocks that the summary tables are kept in."""

from __future__ import annotations

from typing import NamedTuple

QUARTER, HOUR, DAY, LONG = 900, 3_600, 86_400, 2_764_800
"""Widths of the blocks in seconds; each divides the next. Blocks start at multiples of these."""

WIDTHS = (QUARTER, HOUR, DAY, LONG)
FOREVER = LONG * 100_000
"""An end beyond every date that can be written (the year 10729)."""


class Blocks(NamedTuple):
    """All blocks of one width that start within `start` up to, but not including, `end`."""

    width: int
    start: int
    end: int


def cover(start: int, end: int, *, widths: tuple[int, ...] = WIDTHS) -> tuple[Blocks, ...]:
    """Cut the seconds from `start` up to `end` into the fewest blocks, disjoint and complete.

    Both must be multiples of the finest width.
    """
    if start >= end:
        return ()
    width, *coarser = widths
    if not coarser:
        return (Blocks(width, start, end),)
    inner_start, inner_end = -(-start // coarser[0]) * coarser[0], end // coarser[0] * coarser[0]
    if inner_start >= inner_end:
        return (Blocks(width, start, end),)
    inner = cover(inner_start, inner_end, widths=tuple(coarser))
    edges = (Blocks(width, start, inner_start), *inner, Blocks(width, inner_end, end))
    return tuple(blocks for blocks in edges if blocks.start < blocks.end)
