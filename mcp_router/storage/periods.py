"""Days, weeks and months of a time zone as spans of UTC milliseconds; daylight saving included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import tzinfo

Calendar = Literal["day", "week", "month"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MS = timedelta(milliseconds=1)
_MIDNIGHT = time()
_EPOCH_DAY = EPOCH.toordinal()
_DAY_MS = 86_400_000


class Bounds(NamedTuple):
    """A span from `start` up to, but not including, `end`, in UTC milliseconds since 1970."""

    start: int
    end: int


def to_ms(moment: datetime) -> int:
    """Convert a moment to whole UTC milliseconds since 1970; one without a zone counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MS


def from_ms(at: int) -> datetime:
    """Convert UTC milliseconds since 1970 to an aware datetime in UTC."""
    return EPOCH + at * _MS


def period_bounds(period: Calendar, *, at: int, zone: tzinfo) -> Bounds:
    """Find the day, week (from Monday) or month of `zone` that the moment `at` lies in.

    Periods follow one another without gap or overlap, in every zone and through every change of
    the clocks: a day has 23 to 25 hours, and one that a zone skipped is empty.
    """
    day = local_day(at, zone=zone)
    if period == "day":
        first, following = day, day + _DAY
    elif period == "week":
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    return Bounds(day_start(first, zone=zone), day_start(following, zone=zone))


def local_day(at: int, *, zone: tzinfo) -> date:
    """Name the calendar day of `zone` whose span holds the moment `at`."""
    day = from_ms(at).astimezone(zone).date()
    # Clocks that go back over midnight show the old date again: the new day has begun all the same.
    return day + _DAY if day_start(day + _DAY, zone=zone) <= at else day


def day_start(day: date, *, zone: tzinfo) -> int:
    """Find the first moment of a calendar day of `zone`, in UTC milliseconds since 1970."""
    midnight = datetime.combine(day, _MIDNIGHT, zone)
    again = midnight.replace(fold=1)
    offset = midnight.utcoffset()
    if offset is not None and offset == again.utcoffset():
        # Nearly every midnight: no time to waste on it where a report asks for a year of them.
        return (day.toordinal() - _EPOCH_DAY) * _DAY_MS - offset // _MS
    after, before = to_ms(midnight), to_ms(again)
    # Python reads a midnight that the clocks jump over with the old offset first, then the new:
    # the jump lies between the two. A midnight that comes twice counts from its first time.
    while after - before > 1:
        middle = (before + after) // 2
        reached = from_ms(middle).astimezone(zone).date() >= day
        before, after = (before, middle) if reached else (middle, after)
    return after
