"""`stats` shows what the store holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router.router import Router
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import By, Period
from mcp_router.types import Complexity, Outcome, Usage
from tests.cli.conftest import Invoke


def test_nothing_recorded_is_told_with_the_next_step(invoke: Invoke) -> None:
    result = invoke("stats", "--period", "day")
    assert result.out == "Nothing is recorded today.\n"
    assert result.err.startswith("hint: Record a first decision: mcp-router route")


@pytest.mark.parametrize("by", ["model", "task", "day", "project", "category", "provider"])
@pytest.mark.parametrize("period", ["day", "week", "month", "all"])
def test_every_report_shows_the_rows_of_the_store(by: By, period: Period, invoke: Invoke) -> None:
    for prompt in ("Fix the login bug", "Translate this into French"):
        invoke("route", prompt)
    line = ("stats", "--period", period, "--by", by)
    with Router.open() as router:
        rows = router.stats(period=period, by=by)
    found = invoke(*line, "--json").json
    assert found["rows"] == [row.model_dump(mode="json") for row in rows]
    assert (found["period"], found["by"]) == (period, by)
    out = invoke(*line).out
    assert out.startswith(by.capitalize())
    assert re.search(r"\n2 decisions .*, expected to save \$\d", out)


def test_calls_are_shown_once_there_are_any(home: Path, invoke: Invoke) -> None:
    decision = invoke("route", "Fix the login bug", "--json").json
    assert "Spent" not in invoke("stats").out
    outcome = Outcome(
        decision_id=decision["decision_id"],
        created_at=datetime.now(UTC),
        model=decision["model"],
        provider=decision["provider"],
        task_type="debugging",
        complexity=Complexity.MEDIUM,
        ok=True,
        latency_ms=1200,
        usage=Usage(input_tokens=1000, output_tokens=500),
        cost_usd=Decimal("0.0123"),
    )
    with SqliteStore.open(home / "router.db") as store:
        store.record_outcome(outcome)
    out = invoke("stats").out
    line = next(line for line in out.split("Spent")[1].splitlines() if decision["model"] in line)
    assert line.split()[1:6] == ["1", "100.0%", "0", "1k", "$0.0123"]
