"""The sections on models tell rates with their intervals, and never more than is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mcp_router.dashboard.performance import (
    advice_section,
    latency_section,
    quality_section,
    reliability_section,
    savings_section,
    usd_back,
)
from mcp_router.reporting.values import (
    Downgrade,
    Downgrades,
    Failure,
    ModelRecord,
    Rate,
    Report,
    SavedPart,
    Savings,
    ThinEvidence,
)
from tests.dashboard.reading import Piece

KNOWN = Rate(value=0.9, low=0.8, high=0.95, of=40)
KIND = {"task_type": "code_review", "complexity": "medium", "model": "big", "cheaper": "small"}


def record(**more: Any) -> ModelRecord:
    known: dict[str, Any] = {
        "model": "small",
        "calls": 40,
        "success": KNOWN,
        "fallbacks": 2,
        "fallback_rate": 0.05,
        "quality": KNOWN,
        "prior_quality": 0.7,
        "cost_per_call_usd": Decimal("0.01"),
        "cost_usd": Decimal("0.4"),
        "latency_p50_ms": 800,
        "latency_p95_ms": 65_000,
    }
    return ModelRecord.model_validate(known | more)


def test_latencies_are_told_in_their_units() -> None:
    unmeasured = record(model="new", latency_p50_ms=None, latency_p95_ms=None)
    rows = Piece(latency_section([record(), unmeasured])).rows()
    assert rows[0] == {"Model": "small", "Median": "800 ms", "95th percentile": "1 min 5 s"}
    assert rows[1]["Model"] == "new"
    assert rows[1]["Median"] == rows[1]["95th percentile"] != "0 ms"


def test_reliability_tells_the_interval_and_the_fallbacks(report: Report) -> None:
    failures = (Failure(model="small", failure="rate_limit", times=1_200),)
    update = {"records": (record(),), "failures": failures}
    piece = Piece(reliability_section(report.model_copy(update=update)))
    (row,) = piece.rows()
    assert row["Calls"] == "40"
    assert "90" in row["Answered"]
    assert row["Fallbacks"].startswith("2 (5")
    assert piece.rows(1) == [{"Model": "small", "Failure": "rate limit", "Times": "1,200"}]


def test_of_a_model_whose_every_call_was_given_up_no_reliability_is_told(report: Report) -> None:
    left = record(model="left", success=Rate())
    update = {"records": (record(), left), "failures": ()}
    piece = Piece(reliability_section(report.model_copy(update=update)))
    assert [row["Answered"] for row in piece.rows()] == ["90.0 % (80.0 to 95.0)", "unknown"]


def test_without_failures_there_is_no_table_of_them(report: Report) -> None:
    update = {"records": (record(),), "failures": ()}
    piece = Piece(reliability_section(report.model_copy(update=update)))
    assert len(piece.tables) == 1
    assert "Why calls gave no answer" not in piece.text


def test_quality_is_what_was_judged_and_the_expected_stands_beside_it() -> None:
    unjudged = record(model="new", quality=Rate(), prior_quality=None, cost_per_call_usd=None)
    first, second = Piece(quality_section([record(), unjudged])).rows()
    assert (first["Judgements"], first["Expected"], first["Cost a call"]) == ("40", "70 %", "$0.01")
    assert (second["Judgements"], second["Expected"]) == ("0", "")
    assert "0 %" not in second["Judged good"]


def part(**more: Any) -> SavedPart:
    known: dict[str, Any] = {
        "tasks": 10,
        "spent_usd": Decimal(1),
        "baseline_usd": Decimal(5),
        "saved_usd": Decimal(4),
    }
    return SavedPart.model_validate(known | more)


def test_savings_tell_observed_from_estimated() -> None:
    one = Savings(
        baseline="big",
        tasks=20,
        spent_usd=Decimal(2),
        baseline_usd=Decimal(10),
        saved_usd=Decimal(8),
        overhead_usd=Decimal("0.5"),
        return_on_overhead=16.0,
        observed=part(low_usd=Decimal(3), high_usd=Decimal(6)),
        estimated=part(saved_usd=Decimal(-4)),
    )
    piece = Piece(savings_section(one))
    observed, estimated, whole = piece.rows()
    assert observed["90 % range"] == "$3.00 to $6.00"
    assert estimated["90 % range"] == "an estimate"
    assert estimated["Saved"] == "-$4.00"
    assert (whole["Count"], whole["Saved"]) == ("20", "$8.00")
    assert "taken never to fail" in piece.text
    assert "cost $0.5" in piece.text
    assert "each dollar of it brought $16.00" in piece.text


def test_what_is_not_known_of_savings_is_said() -> None:
    piece = Piece(savings_section(Savings(reason="nothing was run")))
    assert piece.tables == []
    assert "Not known: nothing was run." in piece.text


def test_routing_that_cost_nothing_brings_no_ratio() -> None:
    piece = Piece(savings_section(Savings(baseline="big", tasks=1, estimated=part())))
    assert "Routing itself cost nothing." in piece.text
    assert len(piece.rows()) == 2


@pytest.mark.parametrize(("ratio", "said"), [(2.0, "$2.00"), (-1.5, "-$1.50"), (1e4, "$10,000.00")])
def test_what_a_dollar_brought_may_be_a_loss(ratio: float, said: str) -> None:
    assert usd_back(ratio) == said


def advised(report: Report, **found: Any) -> Piece:
    return Piece(
        advice_section(report.model_copy(update={"downgrades": Downgrades.model_validate(found)}))
    )


def test_a_suggestion_carries_its_risk_and_both_qualities(report: Report) -> None:
    found = Downgrade(
        **KIND,
        calls_per_month=1_300,
        saving_usd=Decimal("12.5"),
        risk=0.04,
        quality=KNOWN,
        cheaper_quality=Rate(value=0.88, low=0.8, high=0.93, of=50),
    )
    (row,) = advised(report, suggestions=(found,)).rows()
    assert row["Task"] == "code review, medium"
    assert row["Change"] == "big → small"
    assert (row["Calls a month"], row["Saves a month"]) == ("1,300", "$12.50")
    assert row["Risk"].startswith("4")
    assert row["Quality now"] != row["Then"]


def test_thin_evidence_says_how_much_more_would_tell(report: Report) -> None:
    thin = ThinEvidence(
        **KIND, possible_saving_usd=Decimal(3), judged=4, cheaper_judged=1, needed=21
    )
    piece = advised(report, thin=(thin,))
    assert "None yet: too few answers were judged to tell." in piece.text
    (row,) = piece.rows()
    assert row["Judged"] == "4 and 1"
    assert row["Needed"].startswith("21 more")


def test_no_cheaper_model_is_said_plainly(report: Report) -> None:
    assert "None: no cheaper model that ran the same kind of task" in advised(report).text
