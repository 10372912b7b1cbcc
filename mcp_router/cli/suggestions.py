"""The command `suggest`: how tokens and money could be saved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json
from mcp_router.cli.prompt import read_source, read_task
from mcp_router.cli.session import Session
from mcp_router.cli.values import PATH, WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.reporting.suggestions import Suggestion
    from mcp_router.types import Request


@with_examples(
    "mcp-router suggest",
    "mcp-router suggest --days 7 --json",
    "mcp-router suggest --request conversation.json",
)
@with_global_options()
@click.command()
@click.argument("prompt", nargs=-1, type=WORDS)
@click.option("--file", type=PATH, help="Read the task from a file; - is stdin.")
@click.option("--system", type=PATH, help="Read a system prompt from a file.")
@click.option(
    "--request",
    "whole",
    type=PATH,
    help="Read a whole request from a JSON file: messages, tools and the rest, or messages alone.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    help="Without a request: how far to look back.",
)
@json_option
@as_session
def suggest(
    session: Session,
    prompt: tuple[str, ...],
    file: Path | None,
    system: Path | None,
    whole: Path | None,
    days: int,
    as_json: bool,
) -> None:
    """Say how tokens and money could be saved.

    Looks at a request, or without one at the latest 1,000 runs. Nothing is sent anywhere.
    """
    request = _request(prompt, file=file, system=system, whole=whole)
    found: Sequence[Suggestion]
    if request is None:
        found, of = _from_history(session, days=days)
    else:
        found, of = _from_request(session, request), "this request"
    if as_json:
        show_json({"of": of, "suggestions": [one.model_dump(mode="json") for one in found]})
        return
    from mcp_router.cli.suggestion_pages import suggestions_page

    show(suggestions_page(found, of=of))


def _from_request(session: Session, request: Request) -> Sequence[Suggestion]:
    from mcp_router.reporting.suggestions import for_request

    with session.router() as router:
        now = router.now()
        decision = router.decide(request, state=router.observe(), now=now)
        return for_request(request, decision=decision, catalog=router.catalog, now=now)


def _from_history(session: Session, *, days: int) -> tuple[Sequence[Suggestion], str]:
    from mcp_router.cli.records import open_records
    from mcp_router.reporting.habits import for_history
    from mcp_router.reporting.text import counted
    from mcp_router.storage.runs import recent_runs

    now = session.clock()
    with open_records(session) as store:
        runs = recent_runs(store.database, since=now - timedelta(days=days))
    of = f"the latest {counted(len(runs), 'run')}"
    if not runs:
        of = f"the last {counted(days, 'day')}, which had no runs"
    return for_history(runs, catalog=session.catalog, now=now), of


def _request(
    prompt: tuple[str, ...], *, file: Path | None, system: Path | None, whole: Path | None
) -> Request | None:
    if whole is not None:
        if prompt or file or system:
            raise click.UsageError("Give a whole request with --request, or a task, not both.")
        return _whole(whole)
    if not prompt and file is None:
        if system is not None:
            raise click.UsageError("--system needs a task.")
        return None
    from mcp_router.routing.intake import as_request

    return as_request(read_task(prompt, file=file, system=system))


def _whole(path: Path) -> Request:
    import json

    from pydantic import ValidationError

    from mcp_router.errors import InvalidRequestError
    from mcp_router.routing.intake import as_request, invalid
    from mcp_router.types import Request

    text = read_source(path, option="--request")
    try:
        given: object = json.loads(text)
        body = json.dumps({"messages": given} if isinstance(given, list) else given)
        return as_request(Request.model_validate_json(body))
    except ValidationError as error:
        raise invalid(error) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            field="--request",
            problem="is not JSON",
            hint='Give {"messages": [{"role": "user", "content": "…"}]}.',
        ) from error
