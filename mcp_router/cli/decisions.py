"""The commands `route` and `classify`."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.constraints import (
    STRATEGIES,
    Given,
    check_providers,
    constraint_options,
    constraints_of,
)
from mcp_router.cli.output import show, show_json
from mcp_router.cli.prompt import read_task
from mcp_router.cli.session import Session
from mcp_router.cli.values import NAMES, PATH, TOKENS, WORDS

_words = click.argument("prompt", nargs=-1, type=WORDS)
_file = click.option("--file", type=PATH, help="Read the task from a file; - is stdin.")
_context = click.option(
    "--context-tokens", type=TOKENS, help="Tokens of files and history on top of the prompt."
)


class RouteOptions(Given):
    """The options of `route`."""

    strategy: str | None
    chain: tuple[str, ...] | None
    context_tokens: int | None


@with_examples(
    'mcp-router route "Fix the login bug"',
    "mcp-router route --file task.md --max-cost 0.05 --requires tools,json",
    "git diff | mcp-router route --strategy quality_first --json",
)
@with_global_options()
@click.command()
@_words
@_file
@click.option("--system", type=PATH, help="Read a system prompt from a file.")
@click.option("--strategy", type=click.Choice(STRATEGIES), help="What matters most.")
@click.option("--chain", type=NAMES, help="Models to try in order (a,b,c), or a chain's name.")
@_context
@constraint_options
@json_option
@as_session
def route(
    session: Session,
    prompt: tuple[str, ...],
    file: Path | None,
    system: Path | None,
    as_json: bool,
    **options: Unpack[RouteOptions],
) -> None:
    """Choose the model for a task: why, and at what cost.

    The task is an argument, a --file or what is piped in. It is judged on this machine and
    nothing is run; the decision is recorded, the prompt is not.
    """
    task = read_task(prompt, file=file, system=system)
    constraints, chain = constraints_of(options), options["chain"]
    with session.router() as router:
        named = (*constraints.providers, *constraints.deny_providers)
        check_providers(named, catalog=router.catalog)
        decision = router.route(
            task,
            strategy=options["strategy"],
            constraints=constraints,
            chain=chain[0] if chain and len(chain) == 1 else chain,
            context_tokens=options["context_tokens"],
        )
    if as_json:
        show_json(decision.model_dump(mode="json"))
        return
    from mcp_router.cli.decision_pages import decision_page

    show(decision_page(decision))


@with_examples(
    'mcp-router classify "Prove that the square root of 2 is irrational"',
    "mcp-router classify --file task.md --json",
    'mcp-router classify --correct planning "Put the release in order"',
    "mcp-router classify --undo",
)
@with_global_options()
@click.command()
@_words
@_file
@_context
@click.option("--correct", type=WORDS, metavar="TYPE", help="Teach that the task is of this type.")
@click.option("--undo", is_flag=True, help="Forget what was taught of the task, else last.")
@json_option
@as_session
def classify(
    session: Session,
    prompt: tuple[str, ...],
    file: Path | None,
    context_tokens: int | None,
    correct: str | None,
    undo: bool,
    as_json: bool,
) -> None:
    """Judge a task: its kind, difficulty, needs and size.

    With --correct the task and those like it are of the type named from now on, on this machine;
    hashes of its words are kept, not the task.
    """
    if correct is not None and undo:
        raise click.UsageError("Use --correct or --undo, not both.")
    if undo:
        _undo(session, prompt, file=file, as_json=as_json)
        return
    task = read_task(prompt, file=file)
    with session.router() as router:
        if correct is not None:
            router.correct(task, kind=correct)
        found = router.classify(task, context_tokens=context_tokens)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    from mcp_router.cli.decision_pages import classification_page

    show(classification_page(found))


def _undo(session: Session, prompt: tuple[str, ...], *, file: Path | None, as_json: bool) -> None:
    """Forget what was taught of a task, else the latest correction, and say which it was."""
    task = read_task(prompt, file=file) if prompt or file else None
    with session.router() as router:
        kind = router.undo_correction(task)
    if as_json:
        show_json({"undone": kind or None})
        return
    from mcp_router.cli.page import Line, Page
    from mcp_router.cli.text import spoken

    said = f"Forgot that it was {spoken(kind)}." if kind else "There was no correction to forget."
    show(Page((Line(said),)))
