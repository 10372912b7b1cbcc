"""`reset` forgets what it names and nothing that a budget counts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router.config.settings import BudgetSettings
from mcp_router.storage.answers import AnswerCache
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import Completion, Usage
from tests.cli.conftest import Invoke

ANSWER = Completion(
    decision_id="dec_1",
    model="opus",
    provider="anthropic",
    content="Ahoy.",
    finish_reason="stop",
    usage=Usage(input_tokens=10, output_tokens=2),
    cost_usd=Decimal("0.002"),
    latency_ms=900,
    attempts=(),
)


def keep_an_answer(home: Path) -> None:
    with SqliteStore.open(home / "router.db") as store:
        assert AnswerCache(store.database, ttl=60).put(b"k" * 16, ANSWER, now=datetime.now(UTC))


def rules() -> tuple[BudgetRule, ...]:
    return tuple(budget_rules(BudgetSettings(daily=Decimal(5))))


def spend(home: Path, nanos: int) -> None:
    now = to_ms(datetime.now(UTC))
    with SqliteStore.open(home / "router.db") as store:
        held = store.ledger.reserve(
            nanos, rules=rules(), purpose=Purpose("dec_1", "opus"), lease_s=60, now=now
        )
        store.ledger.settle(held, nanos, now=now)


def test_kept_answers_are_forgotten(home: Path, invoke: Invoke) -> None:
    keep_an_answer(home)
    result = invoke("reset", "cache")
    assert (result.code, result.err) == (0, "")
    assert result.out == "Forgot 1 kept answers, and the failures of 0 models.\n"
    assert invoke("reset", "cache", "--json").json == {"answers": 0, "breakers": 0}


def test_statistics_begin_anew_and_the_budget_does_not(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("[budget]\ndaily = 5\n", encoding="utf-8")
    assert invoke("route", "Fix the login bug").code == 0
    spend(home, 3_000_000_000)
    result = invoke("reset", "stats", "--yes")
    assert result.out == "Statistics begin anew; deleted 1 rows.\n"
    assert invoke("stats", "--period", "all", "--json").json["rows"] == []
    assert invoke("explain").code == 1
    assert invoke("budget", "--json").json["budgets"][0]["left_usd"] == "2"
    assert invoke("db", "check").out == "The database is sound.\n"
    assert invoke("route", "Fix the login bug").code == 0
    assert invoke("stats", "--json").json["rows"][0]["decisions"] == 1


def test_statistics_can_be_kept_in_another_file(home: Path, invoke: Invoke) -> None:
    assert invoke("route", "Fix the login bug").code == 0
    other = str(home / "before.db")
    result = invoke("reset", "stats", "--yes", "--archive", other, "--json")
    assert result.json == {"moved": 1, "deleted": 0}
    assert invoke("stats", "--period", "all", "--json").json["rows"] == []
    assert invoke("--db", other, "stats", "--json").json["rows"][0]["decisions"] == 1


@pytest.mark.parametrize(
    "line", [(), ("stats",), ("stats", "--archive", "x.db"), ("nosuch",), ("cache", "--yes")]
)
def test_nothing_is_forgotten_unasked(line: tuple[str, ...], home: Path, invoke: Invoke) -> None:
    assert invoke("route", "Fix the login bug").code == 0
    result = invoke("reset", *line)
    assert (result.code, result.out) == (2, "")
    assert not (home / "x.db").exists()
    assert len(invoke("stats", "--json").json["rows"]) == 1


def test_an_archive_that_cannot_be_written_loses_nothing(home: Path, invoke: Invoke) -> None:
    assert invoke("route", "Fix the login bug").code == 0
    result = invoke("reset", "stats", "--yes", "--archive", str(home / "router.db"))
    assert result.code == 1
    assert len(invoke("stats", "--json").json["rows"]) == 1
