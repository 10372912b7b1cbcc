"""Specifications of the charts of an evaluation: the front, and predictions beside outcomes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mcp_router.dashboard.charts import Size, frame
from mcp_router.dashboard.drawing import COLOURS, Spec
from mcp_router.dashboard.labels import Point, log_ticks, placed
from mcp_router.dashboard.model_charts import SIDES, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.evaluation.metrics import Bin
    from mcp_router.evaluation.trial import Trial

_TIP = {"field": "tip", "type": "nominal"}
_QUALITY = {"type": "quantitative", "title": None, "axis": {"format": ".2f", "tickCount": 5}}
# About what the axes take of a chart, with and without the room beside the points, and from which
# ratio on costs are drawn on a log scale.
_LEFT, _RIGHT, _BELOW = 65.0, 35.0, 60.0
_AXIS = 36.0
_WIDELY = 10.0
_OURS, _OTHER, _SINGLE = COLOURS[0], COLOURS[2], COLOURS[5]


def front(trial: Trial, *, size: Size) -> Spec:
    """Draw policies and single models by cost and quality, and the learner's front as a line."""
    policies = [_point(one.policy, one.cost, one.quality) for one in trial.lines]
    known = {(one.cost, one.quality) for one in trial.lines}
    single = [_point(name, *one) for name, one in trial.single.items() if tuple(one) not in known]
    line = [_point("learner", *one) for one in trial.front]
    x = _cost([*policies, *single, *line], narrow=size.narrow)
    y = {**_QUALITY, "field": "quality", "scale": {"zero": False, "nice": True}}
    both = {"x": x, "y": y}
    return {
        **frame(size),
        "layer": [
            {
                "data": {"values": line},
                "mark": {"type": "line", "color": _OURS, "strokeWidth": 2.2},
                "encoding": both,
            },
            _dots(single, both, colour=_SINGLE),
            _dots(policies[1:], both, colour=_OTHER),
            _dots(policies[:1], both, colour=_OURS),
            {
                "data": {"values": _sided(policies, single, size=size)},
                "encoding": both,
                "layer": [texts(side) for side in SIDES],
            },
        ],
    }


def reliability(bins: Sequence[Bin], *, size: Size) -> Spec:
    """Draw what was observed over what was predicted; on the diagonal they are the same."""
    rows = [
        {
            "predicted": one.predicted,
            "observed": one.observed,
            "size": one.size,
            "tip": f"{one.size:,} predictions of {one.predicted:.2f}: {one.observed:.2f} observed",
        }
        for one in bins
    ]
    whole = {"domain": [0, 1]}
    x = {**_QUALITY, "field": "predicted", "scale": whole, "title": "predicted"}
    y = {**_QUALITY, "field": "observed", "scale": whole, "title": "observed"}
    ends = [{"predicted": at, "observed": at} for at in (0, 1)]
    dash = {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1}
    area = {"field": "size", "type": "quantitative", "scale": {"range": [30, 320]}}
    dot = {"type": "point", "filled": True, "color": _OURS, "opacity": 1}
    return {
        **frame(size),
        "layer": [
            {"data": {"values": ends}, "mark": dash, "encoding": {"x": x, "y": y}},
            {
                "data": {"values": rows},
                "mark": dot,
                "encoding": {"x": x, "y": y, "size": area, "description": _TIP},
            },
        ],
    }


def _dots(rows: list[dict[str, Any]], both: Spec, *, colour: str) -> Spec:
    mark = {"type": "point", "filled": True, "size": 80, "color": colour, "opacity": 1}
    return {"data": {"values": rows}, "mark": mark, "encoding": {**both, "description": _TIP}}


def _sided(
    rows: list[dict[str, Any]], others: list[dict[str, Any]], *, size: Size
) -> list[dict[str, Any]]:
    """Give each row the side of its point that its name is written on."""
    every = [*rows, *others]
    logs = _spans_widely([row["usd"] for row in every])
    across = [math.log(row["usd"]) if logs else row["usd"] for row in every]
    down = [row["quality"] for row in every]
    room = size.width - _LEFT - _RIGHT
    points = [
        Point(
            _LEFT + room * _share(x, across),
            (size.height - _BELOW) * (1 - _share(y, down)),
            row.get("short", ""),
        )
        for x, y, row in zip(across, down, every, strict=True)
    ]
    sides = placed(points, width=size.width, left=_AXIS)
    return [{**row, "side": side} for row, side in zip(rows, sides, strict=False)]


def _share(value: float, among: Sequence[float]) -> float:
    low, high = min(among), max(among)
    return (value - low) / (high - low) if high > low else 0.5


def _spans_widely(costs: Sequence[float]) -> bool:
    low, high = min(costs), max(costs)
    return low > 0 and high / low >= _WIDELY


def _point(name: str, cost: float, quality: float) -> dict[str, Any]:
    tip = f"{name}: ${1000 * cost:.4g} per 1,000 requests, quality {quality:.3f}"
    short = name.replace("best single model", "best single")
    return {"name": name, "short": short, "usd": 1000 * cost, "quality": quality, "tip": tip}


def _cost(rows: Sequence[dict[str, Any]], *, narrow: bool) -> dict[str, Any]:
    costs = [row["usd"] for row in rows]
    x: dict[str, Any] = {
        "field": "usd",
        "type": "quantitative",
        "title": "$ per 1,000 requests",
        "scale": {"zero": False, "padding": 30},
        "axis": {"format": "$~g", "tickCount": 4 if narrow else 8},
    }
    if _spans_widely(costs):
        low, high = min(costs), max(costs)
        x["scale"] = {"type": "log", "nice": False, "padding": 30}
        ticks = log_ticks(low, high, most=4 if narrow else 7)
        x["axis"] = {"format": "$~g", "values": ticks}
        x["title"] = "$ per 1,000 requests, log scale"
    return x
