"""The list of decisions says of each what was chosen, what came of it and why."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mcp_router.dashboard.log import decisions_section
from mcp_router.reporting.values import LogEntry, Report
from tests.dashboard.reading import Piece

LATE = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


def entry(**more: Any) -> LogEntry:
    known: dict[str, Any] = {
        "decision_id": "dec_1",
        "created_at": LATE,
        "model": "small",
        "provider": "maker",
        "task_type": "code_review",
        "complexity": "medium",
        "strategy": "cost_first",
        "project": "",
        "confidence": 0.5,
        "estimated_usd": Decimal("0.01"),
        "cost_usd": Decimal("0.02"),
        "answered": True,
        "answered_by": "small",
        "attempts": 1,
        "latency_ms": 1_500,
        "reason": "Cheapest of the good ones.",
        "reasons": ("First.", "Second."),
        "fallbacks": ("other",),
    }
    return LogEntry.model_validate(known | more)


def shown(report: Report, *entries: LogEntry, timezone: str = "UTC") -> Piece:
    update = {"decisions": entries, "timezone": timezone}
    return Piece(decisions_section(report.model_copy(update=update)))


@pytest.mark.parametrize(
    ("more", "model", "cost", "outcome"),
    [
        ({}, "small maker", "$0.02", "answered 1.5 s"),
        ({"attempts": 2}, "small maker", "$0.02", "fallback 1.5 s 2 attempts"),
        (
            {"attempts": 3, "answered_by": "other"},
            "other for small",
            "$0.02",
            "fallback 1.5 s 3 attempts",
        ),
        ({"answered": False, "attempts": 2}, "small maker", "$0.02", "failed 2 attempts"),
        (
            {"answered": None, "answered_by": None, "cost_usd": None, "attempts": 0},
            "small maker",
            "$0.01 expected",
            "advice",
        ),
        (
            {
                "answered": None,
                "answered_by": None,
                "cost_usd": None,
                "estimated_usd": None,
                "attempts": 0,
            },
            "small maker",
            "unknown expected",
            "advice",
        ),
        (
            {"answered": None, "answered_by": None, "cost_usd": None},
            "small maker",
            "$0.01 expected",
            "given up",
        ),
    ],
)
def test_a_row_says_what_came_of_it(
    more: dict[str, Any], model: str, cost: str, outcome: str, empty: Report
) -> None:
    (row,) = shown(empty, entry(**more)).rows()
    assert (row["Model"], row["Cost"], row["Outcome"]) == (model, cost, outcome)


def test_why_holds_every_reason_strategy_and_fallback(empty: Report) -> None:
    (row,) = shown(empty, entry()).rows()
    for said in (
        "Cheapest of the good ones.",
        "First.",
        "Second.",
        "Strategy cost first, confidence 0.50.",
        "Fallbacks: other.",
        "dec_1",
    ):
        assert said in row["Why"]
    assert "Fallbacks" not in shown(empty, entry(fallbacks=())).rows()[0]["Why"]


def test_times_are_of_the_zone_of_the_budget(empty: Report) -> None:
    (row,) = shown(empty, entry(), timezone="Europe/Berlin").rows()
    assert row["When"] == "21 Nov 00:30"


def test_the_project_stands_beside_the_task(empty: Report) -> None:
    assert shown(empty, entry()).rows()[0]["Task"] == "code review, medium"
    (row,) = shown(empty, entry(project="site")).rows()
    assert row["Task"] == "code review, medium · site"


def test_there_is_a_search_only_where_there_is_something_to_find(empty: Report) -> None:
    assert "1 decision" in shown(empty, entry()).text
    none = shown(empty)
    assert none.tables == []
    assert none.text == "Latest decisions No decision is recorded yet."
