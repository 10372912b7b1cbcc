"""The commands `token create`, `token list` and `token revoke`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import say, show, show_json, write
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import NAMES, USD, WORDS

if TYPE_CHECKING:
    from decimal import Decimal

    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.tokens import AccessToken, Scope

# Written out, so that --help need not load the store; a test says that they are the same.
SCOPES: tuple[Scope, ...] = ("read", "execute", "admin")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_DAY_MS = 86_400_000
_MOST_PER_MINUTE = 1_000_000_000


@with_examples("mcp-router token create ci --daily 5", "mcp-router token revoke ci")
@with_global_options()
@click.group(invoke_without_command=True)
@click.pass_context
def token(context: click.Context) -> None:
    """Make, list and revoke the tokens of the HTTP server.

    Each client of `mcp-router serve --http` needs one. It may have budgets, models and rates of its
    own; the budgets for everybody hold besides.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@with_examples(
    "mcp-router token create ci --daily 5 --models haiku,gpt-5-mini",
    "mcp-router token create dashboard --scope read --expires 30",
)
@with_global_options()
@click.command()
@click.argument("name", type=WORDS)
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="execute",
    show_default=True,
    help="read: lists and advice. execute: also calls. admin: also what others spent.",
)
@click.option("--daily", type=USD, help="Limit per day.")
@click.option("--monthly", type=USD, help="Limit per month.")
@click.option("--models", type=NAMES, default=(), help="The only models it may have.")
@click.option("--rpm", type=click.IntRange(1, _MOST_PER_MINUTE), help="Most requests per minute.")
@click.option("--tpm", type=click.IntRange(1, _MOST_PER_MINUTE), help="Most tokens per minute.")
@click.option("--expires", type=click.IntRange(1, 36_500), help="Days until it is void.")
@json_option
@as_session
def create(
    session: Session,
    name: str,
    scope: Scope,
    daily: Decimal | None,
    monthly: Decimal | None,
    models: tuple[str, ...],
    rpm: int | None,
    tpm: int | None,
    expires: int | None,
    as_json: bool,
) -> None:
    """Make a token and show it, this once.

    What is kept is its hash. Servers that are running know it within a second.
    """
    from mcp_router.errors import InvalidRequestError
    from mcp_router.money import to_nanos
    from mcp_router.storage.periods import to_ms
    from mcp_router.storage.tokens import AccessToken, add_token, digest_of, new_secret

    if not _NAME.fullmatch(name):
        hint = "Letters, digits, dots, hyphens, underscores and @, 64 at the most."
        problem = f"{clean(name[:40])!r} is no name for a token"
        raise InvalidRequestError(field="name", problem=problem, hint=hint)
    resolved = tuple(dict.fromkeys(session.catalog.resolve(one).name for one in models))
    secret, now = new_secret(), to_ms(session.clock())
    made = AccessToken(
        name=name,
        digest=digest_of(secret),
        scope=scope,
        models=resolved,
        daily_nanos=None if daily is None else to_nanos(daily),
        monthly_nanos=None if monthly is None else to_nanos(monthly),
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        created_ms=now,
        expires_ms=None if expires is None else now + expires * _DAY_MS,
    )
    with _opened(session) as store:
        if not add_token(store.database, made):
            hint = f"Revoke it first: mcp-router token revoke {name}"
            raise InvalidRequestError(field="name", problem=f"{name!r} is taken", hint=hint)
    if as_json:
        from mcp_router.cli.token_pages import token_json

        show_json({"token": secret, **token_json(made, now=now)})
        return
    write(f"{secret}\n")
    say("hint", "This is the only time it is shown. Clients send it as: Authorization: Bearer …")


@with_examples("mcp-router token list", "mcp-router token list --all --json")
@with_global_options()
@click.command("list")
@click.option("--all", "everyone", is_flag=True, help="Also those revoked or expired.")
@json_option
@as_session
def list_(session: Session, everyone: bool, as_json: bool) -> None:
    """List the tokens, with what each may do and has spent."""
    from mcp_router.cli.token_pages import token_json, tokens_page
    from mcp_router.storage.periods import to_ms

    now = to_ms(session.clock())
    with _opened(session) as store:
        tokens = _tokens(store, now=now, everyone=everyone)
        spent = {one.name: _spent(store, one, now=now) for one in tokens}
    if as_json:
        rows = [token_json(one, now=now, spent=spent[one.name]) for one in tokens]
        show_json({"tokens": rows})
    else:
        show(tokens_page(tokens, spent=spent, now=now))


@with_examples("mcp-router token revoke ci")
@with_global_options()
@click.command()
@click.argument("name", type=WORDS)
@as_session
def revoke(session: Session, name: str) -> None:
    """Revoke a token for good; every server refuses it within a second."""
    from mcp_router.errors import InvalidRequestError
    from mcp_router.storage.periods import to_ms
    from mcp_router.storage.tokens import revoke_token

    with _opened(session) as store:
        done = revoke_token(store.database, name, now=to_ms(session.clock()))
    if not done:
        hint = "List them: mcp-router token list --all"
        raise InvalidRequestError(field="name", problem="no such token is in force", hint=hint)
    say("done", f"The token {name} is revoked.")


def _opened(session: Session) -> SqliteStore:
    from mcp_router.storage.opened import open_store

    return open_store(session.settings)


def _tokens(store: SqliteStore, *, now: int, everyone: bool) -> tuple[AccessToken, ...]:
    from mcp_router.storage.tokens import read_tokens

    return tuple(one for one in read_tokens(store.database) if everyone or one.is_live(now))


def _spent(store: SqliteStore, token: AccessToken, *, now: int) -> tuple[Decimal, Decimal]:
    from mcp_router.storage.tokens import token_rules

    day, month = store.ledger.status(token_rules(token), now=now)
    return day.spent_usd, month.spent_usd


token.add_command(create)
token.add_command(list_)
token.add_command(revoke)
