"""Turns single model and provider tables of the settings into rows of the catalogue."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from mcp_router.catalog.evidence import ASSUMED, GIVEN
from mcp_router.money import to_nanos
from mcp_router.types import (
    Capability,
    LatencyPrior,
    ModelInfo,
    Need,
    Price,
    PriceTier,
    ProviderInfo,
    QualityPrior,
    Rates,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from mcp_router.config.settings import ModelSettings, PriceSettings, ProviderSettings


MAX_OUTPUT = 32_000
"""Most tokens a model without `max_output` is asked for; a quarter of its context if less."""

_MIDDLE, _ABLE, _UNABLE = 5, 7, 1
_SEES = 5
_LONG = 200_000

# The steps of catalog/models.toml: tokens of context and tokens per second lift a rating from 2,
# blended USD per million tokens, (3 input + output) / 4, lower it from 10.
_CONTEXT_STEPS = (8_000, 16_000, 32_000, 64_000, 120_000, 200_000, 400_000, 1_000_000)
_SPEED_STEPS = (30, 45, 60, 80, 110, 150, 250, 800)
_COST_STEPS = (0, 0.3, 0.8, 1.6, 3, 5, 8, 13, 25)

_PLAIN = (
    *("provider", "id", "label", "context", "max_output", "family", "tier"),
    *("thinking_factor", "rejects", "local"),
)

# Nearly all models do these (111 and 112 of the 114 built-in ones), so silence means yes.
_USUAL = frozenset({Need.TOOLS, Need.JSON, Need.CODE})


def changed_row(table: ModelSettings, *, row: ModelInfo) -> ModelInfo:
    """Return a row with what the table states; what it leaves out stays as it is."""
    changes = _stated(table)
    changes["capabilities"] = {
        **row.capabilities,
        **_derived_ratings(table),
        **table.capabilities,
    }
    if table.context is not None and table.max_output is None:
        changes["max_output"] = min(row.max_output, table.context)
    if table.aliases:
        changes["aliases"] = tuple(dict.fromkeys((*row.aliases, *table.aliases)))
    return row.model_copy(update=changes)


def new_row(table: ModelSettings, *, name: str, provider: str, context: int) -> ModelInfo:
    """Build a row for a model of the user's own, with cautious guesses for what is not stated."""
    features = _features(table, context)
    ratings = dict.fromkeys(Capability, _MIDDLE) | {
        Capability.VISION: _ABLE if Need.VISION in features else _UNABLE,
        Capability.TOOLS: _ABLE if table.features and Need.TOOLS in table.features else _MIDDLE,
    }
    guessed: dict[str, object] = {
        "name": name,
        "id": name,
        "label": name,
        "max_output": max(1, min(context // 4, MAX_OUTPUT)),
        "quality": QualityPrior(value=0.5, basis=ASSUMED),
        "latency": LatencyPrior(first_token_ms=1000, tokens_per_second=50, basis=ASSUMED),
    }
    fixed: dict[str, object] = {
        "provider": provider,
        "features": features,
        "capabilities": ratings | _derived_ratings(table) | dict(table.capabilities),
        "aliases": table.aliases,
    }
    return ModelInfo.model_validate(guessed | _stated(table) | fixed)


def provider_row(
    table: ProviderSettings, *, name: str, known: ProviderInfo | None
) -> ProviderInfo | None:
    """Return a provider with what the table states; None if that is too little for a new one."""
    stated = table.model_dump(exclude_none=True)
    if table.api_key_env == "":
        stated["api_key_env"] = None
    if known is not None:
        return known.model_copy(update=stated)
    if table.wire is None or table.base_url is None:
        return None
    return ProviderInfo.model_validate({"name": name, **stated})


def _stated(table: ModelSettings) -> dict[str, object]:
    given = {key: getattr(table, key) for key in _PLAIN}
    found: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    if table.features is not None:
        found["features"] = frozenset(table.features)
    if table.quality is not None:
        found["quality"] = QualityPrior(value=table.quality, basis=GIVEN)
    if table.latency is not None:
        found["latency"] = LatencyPrior(**table.latency.model_dump(), basis=GIVEN)
    price = table.price or _dearest(table)
    if price is not None:
        found["prices"] = prices_of(price)
    return found


def prices_of(price: PriceSettings) -> tuple[Price, ...]:
    """Return a price of the settings as a row holds it."""
    return (Price(tiers=(PriceTier(rates=_rates(price)),)),)


def _dearest(table: ModelSettings) -> PriceSettings | None:
    """Choose what to expect of a model that only its deployments have a price for."""
    prices = [one.price for one in table.deployments if one.price is not None]
    every = len(prices) == len(table.deployments)
    return max(prices, key=_blended, default=None) if every else None


def _blended(price: PriceSettings) -> Decimal:
    return 3 * price.input + price.output


def _rates(price: PriceSettings) -> Rates:
    return Rates(
        input=to_nanos(price.input),
        output=to_nanos(price.output),
        cache_read=None if price.cache_read is None else to_nanos(price.cache_read),
        cache_write=None if price.cache_write is None else to_nanos(price.cache_write),
    )


def _features(table: ModelSettings, context: int) -> frozenset[Need]:
    if table.features is not None:
        return frozenset(table.features)
    sees = table.capabilities.get(Capability.VISION, _UNABLE) >= _SEES
    extra = {Need.VISION} if sees else set[Need]()
    return _USUAL | extra | ({Need.LONG_CONTEXT} if context >= _LONG else set[Need]())


def _derived_ratings(table: ModelSettings) -> dict[Capability, int]:
    found: dict[Capability, int] = {}
    if table.context is not None:
        found[Capability.CONTEXT] = 2 + bisect_right(_CONTEXT_STEPS, table.context)
    if table.latency is not None:
        found[Capability.SPEED] = 2 + bisect_right(_SPEED_STEPS, table.latency.tokens_per_second)
    if table.price is not None:
        blended = float(_blended(table.price)) / 4
        found[Capability.COST] = 10 - bisect_left(_COST_STEPS, blended)
    return found
