"""Reports over any span of time in any time zone, from the summary tables."""

from __future__ import annotations

import json
from bisect import bisect_right
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple, get_args

from mcp_router.errors import InvalidRequestError
from mcp_router.money import to_usd
from mcp_router.storage.blocks import DAY, FOREVER, HOUR, QUARTER, WIDTHS, cover
from mcp_router.storage.latency import percentile
from mcp_router.storage.periods import day_start, period_bounds, to_ms
from mcp_router.storage.queries import query
from mcp_router.storage.store import By, Period, Range
from mcp_router.types import StatRow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo

_DIMENSIONS = {"provider": "model", "day": "all"}
_HOURS = WIDTHS[1:]
_DAY, _NOTHING = timedelta(days=1), timedelta()
_EPOCH = date(1970, 1, 1)

MOST_TIMED_DAYS = 100
"""Longer lists of days carry no latencies."""

Sums = dict[str, tuple[int, ...]]
Histograms = dict[str, dict[int, float]]


class Span(NamedTuple):
    """The seconds from `start` up to `end`, on whole quarter hours; a day's label is its date."""

    label: str
    start: int
    end: int


class Question(NamedTuple):
    """What a report groups by, and the spans it covers: disjoint and in order."""

    by: By | str
    spans: Sequence[Span]


def span_of(period: Period | Range, *, now: datetime, zone: tzinfo) -> Span:
    """Find the seconds of a range, or of the day, week or month of `zone` that `now` lies in.

    Raises:
        InvalidRequestError: no period has this name.
    """
    if isinstance(period, Range):
        start = 0 if period.since is None else max(0, to_ms(period.since)) // 1000
        end = FOREVER if period.until is None else -(-to_ms(period.until) // 1000)
    elif period == "all":
        start, end = 0, FOREVER
    else:
        _check(period, field="period", allowed=get_args(Period))
        bounds = period_bounds(period, at=to_ms(now), zone=zone)
        start, end = bounds.start // 1000, bounds.end // 1000
    return Span("", start // QUARTER * QUARTER, -(-end // QUARTER) * QUARTER)


def read_stats(
    connection: sqlite3.Connection, *, by: By | str, span: Span, zone: tzinfo
) -> tuple[StatRow, ...]:
    """Sum a span up in groups: days in order, anything else by cost, dearest first.

    Sums are exact, over groups and over adjoining spans alike; latencies are estimates, of the
    whole hours nearest to the span. `by` may also be "all", for one row.

    Raises:
        InvalidRequestError: nothing can be grouped by this.
    """
    _check(by, field="by", allowed=(*get_args(By), "all"))
    spans = _days(connection, span=span, zone=zone) if by == "day" else (span,)
    question = Question(by, spans)
    # A year of days would read 200,000 bins of the histograms by the hour.
    timed = len(spans) <= MOST_TIMED_DAYS
    histograms = _histograms(connection, question=question) if timed else {}
    rows = [
        _row(group, sums=sums, latencies=histograms.get(group, {}))
        for group, sums in _sums(connection, question=question).items()
    ]
    if by == "day":
        return tuple(sorted(rows, key=lambda row: row.group))
    return tuple(sorted(rows, key=lambda row: (-row.cost_usd, -row.decisions, row.group)))


def _check(value: str, *, field: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        problem = f"{value!r} is not one of the reports"
        raise InvalidRequestError(field=field, problem=problem, hint=f"Use {', '.join(allowed)}.")


def _days(connection: sqlite3.Connection, *, span: Span, zone: tzinfo) -> list[Span]:
    # Only days that may hold a record: one stray date must not cost a century of empty days.
    rows = connection.execute(query("active_days"), {"from_s": span.start, "to_s": span.end})
    active = {_EPOCH + timedelta(days=start // DAY): start for (start,) in rows}
    # A day of any zone overlaps with at most the UTC days before, at and after its own date.
    near = {day + shift for day in active for shift in (-_DAY, _NOTHING, _DAY)}
    edges = {day: _edge(day, zone=zone) for day in near | {day + _DAY for day in near}}
    spans: list[Span] = []
    for day in sorted(near):
        start, end = edges[day], edges[day + _DAY]
        beside = (active.get(day + shift) for shift in (-_DAY, _NOTHING, _DAY))
        if any(utc is not None and start < utc + DAY and utc < end for utc in beside):
            spans.append(Span(day.isoformat(), max(start, span.start), min(end, span.end)))
    return [day for day in spans if day.start < day.end]


def _edge(day: date, *, zone: tzinfo) -> int:
    return day_start(day, zone=zone) // 1000 // QUARTER * QUARTER


def _sums(connection: sqlite3.Connection, *, question: Question) -> Sums:
    found: Sums = {}
    for group, values in _read(connection, name="stats", question=question, widths=WIDTHS):
        known = found.get(group)
        found[group] = tuple(map(sum, zip(known, values, strict=True))) if known else values
    return found


def _histograms(connection: sqlite3.Connection, *, question: Question) -> Histograms:
    hours = [Span(label, _hour(start), _hour(end)) for label, start, end in question.spans]
    rounded = Question(question.by, hours)
    found: Histograms = {}
    for group, (low, calls) in _read(connection, name="latencies", question=rounded, widths=_HOURS):
        histogram = found.setdefault(group, {})
        histogram[low] = histogram.get(low, 0.0) + calls
    return found


def _hour(second: int) -> int:
    return (second + HOUR // 2) // HOUR * HOUR


def _read(
    connection: sqlite3.Connection, *, name: str, question: Question, widths: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield (group, values) from the summaries, then from the rows not yet summed up."""
    by, spans = question
    if not spans:
        return
    dimension = _DIMENSIONS.get(by, by)
    blocks = [
        (span.label, *block)
        for span in spans
        for block in cover(span.start, span.end, widths=widths)
    ]
    summed = {"dimension": dimension, "spans": json.dumps(blocks)}
    for label, model, provider, *values in connection.execute(query(name), summed):
        yield _group(by, label=label, name=model, provider=provider), tuple(values)
    fresh = {"dimension": dimension, "from_s": spans[0].start, "to_s": spans[-1].end}
    starts = [span.start for span in spans]
    for start, model, provider, *values in connection.execute(query(f"{name}_fresh"), fresh):
        span = spans[bisect_right(starts, start) - 1]
        if start < span.end:
            yield _group(by, label=span.label, name=model, provider=provider), tuple(values)


def _group(by: str, *, label: str, name: str, provider: str) -> str:
    if by == "day":
        return label
    return provider if by == "provider" else name


def _row(group: str, *, sums: tuple[int, ...], latencies: dict[int, float]) -> StatRow:
    decisions, calls, ok, fallbacks, tokens_in, tokens_out, cost, estimated, baseline = sums
    return StatRow(
        group=group,
        decisions=decisions,
        calls=calls,
        ok=ok,
        fallbacks=fallbacks,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost_usd=to_usd(cost),
        estimated_cost_usd=to_usd(estimated),
        baseline_usd=to_usd(baseline),
        latency_p50_ms=percentile(latencies, share=0.50),
        latency_p95_ms=percentile(latencies, share=0.95),
    )
