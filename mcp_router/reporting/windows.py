"""Spans of whole days of a time zone, and reports over them without holes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.reporting.values import NOTHING
from mcp_router.storage.periods import Bounds, day_start, from_ms, local_day, to_ms
from mcp_router.storage.store import Range

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from mcp_router.types import StatRow

_DAY = timedelta(days=1)


class Window(NamedTuple):
    """The days from `first` to `last`, both included, of a time zone."""

    first: date
    last: date
    zone: tzinfo


def window(*, now: datetime, days: int, zone: tzinfo) -> Window:
    """Return the last so many days, today included."""
    today = local_day(to_ms(now), zone=zone)
    return Window(today - timedelta(days=days - 1), today, zone)


def dates(span: Window) -> tuple[date, ...]:
    """List the days in order."""
    count = (span.last - span.first).days + 1
    return tuple(span.first + timedelta(days=index) for index in range(count))


def bounds(span: Window) -> Bounds:
    """Return the same span in UTC milliseconds."""
    first, after = (day_start(day, zone=span.zone) for day in (span.first, span.last + _DAY))
    return Bounds(first, after)


def span_range(span: Window) -> Range:
    """Return the same span as the range of a report."""
    first, after = bounds(span)
    return Range(from_ms(first), from_ms(after))


def day_left(*, now: datetime, zone: tzinfo) -> float:
    """Return the share of the running day that is still to come, 0 to 1."""
    at = to_ms(now)
    today = local_day(at, zone=zone)
    first, after = bounds(Window(today, today, zone))
    return (after - at) / (after - first)


def filled(rows: Iterable[StatRow], *, span: Window) -> tuple[StatRow, ...]:
    """Put a row of nothing on each day of the span that has none."""
    known = {row.group: row for row in rows}
    labels = (day.isoformat() for day in dates(span))
    return tuple(
        known.get(label) or NOTHING.model_copy(update={"group": label}) for label in labels
    )
