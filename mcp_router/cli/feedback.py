"""The command `feedback`: what you thought of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.values import SHARE, WORDS

if TYPE_CHECKING:
    from mcp_router.cli.page import Page
    from mcp_router.types import Outcome


@with_examples(
    "mcp-router feedback --good",
    'mcp-router feedback dec_0123456789abcdef --bad --note "wrong file"',
)
@with_global_options()
@click.command()
@click.argument("decision", required=False, type=WORDS)
@click.option("--good", is_flag=True, help="It did what was asked.")
@click.option("--bad", is_flag=True, help="It did not.")
@click.option("--score", type=SHARE, help="How good it was; from 0.5 up it counts as good.")
@click.option("--note", type=WORDS, default="", help="A remark to keep with it.")
@json_option
@as_session
def feedback(
    session: Session,
    decision: str | None,
    good: bool,
    bad: bool,
    score: float | None,
    note: str,
    as_json: bool,
) -> None:
    """Say how good an answer was; later choices learn from it.

    DECISION is the id of a decision, the latest one unless given.
    """
    if (good, bad, score is not None).count(True) != 1:
        raise click.UsageError("Say how it was, with one of --good, --bad or --score.")
    with session.router() as router:
        decision_id = decision or router.explain().decision_id
        ok = None if score is not None else good
        outcome = router.feedback(decision_id, ok=ok, score=score, note=note)
    if as_json:
        show_json(outcome.model_dump(mode="json"))
    else:
        show(feedback_page(outcome))


def feedback_page(outcome: Outcome) -> Page:
    """Build the page that repeats what was recorded."""
    from mcp_router.cli.page import Fields, Line, Page
    from mcp_router.cli.text import spoken

    verdict = "good" if outcome.ok else "bad"
    if outcome.score is not None:
        verdict = f"{verdict}, {outcome.score:g} of 1"
    rows = [
        ("Decision", outcome.decision_id),
        ("Model", f"{outcome.model} ({outcome.provider})"),
        ("Task", f"{spoken(outcome.task_type)}, {outcome.complexity}"),
        ("Answer", verdict),
    ]
    if outcome.note:
        rows.append(("Note", outcome.note))
    return Page((Line("Recorded."), Fields(tuple(rows))))
