"""Small models, catalogues and situations for tests of pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.settings import Settings
from mcp_router.routing.situation import Situation, Understood, situate
from mcp_router.routing.tokens import request_counts
from mcp_router.types import (
    Capability,
    Classification,
    Complexity,
    LatencyPrior,
    Message,
    ModelInfo,
    Need,
    Pattern,
    Price,
    PriceTier,
    QualityPrior,
    Rates,
    Request,
    RoutingState,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROVIDERS = ("openai", "anthropic", "google")


def model(name: str, **changes: object) -> ModelInfo:
    """A plain model at openai: rated 7, quality 0.8, $1 in and $4 out per million tokens."""
    fields: dict[str, object] = {
        "name": name,
        "id": name,
        "provider": "openai",
        "label": name.title(),
        "context": 128_000,
        "max_output": 16_000,
        "features": frozenset(Need),
        "capabilities": dict.fromkeys(Capability, 7),
        "quality": QualityPrior(value=0.8, basis="test"),
        "latency": LatencyPrior(first_token_ms=500, tokens_per_second=100.0, basis="test"),
        "prices": (price(1.0, 4.0),),
    }
    return ModelInfo.model_validate({**fields, **changes})


def price(usd_in: float, usd_out: float) -> Price:
    """One tier, in dollars per million tokens."""
    rates = Rates(input=round(usd_in * 1e9), output=round(usd_out * 1e9))
    return Price(tiers=(PriceTier(rates=rates),))


def quality(value: float) -> QualityPrior:
    return QualityPrior(value=value, basis="test")


def catalog(*models: ModelInfo) -> Catalog:
    """A catalogue of just these models, over the built-in providers."""
    built_in = Catalog.load(on=NOW.date())
    return replace(built_in, models=models, chains={}, roles={}, version="test")


def situation(
    rows: Catalog,
    *,
    request: Request | None = None,
    kind: Classification | None = None,
    settings: Settings | None = None,
    state: RoutingState | None = None,
) -> Situation:
    request = request or ask("Fix the login bug")
    return situate(
        Understood(request, request_counts(request), kind or classified()),
        settings=settings or Settings(),
        catalog=rows,
        state=state or RoutingState(usable_providers=frozenset(PROVIDERS)),
        now=NOW,
    )


def ask(prompt: str, **changes: object) -> Request:
    messages = (Message(role="user", content=prompt),)
    return Request.model_validate({"messages": messages, **changes})


def classified(**changes: object) -> Classification:
    fields: dict[str, object] = {
        "task_type": "debugging",
        "complexity": Complexity.MEDIUM,
        "pattern": Pattern.SINGLE_SHOT,
        "input_tokens": 20,
        "output_tokens": 500,
        "confidence": 0.8,
        "cues": ("asks to fix",),
    }
    return Classification.model_validate({**fields, **changes})
