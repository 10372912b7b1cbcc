"""The command `compare`: one request priced on every model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.constraints import flat
from mcp_router.cli.output import show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.values import NAMES, TOKENS

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.catalog.pricing import Cost
    from mcp_router.types import ModelInfo, Usage


class Amounts(TypedDict):
    """The token counts of the request."""

    cached: int
    cache_write: int
    reasoning: int


class Priced(NamedTuple):
    """A model with what the request costs on it, None if unknown, and why it cannot run there."""

    model: ModelInfo
    cost: Cost | None
    obstacle: str

    @property
    def total(self) -> int | None:
        """The cost in nano-dollars."""
        return None if self.cost is None else sum(self.cost)


@with_examples(
    "mcp-router compare opus gpt gemini",
    "mcp-router compare --input 20k --output 2k",
    "mcp-router compare --input 5k --cached 90k --output 1k --models opus,gpt",
)
@with_global_options()
@click.command()
@click.argument("named", nargs=-1, type=NAMES, metavar="[MODEL]...")
@click.option(
    "--input", "inputs", type=TOKENS, default="2k", show_default=True, help="Fresh input tokens."
)
@click.option(
    "--output",
    "outputs",
    type=TOKENS,
    default="500",
    show_default=True,
    help="Visible output tokens.",
)
@click.option("--cached", type=TOKENS, default="0", help="Input tokens read from a cache.")
@click.option("--cache-write", type=TOKENS, default="0", help="Input tokens written to one.")
@click.option("--reasoning", type=TOKENS, default="0", help="Hidden reasoning tokens.")
@click.option("--context", type=TOKENS, help="Window needed; the sum of the above unless given.")
@click.option("--models", type=NAMES, multiple=True, help="Only these models.")
@json_option
@as_session
def compare(
    session: Session,
    named: tuple[tuple[str, ...], ...],
    inputs: int,
    outputs: int,
    context: int | None,
    models: tuple[tuple[str, ...], ...],
    as_json: bool,
    **amounts: Unpack[Amounts],
) -> None:
    """Price one request on every model, or on those that are named, cheapest first.

    Marks the cheapest model that can take the request. Models of unknown price come last.
    """
    from mcp_router.types import Usage

    usage = Usage(
        input_tokens=inputs,
        cache_read_tokens=amounts["cached"],
        cache_write_tokens=amounts["cache_write"],
        reasoning_tokens=amounts["reasoning"],
        output_tokens=outputs,
    )
    now = session.clock()
    chosen = _chosen(session.catalog, flat((*named, *models)), now=now)
    needed = context or sum(usage.model_dump().values())
    rows = _priced(chosen, usage, needed=needed, session=session)
    best = next((row for row in rows if row.cost is not None and not row.obstacle), None)
    from mcp_router.cli.comparison_pages import comparison_json, comparison_page

    if as_json:
        show_json(comparison_json(rows, best=best, usage=usage, needed=needed))
    else:
        show(comparison_page(rows, best=best, usage=usage, needed=needed))


def _chosen(catalog: Catalog, names: tuple[str, ...], *, now: datetime) -> list[ModelInfo]:
    from mcp_router.catalog.names import is_retired

    if names:
        return list({model.name: model for model in map(catalog.resolve, names)}.values())
    return [model for model in catalog.models if not is_retired(model, on=now.date())]


def _priced(
    models: list[ModelInfo], usage: Usage, *, needed: int, session: Session
) -> list[Priced]:
    from mcp_router.catalog.pricing import cost_of
    from mcp_router.config.credentials import usable_providers

    now = session.clock()
    usable = usable_providers(session.catalog, settings=session.settings, environ=session.environ)
    answer = usage.output_tokens + usage.reasoning_tokens

    def obstacle(model: ModelInfo) -> str:
        if model.retires_on is not None and now.date() >= model.retires_on:
            return "retired"
        if model.context < needed:
            return "too small"
        if model.max_output < answer:
            return "too short"
        keyless = session.catalog.providers[model.provider].api_key_env is None
        return "not set up" if keyless and model.provider not in usable else ""

    rows = [Priced(one, cost_of(one, usage, now=now), obstacle(one)) for one in models]
    return sorted(rows, key=lambda row: (row.total is None, row.total or 0, row.model.name))
