"""Specifications of the charts over time: spending by model, and what is left of the budget."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.dashboard.drawing import COLOURS, Spec
from mcp_router.dashboard.labels import some
from mcp_router.money import to_nanos
from mcp_router.reporting.text import day, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_router.reporting.values import Forecast, Report

OTHERS = "others"
# Cents are nothing where a day costs less than one: small amounts have two digits that count.
_SAID = (
    "datum.value != 0 && abs(datum.value) < 0.1 "
    "? format(datum.value, '$.2~r') : format(datum.value, '$,.2~f')"
)
_DOLLARS = {"labelExpr": _SAID, "tickCount": 5}
AMOUNT = {"type": "quantitative", "title": None, "axis": _DOLLARS}
_DAYS = {
    "field": "day",
    "type": "temporal",
    "scale": {"type": "utc"},
    "title": None,
    "axis": {"grid": False, "format": "%-d %b", "labelOverlap": True},
}


class Size(NamedTuple):
    """The room of a chart in CSS pixels; a `narrow` one is for phones."""

    width: int
    height: int
    narrow: bool = False


def spending(report: Report, *, size: Size) -> Spec:
    """Stack what the dearest models cost on each day; `spending_key` names the colours."""
    shown = _dearest(report)
    days = [_short(one.group) for one in report.days]
    ticks = some(days, most=5 if size.narrow else 12)
    axis = {"grid": False, "values": ticks, "labelAngle": 0}
    colours = {"domain": list(range(len(COLOURS))), "range": list(COLOURS)}
    return {
        **frame(size),
        "data": {"values": list(_by_day(report, shown=shown))},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {
                "field": "day",
                "type": "ordinal",
                "title": None,
                "axis": axis,
                "scale": {"domain": days, "paddingInner": 0.2, "paddingOuter": 0.1},
            },
            "y": {**AMOUNT, "field": "usd"},
            "color": {"field": "place", "type": "ordinal", "scale": colours},
            "order": {"field": "place", "type": "quantitative"},
            "description": {"field": "tip", "type": "nominal"},
        },
    }


def spending_key(report: Report) -> tuple[str, ...]:
    """Name the models of the chart in the order of the colours; the last may be "others"."""
    shown = _dearest(report)
    all_models = {one.model for one in report.day_models}
    return (*shown, OTHERS) if len(all_models) > len(shown) else tuple(shown)


def budget_left(forecast: Forecast, *, size: Size) -> Spec:
    """Draw the budget as it is used up and is expected to be; without a limit, what is spent."""
    field = "spent" if forecast.limit_usd is None else "left"
    past, coming = list(_past(forecast)), list(_coming(forecast))
    layers = [
        {"data": {"values": coming}, **_band(field)},
        {"data": {"values": coming}, **_line(field, strokeDash=[5, 4])},
        {"data": {"values": past}, **_line(field)},
        {"data": {"values": [*past, *coming[1:]]}, **_touched(field)},
    ]
    if forecast.limit_usd is not None:
        rule = {"type": "rule", "color": "var(--bad)", "strokeWidth": 1.5}
        zero = {"y": {**AMOUNT, "field": field}}
        layers.append({"data": {"values": [{field: 0}]}, "mark": rule, "encoding": zero})
    return {**frame(size), "layer": layers}


def _band(field: str) -> Spec:
    low, high = {**AMOUNT, "field": f"{field}_low"}, {"field": f"{field}_high"}
    area = {"type": "area", "color": COLOURS[0], "opacity": 0.18}
    return {"mark": area, "encoding": {"x": _DAYS, "y": low, "y2": high}}


def _line(field: str, **style: object) -> Spec:
    line = {"type": "line", "color": COLOURS[0], "strokeWidth": 2.2, **style}
    return {"mark": line, "encoding": {"x": _DAYS, "y": {**AMOUNT, "field": field}}}


def _touched(field: str) -> Spec:
    """Lay points that cannot be seen over the lines, to say the figures of each day."""
    point = {"type": "point", "filled": True, "size": 160, "opacity": 0}
    tip = {"field": "tip", "type": "nominal"}
    y = {**AMOUNT, "field": field}
    return {"mark": point, "encoding": {"x": _DAYS, "y": y, "description": tip}}


def frame(size: Size) -> Spec:
    """Return what makes a chart exactly as wide and high as its room."""
    fit = {"type": "fit", "contains": "padding"}
    return {"width": size.width, "height": size.height, "autosize": fit}


def _dearest(report: Report) -> list[str]:
    totals: Counter[str] = Counter()
    for one in report.day_models:
        totals[one.model] += to_nanos(one.cost_usd)
    ranked = [model for model, _ in totals.most_common()]
    # One model more than colours becomes two in "others".
    return ranked if len(ranked) <= len(COLOURS) else ranked[: len(COLOURS) - 1]


def _by_day(report: Report, *, shown: list[str]) -> Iterator[dict[str, Any]]:
    others: dict[date, Decimal] = {}
    for one in report.day_models:
        if one.model in shown:
            place = shown.index(one.model)
            yield _piece(one.day, name=one.model, cost=one.cost_usd, place=place)
        else:
            others[one.day] = others.get(one.day, Decimal(0)) + one.cost_usd
    for at, cost in others.items():
        yield _piece(at, name="all other models", cost=cost, place=len(shown))


def _piece(at: date, *, name: str, cost: Decimal, place: int) -> dict[str, Any]:
    tip = f"{day(at)}: {name}, {usd(cost)}"
    return {"day": _short(at.isoformat()), "usd": float(cost), "tip": tip, "place": place}


def _short(iso: str) -> str:
    at = date.fromisoformat(iso)
    return f"{at.day} {at:%b}"


def _past(forecast: Forecast) -> Iterator[dict[str, Any]]:
    spent = Decimal(0)
    for one in forecast.spent_days:
        spent += one.cost_usd
        left = None if forecast.limit_usd is None else forecast.limit_usd - spent
        said = f"{usd(spent)} spent" if left is None else f"{usd(left)} left"
        yield {
            "day": one.day.isoformat(),
            "spent": float(spent),
            "left": None if left is None else float(left),
            "tip": f"{day(one.day)}: {said} ({usd(one.cost_usd)} on this day)",
        }


def _coming(forecast: Forecast) -> Iterator[dict[str, Any]]:
    limit = forecast.limit_usd or Decimal(0)
    for one in forecast.days:
        amounts = (one.expected_usd, one.low_usd, one.high_usd)
        said = [
            usd(limit - amount if forecast.limit_usd is not None else amount) for amount in amounts
        ]
        kind = "left" if forecast.limit_usd is not None else "spent"
        row: dict[str, Any] = {
            "day": one.day.isoformat(),
            "tip": f"{day(one.day)}: {said[0]} {kind} expected ({said[1]} to {said[2]})",
        }
        for name, amount in zip(("", "_low", "_high"), amounts, strict=True):
            row[f"spent{name}"] = float(amount)
            row[f"left{name}"] = float(limit - amount)
        yield row
