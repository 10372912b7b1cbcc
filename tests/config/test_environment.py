"""ROUTING_* variables set what they are documented to set."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce

import pytest

from mcp_router.config.environment import VARIABLES
from mcp_router.config.load import Loaded
from mcp_router.errors import ConfigError

Load = Callable[..., Loaded]

VALUES: dict[str, tuple[str, object]] = {
    "ROUTING_DEFAULT_MODEL": ("opus", "opus"),
    "ROUTING_STRATEGY": ("quality_first", "quality_first"),
    "ROUTING_DEBUG": ("yes", True),
    "ROUTING_DB": ("/data/router.db", "/data/router.db"),
    "ROUTING_LOG_FILE": ("/data/router.log", "/data/router.log"),
    "ROUTING_LOG_FORMAT": ("json", "json"),
    "ROUTING_DAILY_BUDGET": ("2.50", Decimal("2.50")),
    "ROUTING_MONTHLY_BUDGET": ("40", Decimal(40)),
    "ROUTING_PER_REQUEST_LIMIT": ("0.10", Decimal("0.10")),
    "ROUTING_TIMEZONE": ("Asia/Kolkata", "Asia/Kolkata"),
    "ROUTING_FALLBACK_ENABLED": ("false", False),
    "ROUTING_MAX_RETRIES": ("3", 3),
    "ROUTING_TIMEOUT": ("45000", 45_000),
    "ROUTING_ENABLE_CACHE": ("0", False),
    "ROUTING_CACHE_TTL": (" 60 ", 60),
    "ROUTING_ENABLE_LEARNING": ("off", False),
    "ROUTING_TELEMETRY": ("on", True),
}


@pytest.mark.parametrize("variable", VARIABLES)
def test_each_variable_sets_its_key(variable: str, load: Load) -> None:
    written, expected = VALUES[variable]
    path = VARIABLES[variable]
    loaded = load({variable: written})
    assert reduce(getattr, path, loaded.settings) == expected
    assert loaded.sources[".".join(path)] == variable


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_variable_is_not_set(variable: str, load: Load) -> None:
    assert load({variable: " "}).sources == load().sources


@pytest.mark.parametrize("variable", sorted(set(VARIABLES) - {"ROUTING_DEFAULT_MODEL"}))
def test_a_bad_value_is_refused_by_the_variable_s_name(variable: str, load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load({variable: "\0nonsense"})
    assert caught.value.place == variable
    assert caught.value.key == ".".join(VARIABLES[variable])


def test_aliases_come_from_variables_too(load: Load) -> None:
    loaded = load({"ROUTING_ALIAS_QUICK": "haiku", "ROUTING_ALIAS_My_Best": "opus"})
    assert loaded.settings.aliases == {"quick": "haiku", "my_best": "opus"}
    assert loaded.sources["aliases.quick"] == "ROUTING_ALIAS_QUICK"


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("ROUTING_DAYLY_BUDGET", " Did you mean ROUTING_DAILY_BUDGET?"),
        ("ROUTING_TABLE", ""),
        ("ROUTING_ALIAS_", ""),
    ],
)
def test_an_unknown_variable_is_told_of_and_harmless(variable: str, hint: str, load: Load) -> None:
    loaded = load({variable: "x"})
    assert loaded.warnings == (f"{variable} is not a variable of mcp-router.{hint}",)
    assert loaded.settings == load().settings


def test_other_variables_are_left_alone(load: Load) -> None:
    assert load({"OPENAI_API_KEY": "sk-1", "routing_debug": "1"}).warnings == ()
