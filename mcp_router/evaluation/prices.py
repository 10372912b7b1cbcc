"""What models of recorded outcomes cost: from a file, else from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.pricing import rates_at
from mcp_router.errors import InvalidRequestError, UnknownModelError
from mcp_router.evaluation.outcomes import Rates
from mcp_router.types import Value

_NANOS = 1e9

PerMillion = Annotated[float, Field(ge=0, le=1e6)]


class Listed(Value):
    """The price of one model, USD per million tokens."""

    input: PerMillion
    output: PerMillion


def read_prices(path: Path) -> Rates:
    """Read a JSON object of prices by model, such as {"gpt": {"input": 1.25, "output": 10}}.

    Raises:
        InvalidRequestError: the file cannot be read or holds something else.
    """
    try:
        found = TypeAdapter(dict[str, Listed]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InvalidRequestError(
            field="prices",
            problem=f"{path.name} cannot be read as prices",
            hint='It is {"MODEL": {"input": 1.25, "output": 10}}, in USD per million tokens.',
        ) from error
    return {name: (one.input, one.output) for name, one in found.items()}


def catalogue_rates(names: Iterable[str], *, catalog: Catalog, now: datetime) -> Rates:
    """Look up today's base price of each model that the catalogue knows and prices."""
    rates: dict[str, tuple[float, float]] = {}
    for name in names:
        try:
            found = rates_at(catalog.resolve(name), now=now, prompt_tokens=0)
        except UnknownModelError:
            continue
        if found is not None:
            rates[name] = (found.input / _NANOS, found.output / _NANOS)
    return rates
