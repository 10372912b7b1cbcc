"""The options that say what a chosen model must satisfy."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

from mcp_router.cli.values import (
    MILLISECONDS,
    NAMES,
    SHARE,
    TOKENS,
    USD,
    names_among,
    rating_of,
)

if TYPE_CHECKING:
    from mcp_router.catalog.catalog import Catalog
    from mcp_router.types import Constraints

# Written out, so that --help need not import pydantic; a test compares them with the enums.
STRATEGIES = ("balanced", "quality_first", "cost_first", "latency_first")
NEEDS = ("vision", "tools", "json", "long_context", "thinking", "code")
CAPABILITIES = (
    "reasoning",
    "coding",
    "creativity",
    "speed",
    "context",
    "cost",
    "vision",
    "tools",
)
REQUIREMENTS = tuple(dict.fromkeys((*NEEDS, *CAPABILITIES)))

_F = TypeVar("_F", bound=Callable[..., object])
_Lists = tuple[tuple[str, ...], ...]

_OPTIONS = (
    click.option("--max-cost", type=USD, help="Most it may be expected to cost."),
    click.option("--max-latency", type=MILLISECONDS, help="Longest expected time."),
    click.option("--min-quality", type=SHARE, help="Least chance of a good answer."),
    click.option("--min-context", type=TOKENS, help="Least context window."),
    click.option(
        "--requires",
        type=names_among(REQUIREMENTS),
        multiple=True,
        help=f"What it must be able to do: {', '.join(REQUIREMENTS)}. Repeat, or use commas.",
    ),
    click.option(
        "--prefers",
        type=names_among(CAPABILITIES),
        multiple=True,
        help="Capabilities that count more, ruling nothing out.",
    ),
    click.option(
        "--min-rating",
        type=rating_of(CAPABILITIES),
        multiple=True,
        help="Least rating of a capability, such as coding=8.",
    ),
    click.option("--models", type=NAMES, multiple=True, help="The only models allowed."),
    click.option("--deny-models", type=NAMES, multiple=True, help="Models never to choose."),
    click.option("--providers", type=NAMES, multiple=True, help="The only providers allowed."),
    click.option("--deny-providers", type=NAMES, multiple=True, help="Providers never to choose."),
)


class Given(TypedDict):
    """The values of the constraint options as click passes them."""

    max_cost: Decimal | None
    max_latency: int | None
    min_quality: float | None
    min_context: int | None
    requires: _Lists
    prefers: _Lists
    min_rating: tuple[tuple[str, int], ...]
    models: _Lists
    deny_models: _Lists
    providers: _Lists
    deny_providers: _Lists


def constraint_options(function: _F) -> _F:
    """Add the constraint options to a command function, which takes them as `**given: Given`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def constraints_of(given: Given) -> Constraints:
    """Build the constraints; options that were not given leave the settings' own in force."""
    from mcp_router.types import Constraints

    values = {
        "max_cost_usd": given["max_cost"],
        "max_latency_ms": given["max_latency"],
        "min_quality": given["min_quality"],
        "min_context": given["min_context"],
        "requires": flat(given["requires"]),
        "prefers": flat(given["prefers"]),
        "min_capabilities": dict(given["min_rating"]),
        "models": flat(given["models"]),
        "deny_models": flat(given["deny_models"]),
        "providers": flat(given["providers"]),
        "deny_providers": flat(given["deny_providers"]),
    }
    present = {name: value for name, value in values.items() if value not in (None, (), {})}
    return Constraints.model_validate(present)


def check_providers(names: tuple[str, ...], *, catalog: Catalog) -> None:
    """Make sure that providers exist: a misspelt one would silently rule out nothing, or all.

    Raises:
        InvalidRequestError: there is no provider of a name.
    """
    for name in names:
        if name not in catalog.providers:
            from mcp_router.errors import InvalidRequestError

            known = ", ".join(sorted(catalog.providers))
            problem = f"there is no provider {name!r}"
            raise InvalidRequestError(field="providers", problem=problem, hint=f"Known: {known}.")


def flat(lists: _Lists) -> tuple[str, ...]:
    """Join what a repeatable, comma-separated option was given."""
    return tuple(dict.fromkeys(name for names in lists for name in names))
