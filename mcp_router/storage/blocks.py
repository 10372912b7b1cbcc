"""Spans of time cut into the blocks that the summary tables are kept in."""

from __future__ import annotations

from typing import NamedTuple

QUARTER, HOUR, DAY, LONG = 900, 3_600, 86_400, 2_764_800
"""Widths of the blocks in seconds; each divides the next. Blocks start at multiples of these."""

WIDTHS = (QUARTER, HOUR, DAY, LONG)
FOREVER = LONG * 100_000
"""An end beyond every date that can be written (the year 10729)."""


class Span(NamedTuple):
    """The seconds from `start` up to `end`, on whole quarter hours; a day's label is its date."""

    label: str
    start: int
    end: int


class Blocks(NamedTuple):
    """All blocks of one width that start within `start` up to, but not including, `end`.

    A `sign` of -1 takes away what wider blocks beside them hold too much.
    """

    width: int
    start: int
    end: int
    sign: int = 1


def cover(start: int, end: int, *, widths: tuple[int, ...] = WIDTHS) -> tuple[Blocks, ...]:
    """Write the seconds from `start` up to `end` as a sum of few blocks, some of them negative.

    A day that begins an hour before that of UTC is the day of UTC, an hour more and an hour less:
    three blocks and not twenty-four. Both ends must be multiples of the finest width.
    """
    if start >= end:
        return ()
    *finer, width = widths
    if not finer:
        return (Blocks(width, start, end),)
    first, last = nearest(start, width=width), nearest(end, width=width)
    if abs(start - first) + abs(end - last) >= end - start:
        return cover(start, end, widths=tuple(finer))
    return (
        *between(start, first, widths=tuple(finer)),
        Blocks(width, first, last),
        *between(last, end, widths=tuple(finer)),
    )


def between(start: int, end: int, *, widths: tuple[int, ...] = WIDTHS) -> tuple[Blocks, ...]:
    """Cover the seconds from `start` up to `end`, as negative blocks where `end` comes first."""
    if start <= end:
        return cover(start, end, widths=widths)
    return tuple(blocks._replace(sign=-blocks.sign) for blocks in cover(end, start, widths=widths))


def nearest(second: int, *, width: int) -> int:
    """Return the multiple of `width` that lies nearest; the later one of two."""
    return (second + width // 2) // width * width
