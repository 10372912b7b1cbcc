"""The settings are frozen, checked values with the defaults the contract names."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mcp_router.config.settings import (
    BudgetSettings,
    CacheSettings,
    FallbackSettings,
    ModelSettings,
    ProviderSettings,
    Settings,
    Weights,
)
from mcp_router.types import Constraints, Strategy

WEIGHT = st.floats(min_value=0, max_value=1_000_000)
FIVE = st.tuples(WEIGHT, WEIGHT, WEIGHT, WEIGHT, WEIGHT)
NAMES = ("capability", "cost", "quality", "latency", "historical")


def weights(values: tuple[float, ...]) -> Weights:
    return Weights(**dict(zip(NAMES, values, strict=True)))


def test_defaults_are_those_of_the_contract() -> None:
    settings = Settings()
    assert settings.strategy is Strategy.BALANCED
    assert settings.weights.model_dump() == {
        "capability": 0.35,
        "cost": 0.20,
        "quality": 0.20,
        "latency": 0.15,
        "historical": 0.10,
    }
    assert settings.budget == BudgetSettings(daily=None, monthly=None, per_request=None)
    assert settings.budget.alerts.model_dump() == {"daily_warning": 75, "monthly_warning": 80}
    assert settings.budget.on_unknown_price == "refuse"
    assert settings.fallback == FallbackSettings(
        enabled=True,
        max_attempts=6,
        max_retries=1,
        connect_ms=5_000,
        first_token_ms=12_000,
        idle_ms=15_000,
        timeout_ms=60_000,
        on_stream_cut="restart",
        trim_history=False,
    )
    assert settings.cache == CacheSettings(enabled=True, ttl=300)
    assert settings.learning.enabled
    assert settings.learning.explore_usd_per_day == 0
    assert not settings.history.store_prompts
    assert settings.constraints == Constraints()


def test_every_default_would_pass_its_own_check() -> None:
    """load_settings relies on it where nothing is set."""
    assert Settings.model_construct() == Settings()
    assert Settings.model_validate(Settings().model_dump()) == Settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().weights.__setattr__("cost", 1.0)


@given(FIVE.filter(any))
def test_weights_always_sum_to_one_and_keep_their_order(values: tuple[float, ...]) -> None:
    normal = tuple(weights(values).model_dump().values())
    assert math.isclose(sum(normal), 1.0, abs_tol=1e-9)
    assert all(0 <= weight <= 1 for weight in normal)
    order = sorted(range(5), key=lambda index: values[index])
    assert all(normal[a] <= normal[b] for a, b in pairwise(order))


@given(FIVE.filter(any))
def test_normalised_weights_stay_as_they_are(values: tuple[float, ...]) -> None:
    once = weights(values)
    assert Weights.model_validate(once.model_dump()) == once


def test_all_zero_weights_are_refused() -> None:
    with pytest.raises(ValidationError, match="all weights are zero"):
        weights((0, 0, 0, 0, 0))


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, True, 10**400])
def test_a_weight_is_a_finite_number_not_below_zero(value: float) -> None:
    with pytest.raises(ValidationError):
        Weights(cost=value)


def test_amounts_are_exact() -> None:
    assert BudgetSettings.model_validate({"daily": 0.1}).daily == Decimal("0.1")


def test_the_word_none_lifts_a_limit() -> None:
    assert BudgetSettings.model_validate({"daily": "none", "monthly": "None"}).daily is None


@pytest.mark.parametrize("key", ["project=site", "session=4 2", "team=a=b"])
def test_tag_budgets_are_named_by_tag_and_value(key: str) -> None:
    budget = BudgetSettings.model_validate({"tags": {key: {"daily": 2, "total": 9}}})
    assert budget.tags[key].total == 9


@pytest.mark.parametrize("key", ["project", "=site", "project=", "a b=c", ""])
def test_other_tag_names_are_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="does not name a tag"):
        BudgetSettings.model_validate({"tags": {key: {"daily": 2}}})


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/St_Johns", "UTC", "Etc/UTC"])
def test_time_zones_go_by_their_iana_names(name: str) -> None:
    assert BudgetSettings(timezone=name).timezone == name


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe", "a\0b", "x" * 5000])
def test_unknown_time_zones_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="not a known time zone"):
        BudgetSettings(timezone=name)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "key2", ""])
def test_a_key_is_named_by_its_variable(name: str) -> None:
    assert ProviderSettings(api_key_env=name).api_key_env == name


@pytest.mark.parametrize(
    "key", ["sk-ant-api03-abc", "AIzaSyA1234567890abcdefghij", "gsk_abcdefghij0123456789", "a b"]
)
def test_a_key_in_place_of_a_variable_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="looks like a key itself"):
        ProviderSettings(api_key_env=key)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434/v1", "https://api.example.com", "http://[::1]:8000/v1/"]
)
def test_addresses_are_http(url: str) -> None:
    assert ProviderSettings(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host", "host/v1", "https://", "https://host:port/v1", "https://a b/", ""),
        *("https://user:secret@host/v1", "https://host/v1?key=secret", "https://host/#x"),
    ],
)
def test_addresses_with_secrets_or_of_other_kinds_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="not a usable address"):
        ProviderSettings(base_url=url)


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "X-Goog-Api-Key"])
def test_headers_do_not_carry_secrets(name: str) -> None:
    with pytest.raises(ValidationError, match="carries a secret"):
        ProviderSettings(headers={name: "Bearer abc"})


@pytest.mark.parametrize("header", [("a b", "c"), ("a", "b\r\nX-Evil: 1"), ("a", "é")])
def test_headers_cannot_break_the_request(header: tuple[str, str]) -> None:
    with pytest.raises(ValidationError, match="HTTP does not allow"):
        ProviderSettings(headers=dict([header]))


@pytest.mark.parametrize(
    "fields",
    [
        {"context": 0},
        {"quality": 1.1},
        {"quality": True},
        {"capabilities": {"coding": 11}},
        {"price": {"input": -1, "output": 1}},
        {"price": {"input": 1}},
        {"latency": {"first_token_ms": 100, "tokens_per_second": 0}},
        {"features": ["telepathy"]},
        {"deployments": [{"provider": "a", "weight": 0}]},
    ],
)
def test_figures_of_a_model_are_checked(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelSettings.model_validate(fields)
