"""The command `fallback`: which models are tried in which order, and which could be called now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.values import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.cli.fallback_pages import Ladder
    from mcp_router.execution.routes import Route
    from mcp_router.types import ModelInfo


@with_examples("mcp-router fallback", "mcp-router fallback --chain fast")
@with_global_options()
@click.command()
@click.option("--chain", type=NAMES, help="One chain by its name, or models in order (a,b,c).")
@json_option
@as_session
def fallback(session: Session, chain: tuple[str, ...] | None, as_json: bool) -> None:
    """Show the chains as ladders: price, key and breaker.

    A chain is asked for with --chain of `route` and `run`; without one each decision makes a
    ladder of its own. A model whose breaker is open is passed over until the time named.
    """
    from mcp_router.cli.fallback_pages import ladders_json, ladders_page

    ladders = _ladders(session, chain)
    rules = session.settings.fallback
    if as_json:
        show_json(ladders_json(ladders, rules=rules, now=session.clock()))
    else:
        show(ladders_page(ladders, rules=rules, now=session.clock()))


def _ladders(session: Session, chain: tuple[str, ...] | None) -> tuple[Ladder, ...]:
    from mcp_router.cli.fallback_pages import Ladder, Rung
    from mcp_router.cli.records import open_records
    from mcp_router.execution.routes import Routes
    from mcp_router.storage.breaker import Breaker
    from mcp_router.storage.periods import to_ms

    catalog = session.catalog
    named = _chains(catalog, chain)
    routes = Routes(catalog, settings=session.settings, environ=session.environ)
    ways = {model.name: routes.of(model.name) for _, models in named for model in models}
    keys = [route.key for found in ways.values() for route in found]
    with open_records(session) as store:
        verdicts = Breaker(store.database).check(keys, now=to_ms(session.clock()))
    rungs = {
        name: Rung(
            found[0].model,
            _key(session, found),
            # Of several places that serve a model, the one that may be called soonest counts.
            min((verdicts[one.key] for one in found), key=lambda one: (not one.allowed, one.until)),
        )
        for name, found in ways.items()
    }
    return tuple(
        Ladder(name, tuple(rungs[model.name] for model in models)) for name, models in named
    )


def _chains(
    catalog: Catalog, chain: tuple[str, ...] | None
) -> list[tuple[str, tuple[ModelInfo, ...]]]:
    if chain is None:
        return [(name, catalog.chain(name)) for name in catalog.chains]
    return [(", ".join(chain), catalog.chain(chain[0] if len(chain) == 1 else chain))]


def _key(session: Session, routes: Sequence[Route]) -> str:
    """Say whether a key is there for any of the routes, or the variable to put it in."""
    from mcp_router.config.credentials import usable_providers

    usable = usable_providers(session.catalog, settings=session.settings, environ=session.environ)
    ready = [route.target.provider for route in routes if route.provider in usable]
    if ready:
        return "set" if ready[0].api_key_env else "none needed"
    variable = routes[0].target.provider.api_key_env
    return f"no {variable}" if variable else "not set up"
