"""`budget` shows what is left; `budget set` and `unset` change one file and nothing else in it."""

from __future__ import annotations

import os
import stat
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router.config.folders import config_folder
from mcp_router.config.settings import BudgetSettings, Settings
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore
from tests.cli.conftest import Invoke

MINE = """\
# My settings.
strategy = "cost_first"   # cheap is fine

[budget]
daily = 5          # a coffee
# monthly = 100    # perhaps later

# Nothing below this line is about money.
[cache]
ttl = 60
"""


@pytest.fixture
def own() -> Path:
    """The user's own settings file, which is not there yet."""
    file = config_folder() / "mcp-router.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def limits(file: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))["budget"]
    return found


def test_without_a_limit_the_budget_says_so_and_how_to_set_one(invoke: Invoke) -> None:
    result = invoke("budget")
    assert "No limit is set" in result.out
    assert "mcp-router budget set --daily" in result.err


def test_a_limit_shows_what_is_left_of_it_and_its_alert(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("[budget]\ndaily = 2.0\n", encoding="utf-8")
    settings = Settings(budget=BudgetSettings(daily=Decimal(2)))
    now = to_ms(datetime.now(UTC))
    with SqliteStore.open(home / "router.db") as store:
        reservation = store.ledger.reserve(
            1_500_000_000,
            rules=budget_rules(settings.budget),
            purpose=Purpose("dec_1", "opus"),
            lease_s=60,
            now=now,
        )
        store.ledger.settle(reservation, 1_500_000_000, now=now)
    result = invoke("budget")
    row = next(line for line in result.out.splitlines() if line.startswith("day "))
    assert row.split()[:7] == ["day", "$2", "$1.5", "$0", "$0.5", "#########...", "75%"]
    assert "warning: The day budget is 75 % spent ($1.5 of $2).\n" in result.err
    budgets = invoke("budget", "--json").json["budgets"]
    assert budgets[0]["left_usd"] == "0.5"


def test_the_first_limits_make_a_private_file(own: Path, invoke: Invoke) -> None:
    result = invoke("budget", "set", "--daily", "20", "--monthly", "250", "--per-request", "1")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == f"Written to {own}."
    assert limits(own) == {"daily": 20, "monthly": 250, "per_request": 1}
    if os.name == "posix":
        assert stat.S_IMODE(own.stat().st_mode) == 0o600
    shown = {one["name"]: one["limit_usd"] for one in invoke("budget", "--json").json["budgets"]}
    assert shown == {"request": "1", "day": "20", "month": "250"}


def test_everything_else_in_the_file_stays_as_it_is(own: Path, invoke: Invoke) -> None:
    own.write_text(MINE, encoding="utf-8")
    assert invoke("budget", "set", "--daily", "0.05", "--per-request", "0.01").code == 0
    lines = own.read_text(encoding="utf-8").splitlines()
    assert lines[4] == "daily = 0.05          # a coffee"
    assert lines[5] == "per_request = 0.01"
    assert lines[:4] + lines[6:] == MINE.splitlines()[:4] + MINE.splitlines()[5:]
    assert invoke("budget", "set", "--daily", "5").code == 0
    assert invoke("budget", "unset", "--per-request").code == 0
    assert own.read_text(encoding="utf-8") == MINE


def test_sessions_and_projects_have_limits_of_their_own(own: Path, invoke: Invoke) -> None:
    assert invoke("budget", "set", "--daily", "9", "--session", "s 1=2.50").code == 0
    assert invoke("budget", "set", "--project", "site", "--monthly", "7", "--total", "70").code == 0
    assert limits(own) == {
        "daily": 9,
        "tags": {"session=s 1": {"total": 2.5}, "project=site": {"monthly": 7, "total": 70}},
    }
    names = [one["name"] for one in invoke("budget", "--json").json["budgets"]]
    assert names == ["day", "month", "session=s 1", "project=site month", "project=site"]
    assert invoke("budget", "unset", "--project", "site", "--monthly").code == 0
    assert invoke("budget", "unset", "--session", "s 1").code == 0
    assert limits(own) == {"daily": 9, "tags": {"project=site": {"total": 70}}}


def test_a_limit_may_be_lifted_by_a_word(own: Path, home: Path, invoke: Invoke) -> None:
    own.write_text("[budget]\ndaily = 5\n", encoding="utf-8")
    assert invoke("budget", "set", "--daily", "none", "--project-file").code == 0
    assert limits(home / "mcp-router.toml") == {"daily": "none"}
    assert invoke("budget", "--json").json["budgets"][0]["limit_usd"] is None


def test_taking_out_what_is_not_there_changes_nothing(own: Path, invoke: Invoke) -> None:
    own.write_text(MINE, encoding="utf-8")
    before = own.stat().st_mtime_ns
    assert invoke("budget", "unset", "--monthly").out == f"Nothing to change in {own}.\n"
    assert own.stat().st_mtime_ns == before


def test_json_settings_are_changed_under_the_names_they_use(own: Path, invoke: Invoke) -> None:
    file = own.with_suffix(".json")
    file.write_text('{\n    "dailyLimit": 5,\n    "enableCache": true\n}\n', encoding="utf-8")
    assert invoke("budget", "set", "--daily", "6").code == 0
    assert file.read_text() == '{\n    "dailyLimit": 6,\n    "enableCache": true\n}\n'
    assert not own.exists()


def test_the_file_that_is_named_is_the_one_that_is_written(
    own: Path, home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = home / "team.toml"
    assert invoke("--config", str(named), "budget", "set", "--daily", "3").code == 0
    assert limits(named) == {"daily": 3}
    monkeypatch.setenv("ROUTING_CONFIG", str(named))
    assert invoke("budget", "set", "--daily", "4").code == 0
    assert limits(named) == {"daily": 4}
    assert invoke("budget", "set", "--daily", "4", "--project-file").code == 2
    assert not own.exists()


def test_a_variable_that_wins_is_told_and_nothing_is_written(
    own: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_DAILY_BUDGET", "1")
    result = invoke("budget", "set", "--daily", "2", "--monthly", "20")
    assert (result.code, result.out) == (1, "")
    assert "the variable ROUTING_DAILY_BUDGET sets it" in result.err
    assert "unset ROUTING_DAILY_BUDGET" in result.err
    assert not own.exists()
    assert invoke("budget", "set", "--monthly", "20").code == 0


def test_a_project_s_file_that_wins_is_told(own: Path, home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("[budget]\ndaily = 1\n", encoding="utf-8")
    result = invoke("budget", "set", "--daily", "2")
    assert result.code == 0
    assert result.err == "warning: mcp-router.toml sets budget.daily as well, and wins here.\n"
    assert limits(own) == {"daily": 2}


@pytest.mark.parametrize(
    "line",
    [
        ("set",),
        ("unset",),
        ("set", "--daily", "-1"),
        ("set", "--daily", "much"),
        ("set", "--daily", "nan"),
        ("set", "--total", "5"),
        ("set", "--session", "a", "--project", "b", "--daily", "1"),
        ("set", "--session", "a", "--per-request", "1"),
        ("set", "--session", "a"),
        ("set", "--session", "a=much"),
        ("set", "--session", "=5"),
        ("unset", "--total"),
    ],
)
def test_what_makes_no_sense_is_bad_usage(line: tuple[str, ...], own: Path, invoke: Invoke) -> None:
    result = invoke("budget", *line)
    assert (result.code, result.out) == (2, ""), result
    assert not own.exists()


@pytest.mark.parametrize("content", ["strategy = ", 'strategy = "fastest"\n', "[budget]\ndaily=-1"])
def test_a_file_that_is_wrong_already_is_left_alone(
    content: str, own: Path, invoke: Invoke
) -> None:
    own.write_text(content, encoding="utf-8")
    result = invoke("budget", "set", "--monthly", "1")
    assert (result.code, result.out) == (1, "")
    assert str(own) in result.err
    assert own.read_text(encoding="utf-8") == content
    assert [path.name for path in own.parent.iterdir()] == [own.name]
