"""JSON settings may use camelCase; names people choose stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import pytest

from mcp_router.config.load import Loaded
from mcp_router.config.schema import leaves
from mcp_router.errors import ConfigError

Load = Callable[..., Loaded]

FIXED = [path for path, _ in leaves() if not any(part.startswith("<") for part in path)]


@pytest.fixture
def load_json(load: Load, project: Path) -> Callable[[object], Loaded]:
    def run(content: object) -> Loaded:
        (project / "mcp-router.json").write_text(json.dumps(content), encoding="utf-8")
        return load(config=project / "mcp-router.json")

    return run


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


@pytest.mark.parametrize("path", FIXED, ids=".".join)
def test_every_setting_may_be_written_in_camel_case(
    path: tuple[str, ...], load_json: Callable[[object], Loaded]
) -> None:
    value = reduce(getattr, path, load_json({}).settings)
    written = reduce(lambda inner, key: {camel(key): inner}, reversed(path), _plain(value))
    assert load_json(written).sources[".".join(path)] == "mcp-router.json"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"defaultModel": "opus"}, "default_model"),
        ({"enableCache": False}, "cache.enabled"),
        ({"cacheTtl": 5}, "cache.ttl"),
        ({"cacheTTL": 5}, "cache.ttl"),
        ({"enableLearning": False}, "learning.enabled"),
        ({"dailyLimit": 1}, "budget.daily"),
        ({"monthlyLimit": 1}, "budget.monthly"),
        ({"perRequestLimit": 1}, "budget.per_request"),
        ({"fallbackEnabled": False}, "fallback.enabled"),
        ({"maxRetries": 2}, "fallback.max_retries"),
        ({"timeout": 2000}, "fallback.timeout_ms"),
        ({"budget": {"dailyLimit": 1}}, "budget.daily"),
        ({"budget": {"alerts": {"dailyWarning": 50}}}, "budget.alerts.daily_warning"),
        ({"alerts": {"monthlyWarning": 50}}, "budget.alerts.monthly_warning"),
        ({"constraints": {"maxCostUSD": 1}}, "constraints.max_cost_usd"),
        ({"providers": {"x": {"baseURL": "http://h/v1"}}}, "providers.x.base_url"),
        ({"models": {"x": {"maxOutput": 100}}}, "models.x.max_output"),
        ({"default_model": "opus"}, "default_model"),
    ],
)
def test_names_of_the_contract_mean_these_settings(
    content: object, key: str, load_json: Callable[[object], Loaded]
) -> None:
    sources = load_json(content).sources
    assert sources[key] == "mcp-router.json"
    assert len(set(sources.items()) - set(load_json({}).sources.items())) == 1


def test_names_people_choose_are_kept(load_json: Callable[[object], Loaded]) -> None:
    settings = load_json(
        {
            "aliases": {"myFast": "haiku"},
            "chains": {"dailyLimit": ["a"]},
            "models": {"myModel": {"maxOutput": 10}},
            "tasks": {"enableCache": {"minQuality": 0.5}},
        }
    ).settings
    assert list(settings.aliases) == ["myFast"]
    assert list(settings.chains) == ["dailyLimit"]
    assert settings.models["myModel"].max_output == 10
    assert settings.tasks["enableCache"].min_quality == 0.5


def test_both_ways_of_writing_a_table_add_up(load_json: Callable[[object], Loaded]) -> None:
    settings = load_json({"dailyLimit": 1, "budget": {"monthly": 2}, "perRequestLimit": 3}).settings
    budget = settings.budget
    assert (budget.daily, budget.monthly, budget.per_request) == (1, 2, 3)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"defaultModel": "a", "default_model": "b"}, "default_model"),
        ({"dailyLimit": 1, "budget": {"daily": 2}}, "daily"),
        ({"budget": {"daily": 2}, "dailyLimit": 1}, "daily"),
        ({"cache": False, "cacheTtl": 1}, "cache"),
        ({"cacheTtl": 1, "cache": False}, "cache"),
    ],
)
def test_a_setting_under_two_names_is_refused(
    content: object, key: str, load_json: Callable[[object], Loaded]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_json(content)
    assert caught.value.key.endswith(key)


def test_an_unknown_key_is_shown_as_it_was_written(load_json: Callable[[object], Loaded]) -> None:
    with pytest.raises(ConfigError, match="dailyLimmit: there is no such setting"):
        load_json({"dailyLimmit": 1})


def test_toml_takes_snake_case_only(load: Load, project: Path) -> None:
    (project / "mcp-router.toml").write_text('defaultModel = "opus"')
    with pytest.raises(ConfigError) as caught:
        load()
    assert caught.value.allowed == "keys such as default_model"


def _plain(value: object) -> object:
    return json.loads(json.dumps(value, default=lambda other: str(other) or list(other)))
