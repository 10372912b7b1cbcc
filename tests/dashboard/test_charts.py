"""Charts are well-formed, show what they should, and take any text as text."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from mcp_router.dashboard import charts, model_charts
from mcp_router.dashboard.charts import Size
from mcp_router.dashboard.drawing import ChartsMissingError, Spec, draw
from mcp_router.reporting.values import Report

SIZE = Size(500, 260)
NARROW = Size(318, 260, narrow=True)
Make = Callable[[Report, Size], Spec]
CHARTS: dict[str, Make] = {
    "spending": lambda report, size: charts.spending(report, size=size),
    "budget": lambda report, size: charts.budget_left(report.forecast, size=size),
    "bars": lambda report, size: model_charts.bars(
        model_charts.cost_bars(report.by_model, advice_only=False), size=size
    ),
    "latencies": lambda report, size: model_charts.latencies(report.records, size=size),
    "reliability": lambda report, size: model_charts.reliability(report.records, size=size),
    "quality": lambda report, size: model_charts.quality_and_cost(report.records, size=size),
}


def marks(svg: str) -> list[str]:
    """What is said of each mark."""
    root = ElementTree.fromstring(svg)
    symbols = [one for one in root.iter() if one.get("role") == "graphics-symbol"]
    return [said for one in symbols if (said := one.get("aria-label")) is not None]


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("size", [SIZE, NARROW], ids=["wide", "narrow"])
def test_a_chart_is_well_formed_and_has_its_width(name: str, size: Size, report: Report) -> None:
    root = ElementTree.fromstring(draw(CHARTS[name](report, size)))
    assert abs(float(root.get("width") or 0) - size.width) <= 10


@pytest.mark.parametrize("name", CHARTS)
def test_hostile_names_stay_text(name: str, hostile: Report) -> None:
    svg = draw(CHARTS[name](hostile, SIZE))
    tags = {one.tag.rpartition("}")[2] for one in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "path", "line", "text"}
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', svg))
    assert "\u202e" not in svg


@pytest.mark.parametrize("name", CHARTS)
def test_charts_can_stand_side_by_side(name: str, report: Report) -> None:
    # An id used twice on a page would make one chart point into another.
    svg = draw(CHARTS[name](report, SIZE))
    assert " id=" not in svg
    assert "style=" not in svg
    assert "<style" not in svg


@pytest.mark.parametrize("name", CHARTS)
def test_an_empty_report_draws_empty_charts(name: str, empty: Report) -> None:
    assert draw(CHARTS[name](empty, SIZE)).startswith("<svg")


def test_each_day_and_model_says_what_it_cost(report: Report) -> None:
    said = marks(draw(charts.spending(report, size=SIZE)))
    assert all(re.match(r"\w{3} \d+ \w{3}: .+, \$[\d.,]+$", one) for one in said)
    assert len(said) <= len(report.day_models)


@pytest.mark.parametrize(
    ("dollars", "ticks"),
    [(0.0117, {"$0", "$0.002", "$0.01"}), (1234.5, {"$0", "$200", "$1,000"})],
)
def test_every_amount_on_an_axis_is_another(dollars: float, ticks: set[str]) -> None:
    spec: Spec = {
        "width": 500,
        "height": 260,
        "data": {"values": [{"usd": dollars}]},
        "mark": "bar",
        "encoding": {"y": {**charts.AMOUNT, "field": "usd"}},
    }
    said = [one.text for one in ElementTree.fromstring(draw(spec)).iter() if one.text]
    written = [text for text in said if text.startswith("$")]
    assert len(set(written)) == len(written)
    assert ticks <= set(written)


def test_the_burn_down_begins_at_the_limit_and_names_the_range(report: Report) -> None:
    said = marks(draw(charts.budget_left(report.forecast, size=SIZE)))
    assert any(one.startswith("Sun 1 Nov: $") and " left (" in one for one in said)
    assert any(re.match(r"Mon 30 Nov: -?\$\S+ left expected \(", one) for one in said)


def test_without_a_limit_it_shows_what_is_spent(report: Report) -> None:
    unlimited = report.forecast.model_copy(update={"limit_usd": None})
    said = marks(draw(charts.budget_left(unlimited, size=SIZE)))
    assert any(" spent (" in one for one in said)
    assert not any(" left" in one for one in said)


def test_many_groups_become_eight_bars_with_the_same_sum(report: Report) -> None:
    drawn = model_charts.cost_bars(report.by_model, advice_only=False)
    assert len(drawn) == model_charts.MOST_ROWS
    assert sum(bar.value for bar in drawn) == pytest.approx(float(report.totals.cost_usd))
    assert drawn[-1].name.endswith("others")


def test_names_shortened_alike_are_told_apart(report: Report) -> None:
    one = report.records[0]
    twins = [
        one.model_copy(update={"model": f"a-very-long-name-{middle}-of-one-model"})
        for middle in ("first", "other")
    ]
    svg = draw(model_charts.latencies(twins, size=NARROW))
    assert len(marks(svg)) == 4
    assert svg.count(">a-very-…e-model<") == svg.count(">a-very-…e-model'<") == 1


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ChartsMissingError, match=r"mcp-model-router\[report\]"):
        draw({"mark": "bar", "title": "not drawn before"})
