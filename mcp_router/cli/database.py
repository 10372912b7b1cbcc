"""The commands under `db`: where the database is, what it holds, and its upkeep."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_global_options
from mcp_router.cli.confirmation import agreed
from mcp_router.cli.output import say, show, show_json, working, write
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import PATH

if TYPE_CHECKING:
    from mcp_router.storage.kinds import Kind
    from mcp_router.storage.sqlite import SqliteStore

# Written out, so that --help need not import the storage; the type says what is allowed.
KINDS: tuple[Kind, ...] = ("decisions", "outcomes", "fallbacks", "rate_limits")

_before = click.option(
    "--before",
    type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S")),
    help="Rows from before this day, in the time zone of your budget.",
)
_keep_days = click.option(
    "--keep-days", type=click.IntRange(0, 36_500), help="Rows older than so many days."
)


@with_global_options()
@click.group(invoke_without_command=True)
@click.pass_context
def db(context: click.Context) -> None:
    """Look after the database."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@with_global_options()
@click.command()
@as_session
def path(session: Session) -> None:
    """Print where it is, or will be created."""
    write(f"{clean(str(_place(session)))}\n")


@with_global_options()
@click.command()
@json_option
@as_session
def info(session: Session, as_json: bool) -> None:
    """Show its size and how many rows it holds."""
    from mcp_router.cli.database_pages import Contents, info_page

    with _store(session) as store:
        contents = Contents.of(store)
    if as_json:
        show_json(contents._asdict())
    else:
        show(info_page(contents))


@with_global_options()
@click.command()
@click.pass_context
@as_session
def check(session: Session, context: click.Context) -> None:
    """Check the file and its sums.

    Writes one line for each problem and exits with 1 where there is any.
    """
    with _store(session) as store, working("Checking"):
        problems = store.integrity()
    write("".join(f"{clean(problem)}\n" for problem in problems) or "The database is sound.\n")
    if problems:
        say("hint", "Move the file away to start a new one, or restore a backup.")
        context.exit(1)


@with_global_options()
@click.command()
@_before
@_keep_days
@click.option("--to", "target", type=PATH, required=True, help="The file to move to.")
@as_session
def archive(session: Session, before: datetime | None, keep_days: int | None, target: Path) -> None:
    """Move old rows to another database file.

    Reports keep their sums. A move that was interrupted is finished by the next one.
    """
    cut = _cut(session, before=before, keep_days=keep_days)
    with _store(session) as store, working("Moving old rows"):
        moved = store.archive(before=cut, to=target)
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in _counted(moved))
    write(f"Moved to {clean(str(target))}: {counts}.\n")


@with_global_options()
@click.command()
@_before
@_keep_days
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
@as_session
def prune(
    session: Session,
    context: click.Context,
    before: datetime | None,
    keep_days: int | None,
    yes: bool,
) -> None:
    """Delete old rows for good.

    Reports keep their sums. To keep the rows elsewhere, use archive.
    """
    from mcp_router.cli.database_pages import Contents
    from mcp_router.reporting.text import counted

    cut = _cut(session, before=before, keep_days=keep_days)
    if not yes and not agreed(f"Delete every row from before {cut:%Y-%m-%d %H:%M %Z}?"):
        say("hint", "Nothing was deleted.")
        context.exit(1)
    with _store(session) as store, working("Deleting old rows"):
        held = Contents.of(store).total
        store.prune(before=cut)
        gone = held - Contents.of(store).total
    write(f"Deleted {counted(gone, 'row')}.\n")


@with_global_options()
@click.command()
@as_session
def vacuum(session: Session) -> None:
    """Compress it and free space on the disk."""
    with _store(session) as store, working("Compressing"):
        held = store.database.facts().bytes
        store.vacuum()
        left = store.database.facts().bytes
    write(f"{held:,} bytes before, {left:,} after.\n")


@with_global_options()
@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy a whole history to another database.

    FROM and TO are files or postgresql:// addresses, of either kind. Every table is compared
    afterwards. A copy that was interrupted is finished by running it again.
    """
    from mcp_router.cli.database_pages import copied_page
    from mcp_router.storage.copying import copy_history
    from mcp_router.storage.database import Database

    _must_exist(source)
    with Database.open(source) as one, Database.open(target) as other, working("Copying"):
        copied = copy_history(one, other, advance=_unseen)
    if as_json:
        show_json([one._asdict() for one in copied])
    else:
        show(copied_page(copied))


def _unseen(table: str, rows: int) -> None:
    """Show nothing of a table that was copied: a spinner is enough."""


def _must_exist(place: str) -> None:
    from mcp_router.config.checks import is_database_address
    from mcp_router.errors import StorageError

    try:
        there = is_database_address(place) or Path(place).is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise StorageError(path=place, problem="it does not exist", hint="Name a database file.")


def _place(session: Session) -> Path | str:
    from mcp_router.storage.database import file_at
    from mcp_router.storage.opened import database_place

    place = database_place(session.settings)
    return place if isinstance(place, str) else file_at(place)


def _store(session: Session) -> SqliteStore:
    """Open the database that is there; upkeep has no reason to create one."""
    from mcp_router.errors import StorageError
    from mcp_router.storage.opened import is_there
    from mcp_router.storage.sqlite import SqliteStore

    file = _place(session)
    if not is_there(session.settings):
        hint = "It is created with the first decision: mcp-router route …"
        raise StorageError(path=str(file), problem="it does not exist yet", hint=hint)
    return SqliteStore.open(file)


def _cut(session: Session, *, before: datetime | None, keep_days: int | None) -> datetime:
    from zoneinfo import ZoneInfo

    if (before is None) == (keep_days is None):
        raise click.UsageError("Say which rows, with either --before or --keep-days.")
    zone = ZoneInfo(session.settings.budget.timezone)
    if before is not None:
        return before.replace(tzinfo=zone)
    return session.clock().astimezone(zone) - timedelta(days=keep_days or 0)


def _counted(moved: tuple[int, ...]) -> list[tuple[str, int]]:
    return list(zip(KINDS, moved, strict=True))


for command in (path, info, check, archive, prune, vacuum, copy):
    db.add_command(command)
