"""Experiments and shadows of the settings are checked, and where they may come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.experiments import ExperimentSettings
from mcp_router.config.load import load_settings
from mcp_router.errors import ConfigError
from tests.builders import NOW

ARMS: dict[str, Any] = {"a": {}, "b": {"chain": ["haiku"]}}


def load(folder: Path, **overrides: Any) -> Any:
    environ = {"XDG_CONFIG_HOME": str(folder / "config")}
    return load_settings(environ=environ, cwd=folder, overrides=overrides).settings


def test_an_experiment_is_read_in_the_order_of_its_arms(tmp_path: Path) -> None:
    (tmp_path / "mcp-router.toml").write_text(
        "[experiments.e]\n[experiments.e.arms.z]\n[experiments.e.arms.a]\nchain = ['haiku']\n"
    )
    found = load(tmp_path).experiments["e"]
    assert (list(found.arms), found.base, found.share) == (["z", "a"], "z", 1)


def test_what_was_stored_reads_as_it_was_written() -> None:
    arms = {**ARMS, "c": {"weights": {"cost": 2, "quality": 1}, "weight": 3}}
    plan = ExperimentSettings.model_validate({"arms": arms, "max_cost_usd": "0.1", "share": 0.3})
    assert ExperimentSettings.model_validate(plan.model_dump(mode="json")) == plan


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "it has 0 arms"),
    ({"arms": {"a": {"chain": ["haiku"]}}}, "it has 1 arms"),
    ({"arms": {str(at): {} for at in range(11)}}, "not allowed|usable name"),
    ({"arms": {f"a{at}": {"chain": [str(at)]} for at in range(11)}}, "it has 11 arms"),
    ({"arms": {"a": {}, "b": {}}}, "no arm changes anything"),
    ({"arms": {**ARMS, "c": {"chain": ["haiku"]}}}, "two of its arms are the same"),
    ({"arms": ARMS, "control": "z"}, "the control is none of its arms"),
    ({"arms": {**ARMS, "c": {"models": ["gpt"], "weight": 0}}}, "an arm has no weight"),
    ({"arms": ARMS, "share": 0}, "in range"),
    ({"arms": ARMS, "share": float("nan")}, "finite|in range"),
    ({"arms": ARMS, "alpha": 1}, "in range"),
    ({"arms": ARMS, "metric": "speed"}, "one of the choices"),
    ({"arms": ARMS, "max_samples": True}, "not numbers"),
    ({"arms": {"a\u202e": {}, "b": {"chain": ["x"]}}}, "usable name"),
    ({"arms": {"a" * 41: {}, "b": {"chain": ["x"]}}}, "usable name"),
    ({"arms": ARMS, "tasks": ["no such\ntask"]}, "does not name a task"),
    ({"arms": ARMS, "winner": "b"}, "there is no such setting"),
]


@pytest.mark.parametrize(("experiment", "problem"), WRONG)
def test_a_wrong_experiment_is_refused_and_the_key_named(
    tmp_path: Path, experiment: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        load(tmp_path, experiments={"e": experiment})
    assert caught.value.key.startswith("experiments.e")


@pytest.mark.parametrize("key", ["chain = ['haiku']", "daily_usd = 5", "judge = 'opus'"])
def test_a_projects_file_cannot_cast_a_shadow(tmp_path: Path, key: str) -> None:
    (tmp_path / "mcp-router.toml").write_text(f"[shadow]\n{key}\n")
    with pytest.raises(ConfigError, match="a project's file may not") as caught:
        load(tmp_path)
    assert caught.value.key == f"shadow.{key.split()[0]}"


@pytest.mark.parametrize("name", ["mixed", "Anthropic", "MINE"])
def test_a_shadow_may_be_a_chain_built_in_or_not_by_its_name(tmp_path: Path, name: str) -> None:
    settings = load(tmp_path, shadow={"chain": [name]}, chains={"mine": ["opus"]})
    base = Catalog.load(on=NOW.date())
    assert configured_catalog(settings, base=base).chain(settings.shadow.chain[0])


@pytest.mark.parametrize(
    ("shadow", "key"),
    [
        ({"chain": ["nosuch"]}, "shadow.chain[0]"),
        ({"chain": ["mine", "haiku"]}, "shadow.chain[0]"),
        ({"chain": ["haiku"], "judge": "nosuch"}, "shadow.judge"),
    ],
)
def test_a_shadow_of_nobody_is_refused(tmp_path: Path, shadow: dict[str, Any], key: str) -> None:
    settings = load(tmp_path, shadow=shadow, chains={"mine": ["opus"]})
    with pytest.raises(ConfigError, match="no model is called") as caught:
        configured_catalog(settings, base=Catalog.load(on=NOW.date()))
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("shadow", "on"),
    [
        ({}, False),
        ({"chain": ["haiku"]}, False),
        ({"chain": ["haiku"], "daily_usd": "0"}, False),
        ({"chain": ["mine"], "daily_usd": "1", "share": 0}, False),
        ({"chain": ["mine"], "daily_usd": "1"}, True),
    ],
)
def test_a_shadow_needs_models_money_and_a_share(
    tmp_path: Path, shadow: dict[str, Any], on: bool
) -> None:
    settings = load(tmp_path, shadow=shadow, chains={"mine": ["opus"]})
    configured_catalog(settings, base=Catalog.load(on=NOW.date()))
    assert settings.shadow.on is on
