"""The command `explain`: a recorded decision whole, the latest ones, or one made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.values import PATH, WORDS

if TYPE_CHECKING:
    from mcp_router.router import Router

LISTED = 20


@with_examples(
    "mcp-router explain",
    "mcp-router explain --list",
    "mcp-router explain dec_0123456789abcdef --replay --config other.toml",
)
@with_global_options()
@click.command()
@click.argument("decision", required=False, type=WORDS)
@click.option("--list", "as_list", is_flag=True, help=f"List the latest {LISTED} decisions.")
@click.option("--replay", is_flag=True, help="Decide again, and show both side by side.")
@click.option(
    "--config",
    "other",
    type=PATH,
    help="With --replay: the settings file to decide under; else the one settings file to read.",
)
@json_option
@as_session
def explain(
    session: Session,
    decision: str | None,
    as_list: bool,
    replay: bool,
    other: Path | None,
    as_json: bool,
) -> None:
    """Show every reason behind a recorded decision, the latest one without an id."""
    if as_list and (decision or replay):
        raise click.UsageError("--list shows the latest decisions; give no id and no --replay.")
    if other is not None and not replay:
        session.config = other
    with session.router() as router:
        if as_list:
            _list(router, as_json=as_json)
        elif replay:
            _replay(session, router, decision=decision, other=other, as_json=as_json)
        else:
            _show(router, decision=decision, as_json=as_json)


def _show(router: Router, *, decision: str | None, as_json: bool) -> None:
    found = router.explain(decision)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    from mcp_router.cli.explanation_pages import explanation_page

    show(explanation_page(found))


def _list(router: Router, *, as_json: bool) -> None:
    latest = router.recent(limit=LISTED)
    if as_json:
        show_json([one.model_dump(mode="json") for one in latest])
        return
    from mcp_router.cli.explanation_pages import list_page

    show(list_page(latest))


def _replay(
    session: Session, router: Router, *, decision: str | None, other: Path | None, as_json: bool
) -> None:
    recorded = router.explain(decision)
    settings = session.settings
    if other is not None:
        settings = session.load(other, environ=session.environ).settings
    again = router.replay(recorded.decision_id, settings=settings)
    if as_json:
        both = {"recorded": recorded, "replayed": again}
        show_json({name: one.model_dump(mode="json") for name, one in both.items()})
        return
    from mcp_router.cli.explanation_pages import replay_page

    show(replay_page(recorded, again, under=str(other) if other else "the settings now"))
