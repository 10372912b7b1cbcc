"""The command `cache`: what kept answers hold and saved, and how they are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json, write
from mcp_router.cli.records import open_records
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.config.settings import CacheSettings
    from mcp_router.storage.answers import AnswerCache
    from mcp_router.storage.database import Database

_MB = 1024 * 1024


@with_examples(
    "mcp-router config --set cache.answers exact",
    "mcp-router cache",
    "mcp-router cache clear --model opus",
)
@with_global_options()
@click.group(invoke_without_command=True)
@json_option
@click.pass_context
@as_session
def cache(session: Session, context: click.Context, as_json: bool) -> None:
    """Show what kept answers hold and what they saved."""
    if context.invoked_subcommand is not None:
        return
    from mcp_router.cli.cache_page import cache_json, cache_page

    rules = session.settings.cache
    with open_records(session) as store:
        found = _answers(store.database, rules=rules).statistics()
    if as_json:
        show_json(cache_json(found, rules=rules))
    else:
        show(cache_page(found, rules=rules))


@with_examples("mcp-router cache clear")
@with_global_options()
@click.command()
@click.option("--model", metavar="MODEL", help="Only the answers of this model.")
@json_option
@as_session
def clear(session: Session, model: str | None, as_json: bool) -> None:
    """Forget kept answers.

    Without --model the statistics of the cache begin anew as well.
    """
    name = None if model is None else session.catalog.resolve(model).name
    with open_records(session) as store:
        gone = _answers(store.database, rules=session.settings.cache).clear(model=name)
    if as_json:
        show_json({"answers": gone})
        return
    write(f"Forgot {gone:,} kept answers.\n")


def _answers(database: Database, *, rules: CacheSettings) -> AnswerCache:
    from mcp_router.storage.answers import AnswerCache

    return AnswerCache(database, ttl=rules.answers_ttl, max_bytes=rules.answers_max_mb * _MB)


cache.add_command(clear)
