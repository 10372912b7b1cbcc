"""What was spent, what the month will cost, what was saved: in words, and as JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from mcp_router.cli.command import GROUPS, PERIODS
from mcp_router.cli.main import run
from mcp_router.cli.session import Session
from mcp_router.cli.spending_pages import sparkline
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import By, Period
from tests.cli.conftest import Invoke
from tests.reporting.history import NOW, make
from tests.storage.conftest import decision, outcome


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "router.db"
    make(path, days=40, per_day=8).close()
    return path


@pytest.fixture
def worked(home: Path, history: Path) -> None:
    shutil.copy(history, home)


@pytest.fixture
def at_that_time(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command line on the day the history ends with."""

    def run_line(*args: str) -> str:
        capsys.readouterr()
        assert run(args, session=Session(clock=lambda: NOW)) == 0
        return capsys.readouterr().out

    return run_line


def test_the_choices_are_those_of_the_store() -> None:
    assert set(PERIODS) == set(get_args(Period))
    assert set(GROUPS) == set(get_args(By))


def test_without_a_record_it_says_so(invoke: Invoke) -> None:
    result = invoke("cost")
    assert result.code == 0
    assert result.out.startswith("Nothing is recorded this month.")
    assert "mcp-router route" in result.err


def test_advice_alone_costs_nothing(home: Path, invoke: Invoke) -> None:
    with SqliteStore.open(home / "router.db") as store:
        store.record_decision(decision(1, created_at=datetime.now(UTC)))
    out = invoke("cost").out
    assert "Nothing was spent this month" in out
    assert "1 decision would cost $0.012" in out


@pytest.mark.usefixtures("worked")
def test_the_page_has_total_groups_forecast_and_savings(at_that_time: Callable[..., str]) -> None:
    out = at_that_time("cost", "--by", "task")
    assert out.startswith("Spent $")
    for title in ("Task ", "This month", "At its end", "Saved, net", "Overhead"):
        assert title in out
    assert "of 10)" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("worked")
@pytest.mark.parametrize("by", GROUPS)
@pytest.mark.parametrize("period", PERIODS)
def test_the_groups_of_every_period_sum_to_the_total(
    by: str, period: str, at_that_time: Callable[..., str]
) -> None:
    found = json.loads(at_that_time("cost", "--by", by, "--period", period, "--json"))
    costs = [Decimal(row["cost_usd"]) for row in found["rows"]]
    assert sum(costs) == Decimal(found["total"]["cost_usd"])
    assert found["savings"]["spent_usd"] == found["total"]["cost_usd"] or not costs
    assert len(found["recent"]) == 30


def test_the_savings_can_be_measured_against_another_model(home: Path, invoke: Invoke) -> None:
    now = datetime.now(UTC)
    with SqliteStore.open(home / "router.db") as store:
        store.record_decision(decision(1, created_at=now))
        store.record_outcome(outcome(1, created_at=now - timedelta(seconds=1)))
    found = invoke("cost", "--period", "all", "--baseline", "opus", "--json").json
    assert "opus" in found["savings"]["baseline"]
    assert "no baseline" in invoke("cost", "--period", "all").out


def test_calls_that_were_given_up_saved_nothing_known(home: Path, invoke: Invoke) -> None:
    now = datetime.now(UTC)
    nothing = {"ok": False, "cost_usd": None, "usage": None, "failure": "cancelled"}
    with SqliteStore.open(home / "router.db") as store:
        store.record_outcome(outcome(1, created_at=now, **nothing))
    out = invoke("cost", "--period", "all", "--baseline", "opus").out
    assert out.startswith("Spent $0 in all on 1 call.")
    assert "not known: every task was given up" in out


def test_where_every_task_failed_nothing_is_a_share_of_nothing(home: Path, invoke: Invoke) -> None:
    now = datetime.now(UTC)
    failed = {"ok": False, "cost_usd": "0.01", "usage": None, "failure": "timeout"}
    with SqliteStore.open(home / "router.db") as store:
        store.record_outcome(outcome(1, created_at=now, **failed))
    out = invoke("cost", "--period", "all", "--baseline", "opus").out
    assert "-$0.01 against always" in out


def test_a_baseline_that_is_no_model_is_told_with_the_nearest(invoke: Invoke) -> None:
    result = invoke("cost", "--baseline", "opuss")
    assert result.code == 1
    assert "Did you mean" in result.err


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([0, 0], "  "), ([1], "█"), ([0, 1, 4, 8], " ▂▅█")],
)
def test_a_line_of_signs_is_as_high_as_its_values(values: list[int], drawn: str) -> None:
    assert sparkline([Decimal(one) for one in values]) == drawn
