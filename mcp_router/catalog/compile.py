"""Joins models.toml with the prices of genai-prices into catalog.json; run at build time only."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from genai_prices.data import providers as priced_providers
from genai_prices.types import (
    ConditionalPrice,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from genai_prices.types import ModelInfo as PricedModel

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.document import FILE, Document, line
from mcp_router.money import to_nanos
from mcp_router.types import ModelInfo, Price, PriceTier, ProviderInfo, Rates, Value

SOURCE = Path(__file__).with_name("models.toml")
COMMAND = "python -m mcp_router.catalog.compile"

_PROVIDER_NAMES = {"xai": "x-ai"}
_PRICE_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}
_UNKNOWN = "unknown"


def compiled(source: Path = SOURCE) -> str:
    """Build the text of catalog.json: one row a line, in the order of the source.

    Raises:
        LookupError: genai-prices does not know a row that states no price, or no window.
        pydantic.ValidationError: the source does not have the shape of a catalogue.
        UnknownModelError: a chain, role or successor leads nowhere.
    """
    tables = tomllib.loads(source.read_text(encoding="utf-8"))
    content = Document(
        providers=tuple(
            ProviderInfo(name=name, **fields) for name, fields in tables["providers"].items()
        ),
        chains=tables["chains"],
        roles=tables["roles"],
        models=tuple(_model(name, fields) for name, fields in tables["models"].items()),
    )
    _check(content)
    return _text(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write catalog.json, or with --check only tell whether it is what would be written."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 if the file is stale")
    parser.add_argument("--file", type=Path, default=FILE, help="what to write or check")
    options = parser.parse_args(arguments)
    text = compiled()
    if not options.check:
        options.file.write_text(text, encoding="utf-8")
        return 0
    if options.file.is_file() and options.file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{options.file.name} is stale. Run: {COMMAND}\n")
    return 1


def _model(name: str, fields: Mapping[str, Any]) -> ModelInfo:
    row = {"name": name, "id": name, **fields}
    stated = row.pop("price", None)
    reference = row.pop("price_from", row["id"])
    priced = _priced_model(provider=row["provider"], reference=reference)
    if priced is None and (stated is None or "context" not in row):
        raise LookupError(f"{name}: genai-prices has no {row['provider']}/{reference}")
    if "context" not in row and priced is not None:
        if priced.context_window is None:
            raise LookupError(f"{name}: genai-prices names no window; state `context`")
        row["context"] = priced.context_window
    row["prices"] = _stated_prices(stated) if priced is None or stated else _prices(priced)
    return ModelInfo.model_validate(row)


def _priced_model(*, provider: str, reference: str) -> PricedModel | None:
    wanted = _PROVIDER_NAMES.get(provider, provider)
    models = [model for entry in priced_providers if entry.id == wanted for model in entry.models]
    return next((model for model in models if model.is_match(reference)), None)


def _prices(priced: PricedModel) -> tuple[Price, ...]:
    if isinstance(priced.prices, ModelPrice):
        return (Price(tiers=_tiers(priced.prices)),)
    return tuple(_conditional(entry) for entry in priced.prices)


def _conditional(entry: ConditionalPrice) -> Price:
    tiers = _tiers(entry.prices)
    match entry.constraint:
        case StartDateConstraint(start_date=day):
            return Price(tiers=tiers, since=datetime.combine(day, time.min, UTC))
        case TimeOfDateConstraint(start_time=start, end_time=end):
            return Price(tiers=tiers, window=(_minute(start), _minute(end)))
        case _:
            return Price(tiers=tiers)


def _minute(moment: time) -> int:
    if moment.second or moment.utcoffset():
        raise ValueError(f"a price window starts or ends at {moment}, not at a minute of UTC")
    return moment.hour * 60 + moment.minute


def _tiers(prices: ModelPrice) -> tuple[PriceTier, ...]:
    published: dict[str, Decimal | TieredPrices | None] = {
        ours: getattr(prices, theirs) for ours, theirs in _PRICE_KEYS.items()
    }
    tiered = [price for price in published.values() if isinstance(price, TieredPrices)]
    starts = sorted({0} | {tier.start for price in tiered for tier in price.tiers})
    return tuple(
        PriceTier(
            above=start,
            rates=Rates.model_validate(
                {
                    ours: _rate(price, above=start)
                    for ours, price in published.items()
                    if price is not None
                }
            ),
        )
        for start in starts
    )


def _rate(price: Decimal | TieredPrices, *, above: int) -> int:
    if isinstance(price, Decimal):
        return _exact_nanos(price)
    passed = [tier.price for tier in price.tiers if tier.start <= above and above > 0]
    return _exact_nanos(passed[-1] if passed else price.base)


def _exact_nanos(usd: Decimal) -> int:
    nanos = usd.scaleb(9)
    if nanos != int(nanos):
        raise ValueError(f"{usd} USD per million tokens is finer than a nano-dollar")
    return int(nanos)


def _stated_prices(price: Mapping[str, float] | str) -> tuple[Price, ...]:
    if isinstance(price, str):
        if price != _UNKNOWN:
            raise ValueError(f"a price is a table or {_UNKNOWN!r}, not {price!r}")
        return ()
    rates = Rates.model_validate({key: to_nanos(usd) for key, usd in price.items()})
    return (Price(tiers=(PriceTier(rates=rates),)),)


def _check(content: Document) -> None:
    catalog = Catalog(
        models=content.models,
        providers={provider.name: provider for provider in content.providers},
        chains=content.chains,
        roles=content.roles,
        on=date.max,
        version="",
    )
    catalog.check()


def _text(content: Document) -> str:
    chains = json.dumps({name: list(entries) for name, entries in content.chains.items()})
    parts = [
        f'"providers":[\n{_lines(content.providers)}\n]',
        f'"chains":{chains}',
        f'"roles":{json.dumps(dict(content.roles))}',
        f'"models":[\n{_lines(content.models)}\n]',
    ]
    return "{" + ",\n".join(parts) + "}\n"


def _lines(values: Sequence[Value]) -> str:
    return ",\n".join(line(value) for value in values)


if __name__ == "__main__":
    sys.exit(main())
