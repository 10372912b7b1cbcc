"""Reports over any span of time in any time zone, from the summary tables."""

from __future__ import annotations

import json
from bisect import bisect_right
from operator import add
from typing import TYPE_CHECKING, NamedTuple, get_args

from mcp_router.errors import InvalidRequestError
from mcp_router.money import to_usd
from mcp_router.storage.blocks import (
    DAY,
    FOREVER,
    HOUR,
    LONG,
    QUARTER,
    WIDTHS,
    Span,
    cover,
    nearest,
)
from mcp_router.storage.days import day_sums
from mcp_router.storage.latency import percentile
from mcp_router.storage.periods import period_bounds, to_ms
from mcp_router.storage.queries import query
from mcp_router.storage.store import By, Period, Range
from mcp_router.types import StatRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo

    from mcp_router.storage.database import Connection

_DIMENSIONS = {"provider": "model", "day": "all"}
_COLUMNS = {"provider": "block.provider", "day": "span.label"}
_HOURS = WIDTHS[1:]

MOST_TIMED_DAYS = 100
"""Longer lists of days carry no latencies."""

Sums = dict[str, tuple[int, ...]]
Histograms = dict[str, dict[int, float]]


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
    connection: Connection, *, by: By | str, span: Span, zone: tzinfo
) -> tuple[StatRow, ...]:
    """Sum a span up in groups: days in order, anything else by cost, dearest first.

    Sums are exact, over groups and over adjoining spans alike; latencies are estimates, of the
    whole hours nearest to the span, whole days where it is longer than a month. `by` may also be
    "all", for one row.

    Raises:
        InvalidRequestError: nothing can be grouped by this.
    """
    _check(by, field="by", allowed=(*get_args(By), "all"))
    if by == "day":
        days = day_sums(connection, span=span, zone=zone)
        question = Question(by, [day for day, _ in days])
        sums = {day.label: values for day, values in days}
    else:
        question = Question(by, (span,))
        sums = _sums(connection, question=question)
    # A year of days would read 200,000 bins of the histograms by the hour.
    timed = len(question.spans) <= MOST_TIMED_DAYS
    histograms = _histograms(connection, question=question) if timed else {}
    rows = [
        _row(group, sums=values, latencies=histograms.get(group)) for group, values in sums.items()
    ]
    if by == "day":
        return tuple(rows)
    return tuple(sorted(rows, key=lambda row: (-row.cost_usd, -row.decisions, row.group)))


def _check(value: str, *, field: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        problem = f"{value!r} is not one of the reports"
        raise InvalidRequestError(field=field, problem=problem, hint=f"Use {', '.join(allowed)}.")


def _sums(connection: Connection, *, question: Question) -> Sums:
    found: Sums = {}
    for group, values in _read(connection, name="stats", question=question, widths=WIDTHS):
        known = found.get(group)
        found[group] = tuple(map(add, known, values)) if known else values
    # Blocks that were added and taken away again may leave a group without anything in it.
    return {group: values for group, values in found.items() if any(values)}


def _histograms(connection: Connection, *, question: Question) -> Histograms:
    rounded = Question(question.by, [_rounded(span) for span in question.spans])
    found: Histograms = {}
    for group, (low, calls) in _read(connection, name="latencies", question=rounded, widths=_HOURS):
        histogram = found.setdefault(group, {})
        histogram[low] = histogram.get(low, 0.0) + calls
    return found


def _rounded(span: Span) -> Span:
    width = HOUR if span.end - span.start < LONG else DAY
    return Span(span.label, nearest(span.start, width=width), nearest(span.end, width=width))


def _read(
    connection: Connection, *, name: str, question: Question, widths: tuple[int, ...]
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
    # Sorting by one column takes half the time of sorting by the three.
    asked = query(name).replace("block.name", _COLUMNS.get(by, "block.name"))
    for group, *values in connection.execute(asked, summed):
        yield group, tuple(values)
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


def _row(group: str, *, sums: tuple[int, ...], latencies: Mapping[int, float] | None) -> StatRow:
    decisions, calls, ok, fallbacks, tokens_in, tokens_out, cost, estimated, baseline = sums
    # Any other way to make a value takes twice the time, which a year of days would show.
    row: StatRow = StatRow.__pydantic_validator__.validate_python(
        {
            "group": group,
            "decisions": decisions,
            "calls": calls,
            "ok": ok,
            "fallbacks": fallbacks,
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "cost_usd": to_usd(cost),
            "estimated_cost_usd": to_usd(estimated),
            "baseline_usd": to_usd(baseline),
            "latency_p50_ms": percentile(latencies, share=0.50) if latencies else None,
            "latency_p95_ms": percentile(latencies, share=0.95) if latencies else None,
        }
    )
    return row
