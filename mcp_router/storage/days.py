"""Sums of the days of any time zone: days of UTC, and what lies between their two midnights."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from datetime import date
from functools import lru_cache, reduce
from operator import add, neg, sub
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage.blocks import DAY, QUARTER, WIDTHS, Span, between, nearest
from mcp_router.storage.periods import day_start
from mcp_router.storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from mcp_router.storage.database import Connection

Sums = tuple[int, ...]

_NOTHING: Sums = (0,) * 9
_EPOCH = date(1970, 1, 1).toordinal()
_LAST = date.max.toordinal() - _EPOCH
_WITHIN_DAYS = WIDTHS[: WIDTHS.index(DAY)]


class _Recorded(NamedTuple):
    """Sums by the first second of UTC days, and by quarter hours that are in no summary yet."""

    blocks: dict[int, Sums]
    fresh: list[tuple[int, Sums]]


def day_sums(connection: Connection, *, span: Span, zone: tzinfo) -> list[tuple[Span, Sums]]:
    """Sum up each day of `zone` within a span, in order; days without any sum are left out.

    Values are decisions, calls, ok, fallbacks, input and output tokens, and the nano-dollars of
    cost, estimate and baseline.
    """
    recorded = _read(connection, span=span)
    days = _days(recorded, span=span, zone=zone)
    moments = {second for _, *ends in days for second in ends}
    midnights = {moment: nearest(moment, width=DAY) for moment in moments}
    edges = _edges(connection, midnights=midnights)
    late = _by_day(recorded.fresh, days=days)
    found: list[tuple[Span, Sums]] = []
    for day in days:
        _, start, end = day
        values = _blocks(recorded.blocks, start=midnights[start], end=midnights[end])
        if edges:
            more, less = edges.get(start, _NOTHING), edges.get(end, _NOTHING)
            values = tuple(map(sub, map(add, values, more), less))
        if start in late:
            values = _plus(values, late[start])
        if any(values):
            found.append((day, values))
    return found


def _blocks(blocks: Mapping[int, Sums], *, start: int, end: int) -> Sums:
    if end - start == DAY:
        return blocks.get(start, _NOTHING)
    # A zone that changed its side of the date line has days of none or two.
    return reduce(_plus, (blocks.get(at, _NOTHING) for at in range(start, end, DAY)), _NOTHING)


def _plus(one: Sums, other: Sums) -> Sums:
    return tuple(map(add, one, other))


def _read(connection: Connection, *, span: Span) -> _Recorded:
    # A day of any zone begins and ends less than a day from a midnight of UTC.
    around = {"from_s": span.start - DAY, "to_s": span.end + DAY}
    within = {"dimension": "all", "from_s": span.start, "to_s": span.end}
    blocks = connection.execute(query("day_blocks"), around)
    fresh = connection.execute(query("stats_fresh"), within)
    return _Recorded({row[0]: row[1:] for row in blocks}, [(row[0], row[3:]) for row in fresh])


def _days(recorded: _Recorded, *, span: Span, zone: tzinfo) -> list[Span]:
    # Only days that may hold a record: one stray date must not cost a century of empty days.
    active = {start // DAY for start in (*recorded.blocks, *(at for at, _ in recorded.fresh))}
    # A day of any zone overlaps with at most the UTC days before, at and after its own date.
    near = sorted({number + shift for number in active for shift in (-1, 0, 1)})
    starts = {number: _start(number, zone) for number in {*near, *(n + 1 for n in near)}}
    days = (
        Span(
            date.fromordinal(number + _EPOCH).isoformat(),
            max(starts[number], span.start),
            min(starts[number + 1], span.end),
        )
        for number in near
        if number <= _LAST
    )
    return [day for day in days if day.start < day.end]


@lru_cache(maxsize=2_048)
def _start(number: int, zone: tzinfo) -> int:
    """Find the first second of a day, counted from 1970, on a quarter hour."""
    if number > _LAST:
        return number * DAY
    return day_start(date.fromordinal(number + _EPOCH), zone=zone) // 1000 // QUARTER * QUARTER


def _edges(connection: Connection, *, midnights: Mapping[int, int]) -> dict[int, Sums]:
    """Sum up what lies between each moment and its midnight of UTC.

    Negative where midnight comes first.
    """
    # A zone has two or three distances to midnight, so that few queries find all the blocks.
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for moment, midnight in sorted(midnights.items()):
        alike[moment - midnight].append(midnight)
    found: dict[int, Sums] = {}
    for after, equal in alike.items():
        for width, start, end, sign in between(after, 0, widths=_WITHIN_DAYS):
            within = {"width_s": width, "from_s": start, "to_s": end}
            asked = {"midnights": json.dumps(equal), **within}
            # Where there is one block to each, grouping would take half of the time.
            name = "day_edges" if end - start > width else "day_edge"
            for row in connection.execute(query(name), asked):
                moment, sums = row[0] + after, _sums(row[1:], sign=sign)
                known = found.get(moment)
                found[moment] = _plus(known, sums) if known else sums
    return found


def _sums(values: Sums, *, sign: int) -> Sums:
    return values if sign > 0 else tuple(map(neg, values))


def _by_day(fresh: list[tuple[int, Sums]], *, days: Sequence[Span]) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    starts = [day.start for day in days]
    for at, values in fresh:
        place = bisect_right(starts, at) - 1
        if place >= 0 and at < days[place].end:
            start = starts[place]
            found[start] = _plus(found.get(start, _NOTHING), values)
    return found
