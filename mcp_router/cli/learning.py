"""The command `learn`: what was learnt, what it changed, and how to stop or undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import say, show, show_json, working
from mcp_router.cli.records import open_records
from mcp_router.cli.session import Session
from mcp_router.cli.values import WORDS

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.storage.sqlite import SqliteStore


@with_examples(
    "mcp-router learn",
    "mcp-router learn --undo debugging",
    "mcp-router learn --off",
)
@with_global_options()
@click.command()
@click.argument("task", required=False, type=WORDS)
@click.option("--report", is_flag=True, help="Show what was learnt before, without learning anew.")
@click.option("--off", is_flag=True, help="Stop every effect of learning, in every process.")
@click.option("--on", is_flag=True, help="Let what was learnt have its effect again.")
@click.option("--undo", is_flag=True, help="Undo what was learnt, of TASK or of everything.")
@click.option("--redo", is_flag=True, help="Allow what was undone to be learnt again.")
@json_option
@as_session
def learn(
    session: Session,
    task: str | None,
    report: bool,
    off: bool,
    on: bool,
    undo: bool,
    redo: bool,
    as_json: bool,
) -> None:
    """Learn from your judgements, and show what was learnt.

    TASK is a task type whose switch to another model is undone, or may be made again.
    Running servers follow within a second.
    """
    if (report, off, on, undo, redo).count(True) > 1:
        raise click.UsageError("Give one of --report, --off, --on, --undo and --redo.")
    if task is not None and not (undo or redo):
        raise click.UsageError("A task type goes with --undo or --redo.")
    now = session.clock()
    with open_records(session) as store:
        if off or on:
            _switch(store, on=on, now=now)
        elif undo or redo:
            _undo(store, task=task or "", undone=undo, now=now)
        elif not report and session.settings.learning.enabled:
            _fit(store, now=now)
        _show(session, store, now=now, as_json=as_json)


def _fit(store: SqliteStore, *, now: datetime) -> None:
    from mcp_router.storage.lessons import refit

    with working("Learning"):
        refit(store.database, now=now)


def _switch(store: SqliteStore, *, on: bool, now: datetime) -> None:
    from mcp_router.storage.lessons import set_active

    set_active(store.database, active=on)
    store.trials.note("on" if on else "off", "by hand", now=now)


def _undo(store: SqliteStore, *, task: str, undone: bool, now: datetime) -> None:
    from mcp_router.storage.lessons import undo_pairs

    change = store.trials.undo if undone else store.trials.restore
    changed = change(task=task, now=now)
    if not task:
        undo_pairs(store.database, undone=undone)
        store.trials.note("undone" if undone else "restored", "everything, by hand", now=now)
    elif not changed:
        say("hint", f"There was nothing to {'undo' if undone else 'redo'} for {task}.")


def _show(session: Session, store: SqliteStore, *, now: datetime, as_json: bool) -> None:
    from mcp_router.reporting.learning import learning_report

    found = learning_report(store, settings=session.settings, now=now)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    from mcp_router.cli.learning_pages import learning_page

    show(learning_page(found))
