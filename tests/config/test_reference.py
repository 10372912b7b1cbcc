"""The table of settings is complete and true."""

from __future__ import annotations

from collections.abc import Callable

from mcp_router.config.environment import VARIABLES
from mcp_router.config.load import Loaded
from mcp_router.config.reference import settings_reference
from mcp_router.config.schema import dotted, split
from mcp_router.config.settings import Settings

ROWS = {row.key: row for row in settings_reference()}


def test_rows_say_type_default_variable_and_meaning() -> None:
    assert ROWS["budget.daily"] == (
        "budget.daily",
        "amount in USD",
        "",
        "ROUTING_DAILY_BUDGET",
        'Limit per day in USD; "none" lifts it.',
    )
    assert ROWS["strategy"].type == "one of balanced, quality_first, cost_first, latency_first"
    assert ROWS["strategy"].default == "balanced"
    assert ROWS["fallback.max_attempts"][1:3] == ("whole number from 1 to 50", "6")
    assert ROWS["budget.alerts.daily_warning"].type == "number above 0 to 100"
    assert ROWS["cache.enabled"].default == "true"
    assert ROWS["learning.explore_usd_per_day"].default == "0"
    assert ROWS["chains.<name>"].type == "list of text"
    assert ROWS["models.<name>.deployments"].type == "list of tables"
    assert ROWS["models.<name>.capabilities.<capability>"].type == "whole number from 1 to 10"
    assert ROWS["aliases.<name>"].variable == "ROUTING_ALIAS_<NAME>"


def test_every_row_has_a_type_and_a_sentence() -> None:
    for row in settings_reference():
        assert row.type
        assert row.meaning.endswith(".")
        assert row.meaning[0].isupper()


def test_every_setting_and_every_variable_is_in_the_table() -> None:
    tables = {key.split(".")[0] for key in ROWS}
    assert tables == set(Settings.model_fields)
    assert set(VARIABLES) < {row.variable for row in settings_reference()}
    assert len(ROWS) == len(settings_reference())


def test_every_fixed_setting_has_a_source_when_loaded(load: Callable[..., Loaded]) -> None:
    fixed = {key for key in ROWS if "<" not in key}
    assert {key for key in load().sources if "<" not in key} == fixed | {
        key for key in load().sources if "min_capabilities" in key
    }


def test_keys_are_taken_apart_as_they_are_put_together() -> None:
    for path in [("budget", "daily"), ("models", "gpt-4.1", "price"), ("budget", "tags", "a=b.c")]:
        assert split(dotted(path)) == path
