"""A bad value gives one sentence: the place, the key, what is wrong, what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from mcp_router.config.load import Loaded
from mcp_router.errors import ConfigError

Load = Callable[..., Loaded]
STRATEGIES = "one of balanced, quality_first, cost_first, latency_first"

CASES: list[tuple[Mapping[str, object], str, str, str]] = [
    ({"strategy": "fast"}, "strategy", "'fast' is not one of the choices", STRATEGIES),
    ({"strategy": ["x"]}, "strategy", "a list of 1 is not one of the choices", STRATEGIES),
    ({"debug": "maybe"}, "debug", "'maybe' is not true or false", "true or false"),
    ({"budget": 5}, "budget", "5 is not a table", "a table with daily, monthly, per_request"),
    ({"cache": None}, "cache", "None is not a table", "a table with enabled, ttl"),
    (
        {"budget.daily": -1},
        "budget.daily",
        "an amount of US dollars may not be negative",
        "amount in USD",
    ),
    ({"fallback.max_attempts": 0}, "fallback.max_attempts", "0 is not in range", "from 1 to 50"),
    ({"fallback.idle_ms": "5s"}, "fallback.idle_ms", "'5s' is not a whole number", "whole number"),
    ({"cache.ttl": True}, "cache.ttl", "true and false are not numbers", "whole number from 0"),
    ({"cache.ttl": 1.5}, "cache.ttl", "1.5 is not a whole number", "whole number"),
    ({"cache.ttl": 16**9999}, "cache.ttl", "so large a number is not in range", "whole number"),
    ({"default_model": ""}, "default_model", "this may not be empty", "text"),
    ({"default_model": "x" * 201}, "default_model", "this is too long", "text"),
    ({"default_model": 5}, "default_model", "5 is not text", "text"),
    ({"default_model": "\ud800"}, "default_model", "this is not valid text", "text"),
    ({"chains": {"c": "a"}}, "chains.c", "'a' is not a list", "list of text"),
    ({"chains": {"c": []}}, "chains.c", "this may not be empty", "list of text"),
    ({"chains": {"c": ["a", 3]}}, "chains.c[1]", "3 is not text", "list of text"),
    (
        {"models": {"a.b": {"price": {"input": 1}}}},
        'models."a.b".price.output',
        "this is required",
        "amount in USD",
    ),
    (
        {"models": {"x": {"deployments": [{"provider": "a", "weight": 0}]}}},
        "models.x.deployments[0].weight",
        "0 is not in range",
        "",
    ),
    (
        {"models": {"x": {"capabilities": {"codng": 7}}}},
        "models.x.capabilities.codng",
        "this name is not allowed",
        "'coding'",
    ),
    (
        {"constraints": {"requires": ["vision", "fish"]}},
        "constraints.requires[1]",
        "'fish' is not one of the choices",
        "vision, tools, json",
    ),
    ({"tasks": {"two words": {}}}, 'tasks."two words"', "this does not name a task", "letters"),
    ({"db": " "}, "db", "this is not a usable path", "the path of a file"),
    ({"weights": dict.fromkeys(["cost"], "x")}, "weights.cost", "'x' is not a number", "number"),
]


@pytest.mark.parametrize(("overrides", "key", "problem", "allowed"), CASES)
def test_the_sentence_says_what_is_wrong_and_what_is_allowed(
    overrides: Mapping[str, object], key: str, problem: str, allowed: str, load: Load
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overrides=overrides)
    error = caught.value
    assert (error.place, error.key, error.problem) == ("argument", key, problem)
    assert allowed in error.allowed
    assert str(error).startswith(f"argument: {key}: {problem}.")


@pytest.mark.parametrize(
    ("overrides", "allowed"),
    [
        ({"budget": {"dayly": 1}}, "keys such as daily"),
        ({"stratgy": "balanced"}, "keys such as strategy"),
        ({"timeout_ms": 5}, "keys such as fallback.timeout_ms"),
        ({"models": {"x": {"contxt": 5}}}, "keys such as context"),
        ({"learning": {"zzz": 5}}, "enabled, explore_usd_per_day"),
    ],
)
def test_an_unknown_key_names_the_nearest(
    overrides: Mapping[str, object], allowed: str, load: Load
) -> None:
    with pytest.raises(ConfigError, match="there is no such setting") as caught:
        load(overrides=overrides)
    assert caught.value.allowed == allowed


@pytest.mark.parametrize(
    "overrides",
    [
        {"api_key": "sk-secret-1"},
        {"providers": {"openai": {"api_key": "sk-secret-1"}}},
        {"providers": {"openai": {"apiKey": "sk-secret-1"}}},
        {"providers": {"openai": {"token": "sk-secret-1"}}},
        {"providers": {"openai": {"api_key_env": "sk-secret-1"}}},
        {"providers": {"openai": {"headers": {"Authorization": "sk-secret-1"}}}},
        {"providers": {"openai": {"base_url": "https://a:sk-secret-1@h/v1"}}},
    ],
)
def test_a_key_is_refused_and_never_repeated(overrides: Mapping[str, object], load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overrides=overrides)
    error = caught.value
    assert "secret-1" not in f"{error}{error.__dict__}"
    assert error.__suppress_context__


@pytest.mark.parametrize("key", ["api_key", "apiKey"])
def test_a_key_in_the_file_is_pointed_to_its_variable(key: str, load: Load) -> None:
    with pytest.raises(ConfigError, match="api_key_env = "):
        load(overrides={"providers": {"openai": {key: "sk-1"}}})


def test_further_problems_are_counted(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"\(and 2 more problems\)"):
        load(overrides={"debug": "x", "strategy": "y", "cache": {"ttl": "z"}})


def test_long_values_are_cut_and_control_characters_escaped(load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overrides={"strategy": "\x1b[31m" + "x" * 1000})
    assert len(caught.value.problem) < 100
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("key", ["a\x1bb", "\ud800", 'q"uote', "new\nline"])
def test_odd_keys_can_be_printed(key: str, load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overrides={"models": {key: {"context": 0}}})
    assert str(caught.value).encode("utf-8").decode("utf-8").isprintable()


def test_a_key_that_is_not_text_is_refused(load: Load) -> None:
    with pytest.raises(ConfigError, match="the key 5 is not text"):
        load(overrides={"models": {5: {}}})
