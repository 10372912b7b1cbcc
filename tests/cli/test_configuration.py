"""`config` shows every setting with its source, and checks files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.config.reference import settings_reference
from tests.cli.conftest import Invoke

OWN = """\
strategy = "cost_first"
[budget]
daily = 2.5
alert_webhook = "https://hooks.example/services/T0/B0/secret"
[chains]
mine = ["opus", "gpt"]
[models."my.model"]
provider = "ollama"
context = 8000
price = { input = 0.0, output = 0.0 }
"""


@pytest.fixture
def own(home: Path) -> Path:
    file = home / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    return file


def rows(out: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}


def test_every_setting_is_shown_with_where_it_came_from(
    own: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_DAILY_BUDGET", "3")
    shown = rows(invoke("config", "--config", str(own)).out)
    assert {row.key for row in settings_reference() if "<" not in row.key} <= set(shown)
    assert shown["strategy"] == ["cost_first", "own.toml"]
    assert shown["budget.daily"] == ["3", "ROUTING_DAILY_BUDGET"]
    assert shown["cache.ttl"] == ["300", "default"]
    assert shown["chains.mine"] == ['["opus",', '"gpt"]', "own.toml"]
    assert shown['models."my.model".price.input'] == ["0", "own.toml"]
    assert shown["budget.monthly"] == ["none", "default"]


def test_only_what_was_set_is_shown_when_asked(own: Path, invoke: Invoke) -> None:
    shown = rows(invoke("config", "--changed", "--config", str(own)).out)
    assert "cache.ttl" not in shown
    assert "strategy" in shown


def test_json_holds_settings_sources_and_files(own: Path, invoke: Invoke) -> None:
    found = invoke("config", "--json", "--config", str(own)).json
    assert found["settings"]["budget"]["daily"] == "2.5"
    assert found["sources"]["strategy"] == "own.toml"
    assert found["files"] == [str(own)]


def test_an_address_that_is_a_secret_is_not_shown(own: Path, invoke: Invoke) -> None:
    for more in ((), ("--json",)):
        assert "services/T0" not in invoke("config", "--config", str(own), *more).out


def test_the_path_is_that_of_the_file_in_force(home: Path, invoke: Invoke) -> None:
    result = invoke("config", "path")
    assert result.out == f"{home / 'mcp-router' / 'mcp-router.toml'}\n"
    assert "no settings file yet" in result.err
    (home / "mcp-router.toml").touch()
    result = invoke("config", "path")
    assert (result.out, result.err) == (f"{home / 'mcp-router.toml'}\n", "")


def test_a_sound_file_is_fine(own: Path, invoke: Invoke) -> None:
    result = invoke("config", "check", str(own))
    assert result.code == 0
    assert result.out.startswith(f"{own} is fine: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('strategy = "fastest"', "balanced, quality_first"),
        ("[budget]\ndayly = 5", "budget.dayly"),
        ("[budget]\ndaily = -5", "budget.daily"),
        ('[chains]\nmine = ["nosuch"]', "chains.mine"),
        ('api_key = "sk-secret"', "never kept"),
        ("strategy", "not TOML"),
    ],
)
def test_a_wrong_file_is_told_where_and_what_is_allowed(
    content: str, told: str, home: Path, invoke: Invoke
) -> None:
    (home / "wrong.toml").write_text(content, encoding="utf-8")
    result = invoke("config", "check", "wrong.toml")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: wrong.toml: ")
    assert told in result.err
    assert "sk-secret" not in result.err


def test_a_variable_does_not_hide_what_is_wrong_in_the_file(
    home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_STRATEGY", "balanced")
    (home / "wrong.toml").write_text('strategy = "fastest"', encoding="utf-8")
    assert invoke("config", "check", "wrong.toml").code == 1


def test_the_settings_in_force_can_be_checked(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    # The database is set for every test; the time zone is read off the machine.
    assert invoke("config", "check").out.startswith("The settings in force are fine: 1 set, ")
    monkeypatch.setenv("ROUTING_STRATEGY", "balanced")
    assert invoke("config", "check").out.startswith("The settings in force are fine: 2 set, ")
    monkeypatch.setenv("ROUTING_STRATEGY", "fastest")
    assert invoke("config", "check").code == 1
