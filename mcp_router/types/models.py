"""What exists: models, their prices and priors, and their providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from mcp_router.types.words import Capability, Family, Need, Score, Tokens, Value


class Rates(Value):
    """Prices in nano-dollars per million tokens; None where the provider names none."""

    input: Tokens
    output: Tokens
    cache_read: Tokens | None = None
    cache_write: Tokens | None = None


class PriceTier(Value):
    """Rates that hold for the whole request once its input passes `above` tokens."""

    above: Tokens = 0
    rates: Rates


class Price(Value):
    """Tiers, lowest first, in force from `since` (UTC) within the daily `window` (UTC, minutes)."""

    tiers: tuple[PriceTier, ...]
    since: datetime | None = None
    window: tuple[int, int] | None = None


class QualityPrior(Value):
    """Overall chance of a good answer to a demanding task, before any outcome is known."""

    value: Score
    basis: str


class LatencyPrior(Value):
    """Expected speed before any call is measured."""

    first_token_ms: Annotated[int, Field(gt=0)]
    tokens_per_second: Annotated[float, Field(gt=0)]
    basis: str


class ModelInfo(Value):
    """One row of the catalogue: a model at a provider.

    `name` is what people type and rows store; `id` is what the provider is sent. `prices` are
    in the order they came into force, and empty means the price is unknown. `thinking_factor`
    is the expected ratio of hidden reasoning tokens to visible output tokens.
    """

    name: str
    id: str
    provider: str
    label: str
    line: str = ""
    tier: Literal["frontier", "strong", "standard", "small"] = "standard"
    aliases: tuple[str, ...] = ()
    context: Annotated[int, Field(gt=0)]
    max_output: Annotated[int, Field(gt=0)]
    family: Family = Family.O200K
    features: frozenset[Need] = frozenset()
    capabilities: Mapping[Capability, Annotated[int, Field(ge=1, le=10)]]
    quality: QualityPrior
    latency: LatencyPrior
    prices: tuple[Price, ...] = ()
    thinking_factor: Annotated[float, Field(ge=0.0)] = 0.0
    rejects: tuple[str, ...] = ()
    released: date | None = None
    retires_on: date | None = None
    successor: str | None = None
    local: bool = False


class ProviderInfo(Value):
    """Where a provider is reached; `api_key_env` names the variable, the key itself is not kept.

    `logprobs` says that its models which do not think can tell the probabilities of their tokens.
    """

    name: str
    wire: Literal["openai", "anthropic", "gemini"]
    base_url: str
    api_key_env: str | None = None
    headers: Mapping[str, str] = {}
    api_version: str | None = None
    logprobs: bool = False
