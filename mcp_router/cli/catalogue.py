"""The command `models`: the catalogue as a list, or one row of it whole."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.constraints import REQUIREMENTS, check_providers, flat
from mcp_router.cli.output import show, show_json, working
from mcp_router.cli.session import Session
from mcp_router.cli.values import NAMES, TOKENS, USD, WORDS, names_among

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.cli.checkup import Finding
    from mcp_router.types import Grades, ModelInfo

TIERS = ("frontier", "strong", "standard", "small")


class Filters(TypedDict):
    """The options that narrow the list down."""

    providers: tuple[tuple[str, ...], ...]
    tier: str | None
    requires: tuple[tuple[str, ...], ...]
    min_context: int | None
    max_input_price: Decimal | None
    with_retired: bool


@with_examples(
    "mcp-router models",
    "mcp-router models sonnet",
    "mcp-router models gemini --requires vision --max-input-price 1 --json",
)
@with_global_options()
@click.command()
@click.argument("name", required=False, type=WORDS, metavar="[NAME|FILTER]")
@click.option("--provider", "providers", type=NAMES, multiple=True, help="Only of this provider.")
@click.option("--tier", type=click.Choice(TIERS), help="Only of this size class.")
@click.option(
    "--requires",
    type=names_among(REQUIREMENTS),
    multiple=True,
    help="Only those that can do this, or are rated at least 7 for it.",
)
@click.option("--min-context", type=TOKENS, help="Least context window.")
@click.option("--max-input-price", type=USD, help="Most per million input tokens.")
@click.option("--all", "with_retired", is_flag=True, help="Retired and disabled ones as well.")
@click.option("--check", is_flag=True, help="Ask each provider with a key for one token.")
@json_option
@click.pass_context
@as_session
def models(
    session: Session,
    context: click.Context,
    name: str | None,
    check: bool,
    as_json: bool,
    **filters: Unpack[Filters],
) -> None:
    """List the models, or show one whole.

    A name, alias or role alone shows that model; any other text, or a name with options, lists
    the models whose name, label or provider contains it. Prices are in USD per million tokens.
    One model comes with its expected share of good answers by task and complexity, where that
    comes from, and how many judgements of your own are in it.

    --check says which providers have credentials and answer, by a request to the cheapest model
    of each, which costs next to nothing; without a key nothing is asked. It exits with 1 where a
    provider that has a key does not answer.
    """
    catalog, now = session.catalog, session.clock()
    check_providers(flat(filters["providers"]), catalog=catalog)
    one = None if name is None or any(filters.values()) else _named(name, catalog)
    found = [one] if one else _matching(name or "", filters, catalog=catalog, now=now)
    if name and not found and not any(filters.values()):
        catalog.resolve(name)
    if check:
        narrowed = name is not None or any(filters.values())
        context.exit(_check(session, found, narrowed=narrowed, as_json=as_json))
    from mcp_router.cli.catalogue_pages import list_page, model_json, model_page
    from mcp_router.cli.evidence_pages import beliefs, evidence_blocks, evidence_json

    cells = beliefs(one, _grades(session, one)) if one else {}
    if as_json:
        rows = [model_json(model, now=now) for model in found]
        show_json({**rows[0], "evidence": evidence_json(cells)} if one else rows)
    elif one:
        show(model_page(one, catalog=catalog, now=now, believed=evidence_blocks(cells)))
    else:
        show(list_page(found, now=now))


def _check(session: Session, models: list[ModelInfo], *, narrowed: bool, as_json: bool) -> int:
    import anyio

    from mcp_router.cli.checkup import Scope, check_up
    from mcp_router.cli.checkup_pages import checkup_json, checkup_page
    from mcp_router.config.credentials import usable_providers

    catalog, settings, environ = session.catalog, session.settings, session.environ
    named = [model.provider for model in models] if narrowed else catalog.providers
    usable = usable_providers(catalog, settings=settings, environ=environ)
    scope = Scope(tuple(dict.fromkeys(named)), models, usable)

    async def look() -> tuple[Finding, ...]:
        async with session.router() as router:
            return await check_up(router, scope=scope, environ=environ)

    with working("Asking"):
        findings = anyio.run(look)
    if as_json:
        show_json(checkup_json(findings))
    else:
        show(checkup_page(findings))
    return int(any(one.status == "failed" for one in findings))


def _grades(session: Session, model: ModelInfo) -> tuple[Grades, ...]:
    """Read how the model's answers were judged here; looking at it creates no database."""
    from mcp_router.storage.opened import is_there, open_store

    settings = session.settings
    if not settings.learning.enabled or not is_there(settings):
        return ()
    with closing(open_store(settings)) as store:
        return store.grades(now=session.clock()).get(model.name, ())


def _named(name: str, catalog: Catalog) -> ModelInfo | None:
    from mcp_router.errors import UnknownModelError

    try:
        return catalog.resolve(name)
    except UnknownModelError:
        return None


def _matching(text: str, filters: Filters, *, catalog: Catalog, now: datetime) -> list[ModelInfo]:
    from mcp_router.catalog.names import is_retired

    today, providers = now.date(), flat(filters["providers"])
    rows = (*catalog.models, *catalog.disabled) if filters["with_retired"] else catalog.models
    return [
        model
        for model in rows
        if (filters["with_retired"] or not is_retired(model, on=today))
        and (not providers or model.provider in providers)
        and filters["tier"] in (None, model.tier)
        and model.context >= (filters["min_context"] or 0)
        and _mentions(model, text)
        and all(_meets(model, name) for name in flat(filters["requires"]))
        and _affordable(model, filters["max_input_price"], now=now)
    ]


def _mentions(model: ModelInfo, text: str) -> bool:
    wanted = text.strip().lower()
    names = (model.name, model.id, model.label, model.provider, model.line, *model.aliases)
    return any(wanted in name.lower() for name in names)


def _meets(model: ModelInfo, name: str) -> bool:
    from mcp_router.routing.filters import REQUIRED_RATING
    from mcp_router.types import Capability, Need

    if name in set(Need):
        return name in model.features
    return model.capabilities[Capability(name)] >= REQUIRED_RATING


def _affordable(model: ModelInfo, limit: Decimal | None, *, now: datetime) -> bool:
    if limit is None:
        return True
    from mcp_router.catalog.pricing import rates_at
    from mcp_router.money import to_nanos

    rates = rates_at(model, now=now, prompt_tokens=0)
    return rates is not None and rates.input <= to_nanos(limit)
