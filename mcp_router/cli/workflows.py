"""The command `workflow`: runs a form of several steps, or what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.output import remark, say, show_aside, show_json, write_answer
from mcp_router.cli.progress import Spinner
from mcp_router.cli.session import Session
from mcp_router.cli.values import PATH, TAG, USD, WORDS
from mcp_router.cli.workflow_pages import step_line, workflow_page

if TYPE_CHECKING:
    from decimal import Decimal

    from mcp_router.workflows.form import Workflow
    from mcp_router.workflows.result import StepEvent, WorkflowResult


class Asked(NamedTuple):
    """A form to run, its texts, and which run to go on with."""

    form: Workflow
    inputs: dict[str, str]
    resume: bool
    run_id: str | None


@with_examples(
    "mcp-router workflow essay.toml --input topic=tides",
    "mcp-router workflow essay.toml --input topic=tides --resume",
)
@with_global_options()
@click.command()
@click.argument("file", type=PATH)
@click.option(
    "--input",
    "inputs",
    type=TAG,
    multiple=True,
    metavar="NAME=TEXT",
    help="A text in place of the form's, as in topic=tides; repeatable.",
)
@click.option("--resume", is_flag=True, help="Go on with the latest run of this form, if any.")
@click.option("--run-id", type=WORDS, help="A name for the run; a known one goes on as it stood.")
@click.option("--max-cost", type=USD, help="Most the whole may cost, in place of the form's.")
@json_option
@as_session
def workflow(
    session: Session,
    file: Path,
    inputs: tuple[tuple[str, str], ...],
    resume: bool,
    run_id: str | None,
    max_cost: Decimal | None,
    as_json: bool,
) -> None:
    """Run a form of several steps, each as soon as those it needs are done.

    FILE is TOML or JSON. The answer of the last step goes to stdout; each step with its model,
    cost and time to stderr. Finished steps are kept: after a crash, --resume runs what is left,
    and none of them is paid for twice. Steps that were changed in the file run again. One process
    at a time carries a run out.
    """
    import anyio

    from mcp_router.errors import WorkflowError
    from mcp_router.workflows.reading import read_workflow

    form = read_workflow(file)
    if max_cost is not None:
        form = form.model_copy(update={"max_cost_usd": max_cost})
    asked = Asked(form, dict(inputs), resume, run_id)
    try:
        result = anyio.run(_run, session, asked)
    except WorkflowError as error:
        _show(error.result, as_json=as_json)
        raise
    _show(result, as_json=as_json)


def _show(result: WorkflowResult, *, as_json: bool) -> None:
    if as_json:
        show_json(result.model_dump(mode="json"))
        return
    if result.content:
        write_answer(result.content)
    for one in result.steps:
        for warning in one.completion.warnings if one.completion else ():
            say("warning", f"{one.name}: {warning}")
    show_aside(workflow_page(result))


async def _run(session: Session, asked: Asked) -> WorkflowResult:
    alerts: list[str] = []
    async with session.router() as router:
        # Told after the progress is off the screen.
        router.on_alert = alerts.append
        try:
            with _Progress() as progress:
                return await router.run_workflow(
                    asked.form,
                    inputs=asked.inputs,
                    run_id=asked.run_id,
                    resume=asked.resume,
                    on_step=progress.take,
                )
        finally:
            for line in alerts:
                say("warning", line)


class _Progress(Spinner):
    """One line on stderr for each step that ends; on a terminal also what is being waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._running: dict[str, None] = {}

    def take(self, event: StepEvent) -> None:
        """Show one event."""
        if event.result is None:
            self._running[event.name] = None
        else:
            self._running.pop(event.name, None)
            self._say(f"[{event.done}/{event.total}] {step_line(event.result)}")
        if self._status is not None:
            from rich.text import Text

            waiting = ", ".join(self._running) or "the next step"
            told = f"{event.done} of {event.total} steps, waiting for {waiting} …"
            self._status.update(Text(told))

    def _say(self, line: str) -> None:
        if self._status is None:
            remark(line)
            return
        from rich.text import Text

        from mcp_router.cli.text import clean

        self._status.console.print(Text(clean(line)), soft_wrap=True)
