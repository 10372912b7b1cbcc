"""The command `benchmark`: puts the prompts of a file to several models and marks the answers."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

import click

from mcp_router.cli.batches import row_progress
from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.constraints import flat
from mcp_router.cli.output import say, show, show_json
from mcp_router.cli.session import Session
from mcp_router.cli.values import NAMES, PATH, SECONDS, TOKENS, USD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from mcp_router.router import Router
    from mcp_router.types import Completion
    from mcp_router.workflows.batch import BatchSummary, RowEvent
    from mcp_router.workflows.benchmark import Marking, Question, Sample
    from mcp_router.workflows.results import ResultFile
    from mcp_router.workflows.rows import Task

MOST_AT_ONCE = 256


class BenchmarkOptions(TypedDict):
    """The options of `benchmark`."""

    models: tuple[tuple[str, ...], ...]
    scorers: tuple[tuple[str, ...], ...]
    output: Path | None
    concurrency: int
    max_cost: Decimal | None
    max_tokens: int | None
    timeout: float | None
    resume: bool


class _Run(NamedTuple):
    """A benchmark to run; `samples` and `failed` fill up as it goes, and outlive a Ctrl-C."""

    questions: tuple[Question, ...]
    models: tuple[str, ...]
    scorers: tuple[str, ...]
    source: str
    output: Path
    options: BenchmarkOptions
    samples: list[Sample]
    failed: list[str]
    notes: list[str]


@with_examples(
    "mcp-router benchmark prompts.jsonl --models haiku,sonnet --max-cost 2",
    "mcp-router benchmark mine.jsonl --models haiku,sonnet --scorer tests --json",
    "mcp-router benchmark prompts.jsonl --models haiku,sonnet --resume",
)
@with_global_options()
@click.command()
@click.argument("file", type=PATH, metavar="PROMPTS.jsonl")
@click.option("--models", type=NAMES, multiple=True, required=True, help="Models to compare.")
@click.option(
    "--scorer",
    "scorers",
    type=NAMES,
    multiple=True,
    help="Scorers that mark every answer: of the settings, or heuristic, code, schema.",
)
@click.option("--output", type=PATH, help="Where answers go; FILE.benchmark.jsonl by default.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, MOST_AT_ONCE),
    default=8,
    show_default=True,
    help="How many calls run at once.",
)
@click.option("--max-cost", type=USD, help="Most the whole run may cost.")
@click.option("--max-tokens", type=TOKENS, help="Longest answer.")
@click.option("--timeout", type=SECONDS, help="Most seconds for one answer.")
@click.option("--resume", is_flag=True, help="Ask only what the answers do not hold yet.")
@json_option
@as_session
def benchmark(
    session: Session, file: Path, as_json: bool, **options: Unpack[BenchmarkOptions]
) -> None:
    """Compare models on prompts of yours: quality, cost and latency.

    A row is {"prompt": "...", "task_type"?, "expect"?, "contains"?, "pattern"?, "schema"?} and any
    other field of a request. Each model answers for itself, without fallback. Answers are marked
    by what the row expects and by the scorers; with neither, by the signs of a bad answer.

    The marks are kept as evidence, so that later choices know them. Ctrl-C keeps what is done.
    """
    import anyio

    run = _prepared(session, file, options)
    try:
        summary = anyio.run(_carry_out, session, run)
    except KeyboardInterrupt:
        if run.samples:
            _show(run, None, as_json=as_json)
        raise
    _show(run, summary, as_json=as_json)
    if summary.done + summary.reused < summary.total:
        raise click.exceptions.Exit(1)


def _prepared(session: Session, file: Path, options: BenchmarkOptions) -> _Run:
    from mcp_router.errors import InvalidRequestError
    from mcp_router.modes.exam import PLAIN
    from mcp_router.workflows.benchmark import check_models, questions_of
    from mcp_router.workflows.rows import read_rows

    models = check_models([session.catalog.resolve(one).name for one in flat(options["models"])])
    scorers = tuple(dict.fromkeys(flat(options["scorers"])))
    _check_scorers(scorers, known=(*session.settings.scorers, *PLAIN))
    rows = read_rows(file)
    # Only what can be read has a name for sure: that of the root is empty.
    output = options["output"] or file.with_name(f"{file.stem}.benchmark.jsonl")
    if output.absolute() == file.absolute():
        raise click.UsageError("The answers need a file of their own: name it with --output.")
    if not rows:
        raise InvalidRequestError(field=str(file), problem="it holds no prompts")
    questions = questions_of(rows, models=models, scorers=scorers)
    return _Run(questions, models, scorers, file.name, output, options, [], [], [])


def _check_scorers(names: Sequence[str], *, known: Sequence[str]) -> None:
    from mcp_router.errors import InvalidRequestError

    for name in names:
        if name not in known:
            problem = f"there is no scorer {name[:60]!r}"
            hint = f"There are: {', '.join(dict.fromkeys(known))}."
            raise InvalidRequestError(field="scorer", problem=problem, hint=hint)


async def _carry_out(session: Session, run: _Run) -> BatchSummary:
    from mcp_router.workflows.results import ResultFile

    hashes = {one.row.id: one.row.hash for one in run.questions}
    alerts: list[str] = []
    async with session.router() as router:
        # Told after the progress is off the screen.
        router.on_alert = alerts.append
        with ResultFile(run.output, hashes=hashes, resume=run.options["resume"]) as file:
            try:
                return await _asked(router, run, file)
            finally:
                for line in alerts:
                    say("warning", line)


async def _asked(router: Router, run: _Run, file: ResultFile) -> BatchSummary:
    from mcp_router.workflows.batch import TAG, Work, run_batch
    from mcp_router.workflows.benchmark import MARK, samples_before

    standing, options = file.standing, run.options
    marking = _marking(router, run)
    run.samples.extend(samples_before(standing.done, marking, run.questions))
    batch_id = standing.batch or f"benchmark_{secrets.token_hex(8)}"
    left = sum(one.row.id not in standing.done for one in run.questions)
    models = {one.row.id: one.model for one in run.questions}
    async with router.sharing(f"{TAG}={batch_id}", limit_usd=options["max_cost"]) as sharing:
        sharing.runner.examiner = marking

        async def carry(task: Task) -> Completion:
            name = task.request.tags[MARK]
            done = await sharing.execute(task.request, timeout_s=task.timeout_s)
            marked = marking.marked(name, done)
            run.samples.append(marking.sample(name, marked))
            return marked

        with row_progress(left) as shown:

            def on_row(event: RowEvent) -> None:
                if event.problem and not event.invalid:
                    run.failed.append(models[event.row.id])
                shown(event)

            rows = tuple(one.row for one in run.questions)
            work = Work(rows, _defaults(options), batch_id, options["concurrency"], on_row)
            summary = await run_batch(work, carry=carry, file=file)
    if marking.by_form:
        run.notes.append(
            "Nothing says what is right, so answers were marked by their form alone: "
            "give rows an expect, contains, pattern or schema, or name a --scorer."
        )
    return summary


def _marking(router: Router, run: _Run) -> Marking:
    from mcp_router.errors import UnknownDecisionError
    from mcp_router.workflows.benchmark import Marking

    def kind_of(decision_id: str) -> str:
        try:
            return router.store.decision(decision_id).task_type
        except UnknownDecisionError:
            return "unknown"

    return Marking(
        run.questions,
        scorers=run.scorers,
        source=run.source,
        examiner=router.runner.examiner,
        kind_of=kind_of,
    )


def _defaults(options: BenchmarkOptions) -> dict[str, object]:
    given = {"max_tokens": options["max_tokens"], "timeout_s": options["timeout"]}
    return {name: value for name, value in given.items() if value}


def _show(run: _Run, summary: BatchSummary | None, *, as_json: bool) -> None:
    from mcp_router.cli.benchmark_pages import benchmark_json, benchmark_page
    from mcp_router.evaluation.benchmark import standings

    found = standings(run.samples, models=run.models, failed=run.failed)
    if as_json:
        show_json(benchmark_json(found, summary=summary, source=run.source))
        return
    show(benchmark_page(found, summary=summary, output=str(run.output), notes=run.notes))
