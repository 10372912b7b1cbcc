"""The command `batch`: has every task of a file done, and keeps each answer as it comes."""

from __future__ import annotations

import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Unpack

import click

from mcp_router.cli.batch_pages import batch_page
from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.constraints import (
    STRATEGIES,
    Given,
    check_providers,
    constraint_options,
    constraints_of,
)
from mcp_router.cli.modes import GivenMode, mode_options, options_of
from mcp_router.cli.output import say, show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import NAMES, PATH, SECONDS, TAG, TOKENS, USD

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from decimal import Decimal

    from mcp_router.router import Router
    from mcp_router.types import Completion
    from mcp_router.workflows.batch import BatchSummary, RowEvent
    from mcp_router.workflows.results import ResultFile
    from mcp_router.workflows.rows import Row, Task

MOST_AT_ONCE = 256


class BatchOptions(Given, GivenMode):
    """The options of `batch`."""

    output: Path | None
    concurrency: int
    resume: bool
    budget: Decimal | None
    strategy: str | None
    chain: tuple[str, ...] | None
    max_tokens: int | None
    timeout: float | None
    tags: tuple[tuple[str, str], ...]


class _Job(NamedTuple):
    rows: tuple[Row, ...]
    output: Path
    options: BatchOptions
    defaults: dict[str, object]


@with_examples(
    "mcp-router batch tasks.jsonl --budget 5",
    "mcp-router batch tasks.jsonl --resume",
    "mcp-router batch tasks.jsonl --chain haiku,gpt-mini --concurrency 20",
)
@with_global_options()
@click.command()
@click.argument("file", type=PATH)
@click.option("--output", type=PATH, help="Where results go; FILE.results.jsonl by default.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, MOST_AT_ONCE),
    default=8,
    show_default=True,
    help="How many rows run at once.",
)
@click.option("--resume", is_flag=True, help="Run only what the results do not hold yet.")
@click.option("--budget", type=USD, help="Most the whole batch may cost.")
@click.option("--strategy", type=click.Choice(STRATEGIES), help="What matters most.")
@click.option("--chain", type=NAMES, help="Models to try in order (a,b,c), or a chain's name.")
@click.option("--max-tokens", type=TOKENS, help="Longest answer.")
@click.option("--timeout", type=SECONDS, help="Most seconds for all attempts at a row.")
@click.option(
    "--tag", "tags", type=TAG, multiple=True, help="Mark it, as with project=site; repeatable."
)
@mode_options
@constraint_options
@json_option
@as_session
def batch(session: Session, file: Path, as_json: bool, **options: Unpack[BatchOptions]) -> None:
    """Have every task of a JSON Lines file done, several at once.

    A row is {"id": "a", "prompt": "..."}; it may hold messages instead, and any field of a
    request, such as chain or max_tokens, which then goes before the option. Every result is added
    to the output as a whole line with the id of its row, in the order in which they come. A spent
    budget stops the batch. --resume tries again what failed, and what changed in the file.
    """
    import anyio

    from mcp_router.workflows.rows import read_rows

    rows = read_rows(file)
    output = options["output"] or file.with_name(f"{file.stem}.results.jsonl")
    if output.absolute() == file.absolute():
        raise click.UsageError("The results need a file of their own: name it with --output.")
    summary = anyio.run(_run, session, _Job(rows, output, options, _defaults(session, options)))
    if as_json:
        show_json(summary.model_dump(mode="json"))
    else:
        show(batch_page(summary, output=str(output)))
    if summary.done + summary.reused < summary.total:
        raise click.exceptions.Exit(1)


def _defaults(session: Session, options: BatchOptions) -> dict[str, object]:
    """Say what holds for every row that does not say otherwise."""
    constraints, chain = constraints_of(options), options["chain"]
    named = (*constraints.providers, *constraints.deny_providers)
    check_providers(named, catalog=session.catalog)
    given = {
        "strategy": options["strategy"],
        "chain": chain[0] if chain and len(chain) == 1 else chain,
        "max_tokens": options["max_tokens"],
        "timeout_s": options["timeout"],
        "tags": dict(options["tags"]),
        "mode": options["mode"],
        "options": options_of(options).model_dump(exclude_unset=True),
        "constraints": constraints.model_dump(exclude_unset=True),
    }
    return {name: value for name, value in given.items() if value}


async def _run(session: Session, job: _Job) -> BatchSummary:
    from mcp_router.workflows.results import ResultFile

    hashes = {row.id: row.hash for row in job.rows}
    alerts: list[str] = []
    async with session.router() as router:
        # Told after the progress is off the screen.
        router.on_alert = alerts.append
        with ResultFile(job.output, hashes=hashes, resume=job.options["resume"]) as file:
            _tell(file)
            try:
                return await _carried(router, job, file)
            finally:
                for line in alerts:
                    say("warning", line)


async def _carried(router: Router, job: _Job, file: ResultFile) -> BatchSummary:
    from mcp_router.workflows.batch import TAG as MARK
    from mcp_router.workflows.batch import Work, run_batch

    standing, options = file.standing, job.options
    batch_id = standing.batch or f"batch_{secrets.token_hex(8)}"
    left = sum(row.id not in standing.done for row in job.rows)
    async with router.sharing(f"{MARK}={batch_id}", limit_usd=options["budget"]) as sharing:

        async def carry(task: Task) -> Completion:
            return await sharing.execute(
                task.request, mode=task.mode, options=task.options, timeout_s=task.timeout_s
            )

        with row_progress(left) as on_row:
            work = Work(job.rows, job.defaults, batch_id, options["concurrency"], on_row)
            return await run_batch(work, carry=carry, file=file)


def _tell(file: ResultFile) -> None:
    torn = file.standing.torn
    if torn:
        lines = "a line" if torn == 1 else f"{torn:,} lines"
        say("warning", f"Took {lines} out of the results that broke off or held no result.")


@contextmanager
def row_progress(total: int) -> Generator[Callable[[RowEvent], None]]:
    """Draw a bar on a terminal, and tell of each row that cannot be read or failed."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _complain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
    from rich.text import Text

    columns = (BarColumn(), MofNCompleteColumn(), "rows", TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False)) as progress:
        bar = progress.add_task("", total=total)

        def take(event: RowEvent) -> None:
            if event.problem:
                line = Text(clean(_complaint(event)), style="yellow")
                progress.console.print(line, soft_wrap=True)
            progress.advance(bar)

        yield take


def _complain(event: RowEvent) -> None:
    if event.problem:
        say("warning", _complaint(event))


def _complaint(event: RowEvent) -> str:
    return f"line {event.row.line} ({event.row.id}): {event.problem}"
