"""The first figures of the page and its sections on money say what the report holds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.dashboard.overview import (
    budget_section,
    cost_section,
    forecast_sentence,
    spending_section,
    tiles,
)
from mcp_router.reporting.text import usd
from mcp_router.reporting.values import Forecast, Report, Savings
from tests.dashboard.reading import Piece

NOVEMBER = date(2026, 11, 1)


def forecast(**more: Any) -> Forecast:
    known = {
        "month": NOVEMBER,
        "spent_usd": Decimal(20),
        "limit_usd": Decimal(60),
        "expected_usd": Decimal(40),
        "low_usd": Decimal(35),
        "high_usd": Decimal(50),
        "over_limit": 0.02,
        "history_days": 30,
    }
    return Forecast.model_validate(known | more)


def with_forecast(report: Report, **more: Any) -> Report:
    return report.model_copy(update={"forecast": forecast(**more)})


def test_the_first_figures_are_those_of_the_report(report: Report) -> None:
    piece = Piece(tiles(report))
    for said in (
        f"Spent {usd(report.totals.cost_usd)}",
        f"{report.totals.calls:,} calls",
        f"Saved, net {usd(report.savings.saved_usd)}",
        f"than always {report.savings.baseline}",
        f"{report.totals.fallbacks:,} fallbacks",
    ):
        assert said in piece.text


@pytest.mark.parametrize(
    ("more", "note", "tone"),
    [
        ({}, "of $60.00, $40.00 expected", ""),
        ({"over_limit": 0.5}, "of $60.00, $40.00 expected", "warn"),
        ({"spent_usd": Decimal(60)}, "of $60.00", "bad"),
        ({"spent_usd": Decimal(99)}, "of $60.00", "bad"),
        ({"limit_usd": Decimal(0)}, "of $0", "bad"),
        ({"expected_usd": None, "over_limit": None, "reason": "too little"}, "of $60.00", ""),
        ({"limit_usd": None}, "$40.00 expected, no limit set", ""),
        ({"limit_usd": None, "expected_usd": None}, "no forecast yet, no limit set", ""),
    ],
)
def test_the_month_warns_when_its_limit_is_near(
    more: dict[str, Any], note: str, tone: str, report: Report
) -> None:
    piece = Piece(tiles(with_forecast(report, **more)))
    assert note in piece.text
    tones = {"warn", "bad"} & {*piece.classes}
    assert tones == ({tone} if tone else set())


@pytest.mark.parametrize(
    ("saved", "baseline", "said", "tone"),
    [
        (Decimal(75), Decimal(100), "$75.00 75 % less than always big", "good"),
        (Decimal(-5), Decimal(20), "-$5.00 more than always big", "bad"),
        (Decimal(0), Decimal(0), "$0 0 % less than always big", "bad"),
    ],
)
def test_losses_are_not_dressed_up_as_savings(
    saved: Decimal, baseline: Decimal, said: str, tone: str, report: Report
) -> None:
    one = Savings(baseline="big", baseline_usd=baseline, saved_usd=saved)
    piece = Piece(tiles(report.model_copy(update={"savings": one})))
    assert f"Saved, net {said}" in piece.text
    assert tone in piece.classes


def test_unknown_savings_are_not_zero(report: Report) -> None:
    one = Savings(reason="no decision was compared with a baseline")
    piece = Piece(tiles(report.model_copy(update={"savings": one})))
    assert "Saved, net not known no decision was compared with a baseline" in piece.text


def test_advice_alone_shows_what_is_expected_and_no_calls(empty: Report) -> None:
    piece = Piece(tiles(empty))
    assert "Expected cost $0 0 decisions" in piece.text
    assert "Expected to save" in piece.text
    for absent in ("Answered", "Median answer", "This month"):
        assert absent not in piece.text
    assert "expected costs of its advice" in Piece(spending_section(empty)).text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "November is expected to end at $40.00 ($35.00 to $50.00), from 30 days of history."),
        ({"weekday_pattern": True}, "from 30 days of history and its weekdays."),
        ({"reason": "3 days are too few"}, "$20.00 spent so far. No forecast: 3 days are too few."),
        ({}, "The chance to pass the limit of $60.00 is 2 %."),
        ({"spent_usd": Decimal(60)}, "The limit of $60.00 is reached."),
        (
            {"over_limit": 0.9, "limit_reached_on": date(2026, 11, 27)},
            "The chance to pass the limit of $60.00 is 90 %, likely on Fri 27 Nov.",
        ),
    ],
)
def test_the_forecast_is_one_plain_sentence(more: dict[str, Any], said: str) -> None:
    assert said in forecast_sentence(forecast(**more))


def test_without_a_limit_no_chance_is_told() -> None:
    assert "chance" not in forecast_sentence(forecast(limit_usd=None))


def test_each_budget_has_a_row(report: Report) -> None:
    rows = Piece(budget_section(report)).rows()
    assert [row["Budget"] for row in rows] == [one.name for one in report.budgets]
    for row, one in zip(rows, report.budgets, strict=True):
        assert row["Spent"] == usd(one.spent_usd)
        assert row["Limit"] == ("none" if one.limit_usd is None else usd(one.limit_usd))
        assert (row["Left"] == "") == (one.left_usd is None)


def test_the_figures_by_day_add_up_to_the_whole(report: Report) -> None:
    rows = Piece(spending_section(report)).rows()
    assert sum(int(row["Calls"].replace(",", "")) for row in rows) == report.totals.calls
    shown = [one for one in report.days if one.calls or one.decisions]
    assert [row["Cost"] for row in rows] == [usd(one.cost_usd) for one in shown]


def test_every_group_is_in_the_table_however_few_the_bars(report: Report) -> None:
    piece = Piece(cost_section("Cost by model", report.by_model, report=report))
    assert f"All {len(report.by_model)}" in piece.text
    rows = piece.rows()
    assert [row["Model"] for row in rows] == [one.group for one in report.by_model]
    assert [row["Cost"] for row in rows] == [usd(one.cost_usd) for one in report.by_model]


def test_nothing_is_said_to_be_nothing(empty: Report) -> None:
    assert "Nothing recorded yet." in Piece(cost_section("Cost by task", (), report=empty)).text


@given(
    spent=st.decimals(0, 1000, places=2),
    limit=st.none() | st.decimals(0, 1000, places=2),
    over=st.none() | st.floats(0, 1),
    reason=st.sampled_from(["", "too few days"]),
)
def test_any_forecast_makes_a_whole_sentence(
    spent: Decimal, limit: Decimal | None, over: float | None, reason: str
) -> None:
    said = forecast_sentence(
        forecast(spent_usd=spent, limit_usd=limit, over_limit=over, reason=reason)
    )
    assert said.endswith(".")
    assert "None" not in said
    assert "nan" not in said
