"""Specifications of the charts that compare models and tasks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.dashboard.charts import OTHERS, Size, frame
from mcp_router.dashboard.drawing import COLOURS, Spec
from mcp_router.dashboard.labels import Point, log_ticks, placed, shortened
from mcp_router.money import to_usd
from mcp_router.reporting.text import counted, duration, interval, percent, spoken, usd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from mcp_router.reporting.values import ModelRecord
    from mcp_router.types import StatRow

MOST_ROWS = 8
MOST_MODELS = 10
LEAST_CALLS = 10
LEAST_JUDGED = 10
_STEP = 30
_TIP = {"field": "tip", "type": "nominal"}
_NAMES = {
    "field": "short",
    "type": "nominal",
    "sort": None,
    "title": None,
    "axis": {"grid": False, "labelColor": "var(--ink)"},
}


class Bar(NamedTuple):
    """One bar: its name, its length and what is written at its end and shown on touching it."""

    name: str
    value: float
    label: str
    tip: str


def cost_bars(rows: Sequence[StatRow], *, advice_only: bool) -> tuple[Bar, ...]:
    """Return the dearest groups, and the rest as one."""
    named = [(spoken(row.group), _cost(row, advice_only=advice_only), row) for row in rows]
    ranked = sorted((one for one in named if one[1]), key=lambda one: -one[1])
    kept = ranked if len(ranked) <= MOST_ROWS else ranked[: MOST_ROWS - 1]
    bars = [
        Bar(name, float(cost), usd(cost), f"{name}: {usd(cost)}, {_counts(row)}")
        for name, cost, row in kept
    ]
    if len(kept) < len(ranked):
        rest = sum((cost for _, cost, _ in ranked[len(kept) :]), start=to_usd(0))
        name = f"{len(ranked) - len(kept)} {OTHERS}"
        bars.append(Bar(name, float(rest), usd(rest), f"{name}: {usd(rest)}"))
    return tuple(bars)


def bars(rows: Sequence[Bar], *, size: Size) -> Spec:
    """Draw bars with their amounts, in the order given."""
    bar = {"type": "bar", "color": COLOURS[0], "height": {"band": 0.62}}
    label = {"type": "text", "align": "left", "dx": 5}
    # Room for the amounts behind the longest bar.
    widest = max((row.value for row in rows), default=1.0) * (1.5 if size.narrow else 1.28)
    scale = {"domain": [0, widest]}
    x = {"field": "value", "type": "quantitative", "title": None, "axis": None, "scale": scale}
    values = [row._asdict() for row in rows]
    return {
        **frame(size._replace(height=_STEP * max(1, len(rows)) + 8)),
        "data": {"values": _named(values, size=size)},
        "encoding": {"y": _NAMES, "x": x, "description": _TIP},
        "layer": [{"mark": bar}, {"mark": label, "encoding": {"text": {"field": "label"}}}],
    }


def shown(records: Sequence[ModelRecord]) -> tuple[ModelRecord, ...]:
    """Choose the models called most, at most ten, without those of few calls if others remain."""
    often = [one for one in records if one.calls >= LEAST_CALLS] or list(records)
    return tuple(sorted(often, key=lambda one: -one.calls)[:MOST_MODELS])


def latencies(records: Sequence[ModelRecord], *, size: Size) -> Spec:
    """Draw the span from the median to the 95th percentile of each model, on a log scale."""
    rows: list[dict[str, Any]] = [
        {
            "name": one.model,
            "p50": max(1, one.latency_p50_ms),
            "p95": max(1, one.latency_p95_ms),
            "tip": f"{one.model}: half within {duration(one.latency_p50_ms)}, "
            f"95 of 100 within {duration(one.latency_p95_ms)}",
        }
        for one in sorted(records, key=lambda one: one.latency_p50_ms or 0)
        if one.latency_p50_ms is not None and one.latency_p95_ms is not None
    ]
    ends = [row["p50"] for row in rows] + [row["p95"] for row in rows] or [1]
    axis = {
        "labelExpr": _TIME,
        "values": log_ticks(min(ends), max(ends), most=4 if size.narrow else 7),
    }
    x = {
        "field": "p50",
        "type": "quantitative",
        "title": None,
        "scale": {**_LOG, "padding": 10},
        "axis": axis,
    }
    return _spans(rows, x=x, end="p95", size=size, marker="p50")


def reliability(records: Sequence[ModelRecord], *, size: Size) -> Spec:
    """Draw the share of calls that gave an answer, with its interval."""
    rows = [
        {
            "name": one.model,
            "low": one.success.low,
            "high": one.success.high,
            "value": one.success.value,
            "tip": f"{one.model}: {interval(one.success)} of {counted(one.success.of, 'call')}, "
            f"fallback in {percent(one.fallback_rate)}",
        }
        for one in sorted(records, key=lambda one: -(one.success.value or 0))
        if one.success.of
    ]
    axis = {"format": ".0%", "tickCount": 4}
    scale = {"zero": False, "nice": True}
    x = {"field": "low", "type": "quantitative", "title": None, "scale": scale, "axis": axis}
    return _spans(rows, x=x, end="high", size=size, marker="value")


def quality_and_cost(records: Sequence[ModelRecord], *, size: Size) -> Spec:
    """Set the quality of each model against what a call costs; hollow is what is expected only."""
    rows = _labelled([row for row in map(_quality, records) if row is not None], size=size)
    prices = [row["usd"] for row in rows] or [1.0]
    ticks = log_ticks(min(prices), max(prices), most=4 if size.narrow else 6)
    axis = {"values": ticks, "labelExpr": _MONEY}
    x = {
        "field": "usd",
        "type": "quantitative",
        "title": "cost of a call, log scale",
        "scale": {**_LOG, "padding": 24},
        "axis": axis,
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False, "nice": True},
        "axis": {"format": ".0%", "tickCount": 5},
    }
    points = {"type": "point", "size": 90, "strokeWidth": 2, "color": COLOURS[0], "opacity": 1}
    spread = {"type": "rule", "color": COLOURS[0], "opacity": 0.35, "strokeWidth": 2}
    known = {"condition": {"test": "datum.known", "value": COLOURS[0]}, "value": "var(--card)"}
    return {
        **frame(size),
        "data": {"values": rows},
        "encoding": {"x": x, "y": y, "description": _TIP},
        "layer": [
            {"mark": spread, "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}}},
            {"mark": points, "encoding": {"fill": known}},
            *map(texts, SIDES),
        ],
    }


_LOG = {"type": "log", "nice": False}
_TIME = (
    "datum.value < 1000 ? datum.value + ' ms' : datum.value < 300000 ? "
    "datum.value / 1000 + ' s' : format(datum.value / 60000, '.1~f') + ' min'"
)
_MONEY = "'$' + format(datum.value, '~r')"
SIDES = {
    "right": ("left", 9, 0),
    "left": ("right", -9, 0),
    "above": ("center", 0, -13),
    "below": ("center", 0, 16),
    "over": ("right", 6, -13),
    "under": ("right", 6, 16),
    "over it": ("left", -6, -13),
    "under it": ("left", -6, 16),
}


def texts(side: str) -> Spec:
    """Write the `short` name of the rows whose `side` of the point is this one."""
    align, dx, dy = SIDES[side]
    return {
        "transform": [{"filter": f"datum.side == '{side}'"}],
        "mark": {"type": "text", "align": align, "dx": dx, "dy": dy, "fontSize": 11.5},
        "encoding": {"text": {"field": "short"}},
    }


def _spans(rows: Sequence[dict[str, Any]], *, x: Spec, end: str, size: Size, marker: str) -> Spec:
    span = {
        "type": "rule",
        "strokeWidth": 6,
        "color": COLOURS[0],
        "opacity": 0.35,
        "strokeCap": "round",
    }
    dot = {"type": "point", "filled": True, "size": 80, "color": COLOURS[0], "opacity": 1}
    return {
        **frame(size._replace(height=_STEP * max(1, len(rows)) + 30)),
        "data": {"values": _named(rows, size=size)},
        "encoding": {"y": _NAMES, "description": _TIP},
        "layer": [
            {"mark": span, "encoding": {"x": x, "x2": {"field": end}}},
            {"mark": dot, "encoding": {"x": {**x, "field": marker}}},
        ],
    }


def _quality(one: ModelRecord) -> dict[str, Any] | None:
    if not one.cost_per_call_usd:
        return None
    known = one.quality.of >= LEAST_JUDGED
    value = one.quality.value if known else one.prior_quality
    if value is None:
        return None
    judged = counted(one.quality.of, "judgement")
    said = (
        f"{interval(one.quality)} of {judged}" if known else f"{percent(value)} expected, {judged}"
    )
    return {
        "name": one.model,
        "usd": float(one.cost_per_call_usd),
        "value": value,
        "low": one.quality.low if known else value,
        "high": one.quality.high if known else value,
        "known": known,
        "calls": one.calls,
        "tip": f"{one.model}: {said}, {usd(one.cost_per_call_usd)} a call",
    }


def _named(rows: Sequence[dict[str, Any]], *, size: Size) -> list[dict[str, Any]]:
    """Give each row a name that is short, and its own even where two are shortened alike."""
    letters, taken = (15 if size.narrow else 22), set[str]()
    named: list[dict[str, Any]] = []
    for row in rows:
        short = shortened(row["name"], letters=letters)
        while short in taken:
            short += "'"
        taken.add(short)
        named.append({**row, "short": short})
    return named


def _labelled(rows: list[dict[str, Any]], *, size: Size) -> list[dict[str, Any]]:
    """Give each row the side of its point that its name is written on, most called first."""
    ranked = sorted(_named(rows, size=size), key=lambda row: -row["calls"])
    across = [math.log(row["usd"]) for row in ranked]
    down = [row["value"] for row in ranked]
    bottom = min((row["low"] for row in ranked), default=0.0)
    top = max((row["high"] for row in ranked), default=1.0)
    points = [
        Point(
            _scaled(x, low=min(across), high=max(across), room=size.width - 90) + 24,
            size.height - 60 - _scaled(y, low=bottom, high=top, room=size.height - 60),
            row["short"],
        )
        for x, y, row in zip(across, down, ranked, strict=True)
    ]
    sides = placed(points, width=size.width - 45)
    return [{**row, "side": side} for row, side in zip(ranked, sides, strict=True)]


def _scaled(value: float, *, low: float, high: float, room: float) -> float:
    return room * (value - low) / (high - low) if high > low else room / 2


def _cost(row: StatRow, *, advice_only: bool) -> Decimal:
    return row.estimated_cost_usd if advice_only else row.cost_usd


def _counts(row: StatRow) -> str:
    return counted(row.calls, "call") if row.calls else counted(row.decisions, "decision")
