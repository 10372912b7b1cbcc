"""The commands `reset cache` and `reset stats`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.confirmation import agreed
from mcp_router.cli.output import say, show_json, working, write
from mcp_router.cli.records import open_records
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import PATH

_AHEAD = timedelta(days=36_500)
"""Rows that a clock dated ahead go with the others."""


@with_global_options()
@click.group(invoke_without_command=True)
@click.pass_context
def reset(context: click.Context) -> None:
    """Forget what is cached, or the statistics."""
    if context.invoked_subcommand is None:
        raise click.UsageError("Say what to forget: reset cache, or reset stats.")


@with_examples("mcp-router reset cache")
@with_global_options()
@click.command()
@json_option
@as_session
def cache(session: Session, as_json: bool) -> None:
    """Forget kept answers and open breakers.

    Every breaker is closed, so that models which are back are called at once. Decisions that a
    running server keeps in memory go by themselves after the time to live of `cache.ttl`.
    """
    from mcp_router.storage.answers import AnswerCache
    from mcp_router.storage.reset import close_breakers

    with open_records(session) as store:
        answers = AnswerCache(store.database, ttl=session.settings.cache.ttl).clear()
        breakers = close_breakers(store.database)
    if as_json:
        show_json({"answers": answers, "breakers": breakers})
        return
    write(f"Forgot {answers:,} kept answers, and the failures of {breakers:,} models.\n")


@with_examples(
    "mcp-router reset stats --archive before-november.db", "mcp-router reset stats --yes"
)
@with_global_options()
@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--archive",
    "target",
    type=PATH,
    help="Move the rows to this database file instead of deleting them.",
)
@json_option
@click.pass_context
@as_session
def stats(
    session: Session, context: click.Context, yes: bool, target: Path | None, as_json: bool
) -> None:
    """Begin the statistics anew.

    Decisions, outcomes and what was learnt from them go. What the budgets count
    as spent stays, and what learning spent of today's allowance: forgetting
    widens no limit.
    """
    from mcp_router.storage.reset import clear_records

    question = "Delete all statistics for good?" if target is None else f"Move them to {target}?"
    if not yes and not agreed(question):
        say("hint", "Nothing was changed.")
        context.exit(1)
    with open_records(session) as store, working("Clearing"):
        moved = 0
        if target is not None:
            moved = sum(store.archive(before=session.clock() + _AHEAD, to=target))
        deleted = clear_records(store.database)
    if as_json:
        show_json({"moved": moved, "deleted": deleted})
        return
    where = "" if target is None else f" Moved {moved:,} rows to {clean(str(target))}."
    write(f"Statistics begin anew; deleted {deleted:,} rows.{where}\n")


reset.add_command(cache)
reset.add_command(stats)
