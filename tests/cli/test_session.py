"""Settings, files and options of a run lead to one router."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_router.cli.main import run
from mcp_router.cli.session import Session
from tests.cli.conftest import Invoke
from tests.cli.process import start


def test_constraints_of_the_settings_hold_where_no_option_is_given(
    home: Path, invoke: Invoke
) -> None:
    (home / "mcp-router.toml").write_text(
        '[constraints]\nproviders = ["google"]\nmin_quality = 0.5\n', encoding="utf-8"
    )
    assert invoke("route", "Fix the bug", "--json").json["provider"] == "google"
    assert invoke("route", "Fix it", "--providers", "openai", "--json").json["provider"] == "openai"


def test_a_settings_file_can_be_named(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text('strategy = "cost_first"\n', encoding="utf-8")
    other = home / "other.toml"
    other.write_text('strategy = "latency_first"\n', encoding="utf-8")
    assert invoke("route", "Fix the bug", "--json").json["strategy"] == "cost_first"
    line = ("--config", str(other), "route", "Fix the bug", "--json")
    assert invoke(*line).json["strategy"] == "latency_first"
    line = ("route", "Fix the bug", "--json", "--config", str(other), "--strategy", "quality_first")
    assert invoke(*line).json["strategy"] == "quality_first"


def test_the_database_of_the_command_line_wins(
    home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_DB", str(home / "from-variable.db"))
    assert invoke("route", "Fix the bug", "--db", "mine.db").code == 0
    assert (home / "mine.db").exists()
    assert not (home / "from-variable.db").exists()


def test_the_clock_of_the_session_decides_what_is_retired(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def listed(year: int) -> set[str]:
        session = Session(clock=lambda: datetime(year, 1, 1, tzinfo=UTC))
        assert run(["models", "--json"], session=session) == 0
        return {row["name"] for row in json.loads(capsys.readouterr().out)}

    assert "claude-3-opus" in listed(2025)
    assert "claude-3-opus" not in listed(2027)


def test_the_environment_of_the_session_decides_which_keys_there_are(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    def needed(**environ: str) -> str | None:
        session = Session(environ={"ROUTING_DB": str(home / "own.db"), **environ})
        assert run(["route", "Fix it", "--models", "opus", "--json"], session=session) == 0
        key: str | None = json.loads(capsys.readouterr().out)["needs_key"]
        return key

    assert needed() == "ANTHROPIC_API_KEY"
    assert needed(ANTHROPIC_API_KEY="sk-test") is None


def test_every_step_is_logged_when_asked_and_never_the_prompt() -> None:
    done = start("route", "Fix the unmistakable bug", "--debug", "--json")
    assert done.returncode == 0
    decision = json.loads(done.stdout)
    log = done.stderr.decode()
    assert f"{decision['decision_id']} chose {decision['model']}" in log
    assert "unmistakable" not in log
    assert start("route", "Fix the bug", "--json").stderr == b""


def test_a_task_that_begins_with_a_dash_is_told_the_way(invoke: Invoke) -> None:
    result = invoke("route", "--verbose is ignored by our parser, fix it")
    assert result.code == 2
    assert "hint: Put -- before a task that begins with a dash.\n" in result.err
    assert invoke("route", "--", "--verbose is ignored by our parser, fix it").code == 0
    for line in (("db", "info"), ("token", "list"), ("workflow",)):
        assert "hint: Put --" not in invoke(*line, "--verbose").err
