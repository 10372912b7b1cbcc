"""`config --set` and `budget --set-…` change one setting of the user's file, checked first."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mcp_router.config.folders import config_folder
from mcp_router.config.reference import settings_reference
from tests.cli.conftest import Invoke

MINE = """\
# My settings.
strategy = "balanced"   # for now

[weights]
quality = 0.5           # matters most
# cost = 0.9            # perhaps later

# Nothing below this line is about ranking.
[cache]
ttl = 60
"""


@pytest.fixture
def own() -> Path:
    file = config_folder() / "mcp-router.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MINE, encoding="utf-8")
    return file


def read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def test_a_weight_is_kept_and_every_comment_stays(own: Path, invoke: Invoke) -> None:
    result = invoke("config", "--set-weight", "cost", "0.4")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"weights.cost = 0.4\nWritten to {own}.\n"
    assert own.read_text(encoding="utf-8").splitlines() == [
        *MINE.splitlines()[:5],
        "cost = 0.4",
        *MINE.splitlines()[5:],
    ]
    weights = invoke("config", "--json").json["settings"]["weights"]
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["cost"] / weights["quality"] == pytest.approx(0.8)


def test_each_kind_of_setting_is_written_as_what_it_is(own: Path, invoke: Invoke) -> None:
    changes = {
        "strategy": ("cost_first", "cost_first"),
        "cache.enabled": ("off", False),
        "cache.ttl": ("90", 90),
        "chains.mine": ("opus, gpt", ["opus", "gpt"]),
        "budget.daily": ("2.50", 2.5),
        "budget.monthly": ("none", "none"),
        "aliases.best": ("opus", "opus"),
        "constraints.min_quality": ("0.5", 0.5),
        'models."my.model".context': ("8000", 8000),
        'models."my.model".provider': ("ollama", "ollama"),
    }
    words = [word for key, (value, _) in changes.items() for word in ("--set", key, value)]
    result = invoke("config", *words)
    assert (result.code, result.err) == (0, "")
    found = read(own)
    assert found["models"]["my.model"] == {"context": 8000, "provider": "ollama"}
    assert found["chains"] == {"mine": ["opus", "gpt"]}
    assert found["cache"] == {"ttl": 90, "enabled": False}
    assert found["budget"] == {"daily": 2.5, "monthly": "none"}
    assert invoke("config", "check").code == 0
    assert own.read_text(encoding="utf-8").startswith("# My settings.\n")


def test_a_setting_is_taken_out_again(own: Path, invoke: Invoke) -> None:
    assert invoke("config", "--set", "cache.enabled", "no").code == 0
    result = invoke("config", "--unset", "cache.enabled")
    assert result.out.startswith("cache.enabled is not set any more\n")
    assert own.read_text(encoding="utf-8") == MINE
    assert invoke("config", "--unset", "cache.enabled").out.startswith("Nothing to change")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "cache.ttl", "soon"), "cache.ttl"),
        (("--set", "cache.ttl", "-1"), "cache.ttl"),
        (("--set", "strategy", "fastest"), "balanced"),
        (("--set", "nosuch", "1"), "there is no such setting"),
        (("--set", "cache.tll", "1"), "cache.ttl"),
        (("--set", "cache", "1"), "cache.enabled"),
        (("--set", "models", "1"), "several settings"),
        (("--set", "default_model", "nosuch"), "nosuch"),
        (("--set", "chains.mine", "opus,nosuch"), "nosuch"),
        (("--set", "chains.mine", ","), "chains.mine"),
        (("--set", "providers.x.api_key", "sk-secret"), "api_key_env"),
        (("--set", "providers.openai.headers.Authorization", "sk-secret"), "headers"),
        (("--set-weight", "cost", "much"), "weights.cost"),
        (("--set-weight", "cost", "nan"), "weights.cost"),
        (("--set-weight", "cost", "1e400"), "weights.cost"),
        (("--set", "cache.ttl", "5", "--set", "strategy", "fastest"), "balanced"),
    ],
)
def test_what_would_not_be_valid_is_refused_whole(
    words: tuple[str, ...], told: str, own: Path, invoke: Invoke
) -> None:
    result = invoke("config", *words)
    assert (result.code, result.out) == (1, "")
    assert told in result.err
    assert "sk-secret" not in result.err
    assert own.read_text(encoding="utf-8") == MINE


@pytest.mark.parametrize(
    "words",
    [
        ("--set-weight", "speed", "1"),
        ("--set", "cache.ttl"),
        ("--set", "cache.ttl", "5", "--json"),
        ("--set", "cache.ttl", "5", "path"),
    ],
)
def test_what_makes_no_sense_is_bad_usage(
    words: tuple[str, ...], own: Path, invoke: Invoke
) -> None:
    assert invoke("config", *words).code == 2
    assert own.read_text(encoding="utf-8") == MINE


def test_a_variable_that_wins_is_told_and_nothing_is_written(
    own: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_STRATEGY", "balanced")
    result = invoke("config", "--set", "strategy", "cost_first")
    assert (result.code, result.out) == (1, "")
    assert "unset ROUTING_STRATEGY" in result.err
    assert own.read_text(encoding="utf-8") == MINE


def test_budgets_are_set_as_by_their_own_command(own: Path, invoke: Invoke) -> None:
    line = ("--set-daily", "20", "--set-monthly", "none", "--set-per-request", "0.5")
    one = invoke("budget", *line)
    assert one.code == 0
    written = own.read_text(encoding="utf-8")
    own.write_text(MINE, encoding="utf-8")
    other = ("set", "--daily", "20", "--monthly", "none", "--per-request", "0.5")
    assert invoke("budget", *other) == one
    assert own.read_text(encoding="utf-8") == written
    assert read(own)["budget"] == {"daily": 20, "monthly": "none", "per_request": 0.5}


@pytest.mark.parametrize(
    "words",
    [("--set-daily", "-1"), ("--set-daily", "5", "--json"), ("--set-daily", "5", "set")],
)
def test_a_budget_that_makes_no_sense_is_not_set(
    words: tuple[str, ...], own: Path, invoke: Invoke
) -> None:
    assert invoke("budget", *words).code == 2
    assert own.read_text(encoding="utf-8") == MINE


def test_every_single_setting_has_a_key_that_can_be_named(own: Path, invoke: Invoke) -> None:
    for row in settings_reference():
        if "<" not in row.key and "tables" not in row.type:
            result = invoke("config", "--unset", row.key)
            assert result.code in (0, 1), row.key
            assert "no such setting" not in result.err, row.key


def test_json_settings_are_changed_in_json(own: Path, invoke: Invoke) -> None:
    own.unlink()
    file = own.with_suffix(".json")
    file.write_text('{"enableCache": true, "strategy": "balanced"}\n', encoding="utf-8")
    line = ("--set", "cache.enabled", "off", "--set", "chains.mine", "opus", "--set-weight")
    assert invoke("config", *line, "cost", "0.25").code == 0
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "enableCache": False,
        "strategy": "balanced",
        "chains": {"mine": ["opus"]},
        "weights": {"cost": 0.25},
    }
