"""The commands `budget`, `budget set` and `budget unset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypedDict, TypeVar, Unpack

import click

from mcp_router.cli.changing import write_changes
from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.values import LIMIT, SCOPE, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from mcp_router.config.edit import Keys, Setting

    Scopes = tuple[tuple[str, Decimal | str | None], ...]

T = TypeVar("T")

_project_file = click.option(
    "--project-file", is_flag=True, help="In the file of this project instead of your own."
)


class Limits(TypedDict, Generic[T]):
    """What options say of each limit: an amount, or whether to take it out."""

    daily: T
    monthly: T
    per_request: T
    total: T


@with_global_options()
@click.group(invoke_without_command=True)
@click.option("--set-daily", type=LIMIT, help="Set the limit per day, as `budget set` does.")
@click.option("--set-monthly", type=LIMIT, help="Set the limit per month.")
@click.option("--set-per-request", type=LIMIT, help="Set the limit per request.")
@json_option
@click.pass_context
def budget(
    context: click.Context,
    set_daily: Decimal | str | None,
    set_monthly: Decimal | str | None,
    set_per_request: Decimal | str | None,
    as_json: bool,
) -> None:
    """Show each budget and what is left of it.

    Limits are set with `budget set`, in the settings file, or with variables such as
    ROUTING_DAILY_BUDGET; agents cannot change them.
    """
    given = {"daily": set_daily, "monthly": set_monthly, "per_request": set_per_request}
    changes: dict[Keys, Setting] = {
        ("budget", name): amount for name, amount in given.items() if amount is not None
    }
    session = context.ensure_object(Session)
    if changes:
        if context.invoked_subcommand is not None or as_json:
            raise click.UsageError("--set-… stands by itself: limits are set, nothing is shown.")
        write_changes(session, changes)
    if changes or context.invoked_subcommand is not None:
        return
    with session.router() as router:
        budgets = router.budget()
    if as_json:
        show_json({"budgets": [one.model_dump(mode="json") for one in budgets]})
        return
    from mcp_router.cli.report_pages import budget_page

    show(budget_page(budgets))


@with_examples(
    "mcp-router budget set --daily 20 --monthly 250 --per-request 1",
    "mcp-router budget set --session refactoring=2.50",
    "mcp-router budget set --project site --daily 5 --total 100",
)
@with_global_options()
@click.command("set")
@click.option("--daily", type=LIMIT, help="Limit per day.")
@click.option("--monthly", type=LIMIT, help="Limit per month.")
@click.option("--per-request", type=LIMIT, help="Limit per request.")
@click.option("--total", type=LIMIT, help="Limit in all, of a session or project.")
@click.option("--session", "sessions", type=SCOPE, multiple=True, help="Whose limits these are.")
@click.option("--project", "projects", type=SCOPE, multiple=True, help="Whose limits these are.")
@_project_file
@as_session
def set_(
    session: Session,
    sessions: Scopes,
    projects: Scopes,
    project_file: bool,
    **limits: Unpack[Limits[Decimal | str | None]],
) -> None:
    """Set limits in your settings file.

    NAME=USD limits that session or project in all, besides the other limits. A NAME alone makes
    --daily, --monthly and --total limits of that session or project. Requests say what they
    belong to with tags, as with `run --tag project=NAME`. "none" lifts a limit that another file
    sets. Comments and layout of the file are kept.
    """
    tags = [*_tags("session", sessions), *_tags("project", projects)]
    owner = _owner([tag for tag, amount in tags if amount is None])
    changes: dict[Keys, Setting] = {
        (*owner, name): amount for name, amount in _by_period(limits).items() if amount is not None
    }
    changes |= {
        ("budget", "tags", tag, "total"): amount for tag, amount in tags if amount is not None
    }
    _check(changes, owner=owner)
    write_changes(session, changes, project_file=project_file)


@with_examples(
    "mcp-router budget unset --daily --monthly",
    "mcp-router budget unset --session refactoring",
)
@with_global_options()
@click.command()
@click.option("--daily", is_flag=True, help="The limit per day.")
@click.option("--monthly", is_flag=True, help="The limit per month.")
@click.option("--per-request", is_flag=True, help="The limit per request.")
@click.option("--total", is_flag=True, help="The limit in all, of a session or project.")
@click.option("--session", "sessions", type=WORDS, multiple=True, help="Whose limits.")
@click.option("--project", "projects", type=WORDS, multiple=True, help="Whose limits.")
@_project_file
@as_session
def unset(
    session: Session,
    sessions: tuple[str, ...],
    projects: tuple[str, ...],
    project_file: bool,
    **flags: Unpack[Limits[bool]],
) -> None:
    """Take limits out of your settings file.

    With --session or --project alone, all limits of that one.
    """
    tags = [*(f"session={name}" for name in sessions), *(f"project={name}" for name in projects)]
    owner = _owner(tags)
    named = [name for name, asked in _by_period(flags).items() if asked]
    if tags and not named:
        named = ["daily", "monthly", "total"]
    changes: dict[Keys, Setting] = {(*owner, name): None for name in named}
    _check(changes, owner=owner)
    write_changes(session, changes, project_file=project_file)


def _by_period(limits: Limits[T]) -> dict[str, T]:
    return {
        "daily": limits["daily"],
        "monthly": limits["monthly"],
        "per_request": limits["per_request"],
        "total": limits["total"],
    }


def _tags(kind: str, scopes: Scopes) -> list[tuple[str, Decimal | str | None]]:
    return [(f"{kind}={name}", amount) for name, amount in scopes]


def _owner(tags: list[str]) -> Keys:
    if len(tags) > 1:
        raise click.UsageError("Name one session or project, or give each its limit: NAME=USD.")
    return ("budget", "tags", tags[0]) if tags else ("budget",)


def _check(changes: Mapping[Keys, Setting], *, owner: Keys) -> None:
    if not changes:
        raise click.UsageError("Say which limits, such as --daily, --monthly or --per-request.")
    if (*owner, "per_request") in changes and len(owner) > 1:
        raise click.UsageError("--per-request holds for all requests, not for one tag.")
    if ("budget", "total") in changes:
        raise click.UsageError("--total needs the --session or --project that it limits.")


budget.add_command(set_)
budget.add_command(unset)
