"""Pages and JSON of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.catalog.names import is_retired
from mcp_router.catalog.pricing import rates_at
from mcp_router.cli.page import Column, Fields, Line, Notes, Page, Table
from mcp_router.cli.text import UNKNOWN, duration, rounded_tokens
from mcp_router.money import format_usd, short_usd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.cli.page import Block
    from mcp_router.types import ModelInfo, Price, Rates

_RATED = ("reasoning", "coding", "speed")


def list_page(models: Sequence[ModelInfo], *, now: datetime) -> Page:
    """Build the list of models: size, price per million tokens, quality, ratings."""
    if not models:
        return Page((Line("No model matches."),))
    columns = (
        Column("Model", flexible=True),
        Column("Provider"),
        Column("Size", right=True),
        Column("$/M in/out", right=True),
        Column("Qual", right=True),
        Column("R/C/S", right=True),
        Column("Retires"),
    )
    legend = (
        "Size: context window in tokens. R/C/S: reasoning, coding and speed, rated 1 to 10.",
        "One model whole: mcp-router models NAME",
    )
    rows = tuple(_row(model, now=now) for model in models)
    return Page((Table(columns, rows), Notes("hint", legend)))


def model_page(
    model: ModelInfo, *, catalog: Catalog, now: datetime, believed: Sequence[Block] = ()
) -> Page:
    """Build the page of one model: every field, the names for it, all prices, what is believed."""
    blocks = (
        Line(_title(model), tone="title"),
        Fields(tuple((name, value) for name, value in _facts(model, catalog, now) if value)),
        _prices(model),
        Table(
            (Column("Capability"), Column("Rating", right=True)),
            tuple((name.value, str(rating)) for name, rating in model.capabilities.items()),
        ),
    )
    return Page((*blocks, *believed))


def _title(model: ModelInfo) -> str:
    return model.name if model.label == model.name else f"{model.label} ({model.name})"


def model_json(model: ModelInfo, *, now: datetime) -> dict[str, Any]:
    """Build the JSON of a model, with the price in force now in USD per million tokens."""
    row: dict[str, Any] = model.model_dump(mode="json", exclude={"prices", "features"})
    # A set has no order of its own.
    row["features"] = sorted(model.features)
    row["retired"] = is_retired(model, on=now.date())
    rates = rates_at(model, now=now, prompt_tokens=0)
    row["price"] = None if rates is None else _rates_json(rates)
    row["prices"] = [
        {
            "since": None if price.since is None else price.since.isoformat(),
            "hours_utc": _window(price),
            "tiers": [
                {"above_tokens": tier.above, **_rates_json(tier.rates)} for tier in price.tiers
            ],
        }
        for price in model.prices
    ]
    return row


def _row(model: ModelInfo, *, now: datetime) -> tuple[str, ...]:
    rates = rates_at(model, now=now, prompt_tokens=0)
    ratings = {name.value: rating for name, rating in model.capabilities.items()}
    return (
        model.name,
        model.provider,
        rounded_tokens(model.context),
        UNKNOWN if rates is None else f"{short_usd(rates.input)}/{short_usd(rates.output)}",
        f"{model.quality.value:.2f}",
        "/".join(str(ratings[name]) for name in _RATED),
        "" if model.retires_on is None else model.retires_on.isoformat(),
    )


def _facts(model: ModelInfo, catalog: Catalog, now: datetime) -> list[tuple[str, str]]:
    provider = catalog.providers[model.provider]
    key = f", key in {provider.api_key_env}" if provider.api_key_env else ", no key needed"
    others = sorted(alias for alias, name in catalog.aliases.items() if name == model.name)
    latency = model.latency
    return [
        ("Provider", f"{model.provider}{key}"),
        ("Its id there", model.id),
        ("Address", provider.base_url),
        ("Also called", ", ".join(others)),
        ("Size class", model.tier),
        ("Context", f"{model.context:,} tokens, answers up to {model.max_output:,}"),
        ("Can do", ", ".join(sorted(model.features))),
        ("Quality", f"{model.quality.value:.2f} ({model.quality.basis})"),
        ("Speed", _speed(model)),
        ("Speed from", latency.basis),
        ("Reasoning", _thinking(model)),
        ("Tokenizer", model.family),
        ("Refuses", ", ".join(model.rejects)),
        ("Released", "" if model.released is None else model.released.isoformat()),
        ("Retires", _retirement(model, now)),
    ]


def _speed(model: ModelInfo) -> str:
    first = duration(model.latency.first_token_ms)
    return f"first token after {first}, then {model.latency.tokens_per_second:g} tokens/s"


def _thinking(model: ModelInfo) -> str:
    factor = model.thinking_factor
    return f"about {factor:g} hidden tokens per visible one" if factor else ""


def _retirement(model: ModelInfo, now: datetime) -> str:
    if model.retires_on is None:
        return ""
    word = " (retired)" if is_retired(model, on=now.date()) else ""
    successor = f", then {model.successor}" if model.successor else ""
    return f"{model.retires_on.isoformat()}{word}{successor}"


def _prices(model: ModelInfo) -> Table | Line:
    if not model.prices:
        return Line("Its price is unknown; set it in the config.")
    columns = (
        Column("From"),
        Column("Hours (UTC)"),
        Column("Prompts above", right=True),
        *(Column(title, right=True) for title in ("In", "Cache read", "Cache write", "Out")),
    )
    rows = tuple(
        (
            "" if price.since is None else f"{price.since:%Y-%m-%d %H:%M}".removesuffix(" 00:00"),
            _window(price) or "",
            f"{tier.above:,}",
            *_rates(tier.rates),
        )
        for price in model.prices
        for tier in price.tiers
    )
    return Table(columns, rows, title="Prices in USD per million tokens")


def _rates(rates: Rates) -> tuple[str, str, str, str]:
    read = "" if rates.cache_read is None else format_usd(rates.cache_read)
    write = "" if rates.cache_write is None else format_usd(rates.cache_write)
    return format_usd(rates.input), read, write, format_usd(rates.output)


def _rates_json(rates: Rates) -> dict[str, str | None]:
    written = {name: getattr(rates, name) for name in ("input", "output", "cache_read")}
    written["cache_write"] = rates.cache_write
    return {name: None if rate is None else format_usd(rate) for name, rate in written.items()}


def _window(price: Price) -> str | None:
    if price.window is None:
        return None
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in price.window)
    return f"{start}-{end}"
