"""The command `run`: has a task done, and shows who did it, at what cost."""

from __future__ import annotations

from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Unpack

import click

from mcp_router.cli.answer_file import AnswerFile
from mcp_router.cli.command import as_session, json_option, with_examples, with_global_options
from mcp_router.cli.constraints import (
    STRATEGIES,
    Given,
    check_providers,
    constraint_options,
    constraints_of,
)
from mcp_router.cli.live import LiveAnswer
from mcp_router.cli.modes import GivenMode, mode_options, options_of
from mcp_router.cli.output import (
    is_terminal,
    remark,
    say,
    show_aside,
    show_json,
    write_answer,
)
from mcp_router.cli.progress import Progress
from mcp_router.cli.prompt import read_task
from mcp_router.cli.session import Session
from mcp_router.cli.values import NAMES, PATH, SECONDS, TAG, TOKENS, WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.errors import NoCandidateError
    from mcp_router.router import Router
    from mcp_router.routing.intake import Asked, Task
    from mcp_router.types import Completion, Decision, Effort, ModeOptions, Reuse

EFFORTS = ("none", "low", "medium", "high")


class RunOptions(Given, GivenMode):
    """The options of `run`."""

    file: Path | None
    system: Path | None
    stream: bool
    cache: bool | None
    near: bool
    trim: bool | None
    output: Path | None
    strategy: str | None
    chain: tuple[str, ...] | None
    max_tokens: int | None
    effort: Effort | None
    timeout: float | None
    category: str | None
    tags: tuple[tuple[str, str], ...]


class Work(NamedTuple):
    """A task with what is asked beside it, and whether it is shown as it comes."""

    task: Task
    asked: Asked
    stream: bool
    live: bool
    mode: str
    options: ModeOptions
    timeout_s: float | None = None


@with_examples(
    'mcp-router run "Explain this error: EADDRINUSE"',
    "git diff | mcp-router run --chain sonnet,gpt,haiku --stream",
    'mcp-router run --cache "Explain this error: EADDRINUSE"',
    "mcp-router run --file task.md --max-cost 0.05 --output answer.md",
    'mcp-router run --mode ensemble --chain opus,gpt "Is 1001 prime?"',
)
@with_global_options()
@click.command()
@click.argument("prompt", nargs=-1, type=WORDS)
@click.option("--file", type=PATH, help="Read the task from a file; - is stdin.")
@click.option("--system", type=PATH, help="Read a system prompt from a file.")
@click.option("--stream", is_flag=True, help="Show the answer as it comes, on a terminal.")
@click.option("--strategy", type=click.Choice(STRATEGIES), help="What matters most.")
@click.option("--chain", type=NAMES, help="Models to try in order (a,b,c), or a chain's name.")
@click.option("--max-tokens", type=TOKENS, help="Longest answer.")
@click.option("--effort", type=click.Choice(EFFORTS), help="How hard a model is to think first.")
@click.option("--timeout", type=SECONDS, help="Most seconds for all attempts together.")
@click.option("--category", type=WORDS, help="A name of your own, to group reports by.")
@click.option(
    "--tag", "tags", type=TAG, multiple=True, help="Mark it, as with project=site; repeatable."
)
@click.option("--output", type=PATH, help="Write the answer to a file, whole or not at all.")
@click.option(
    "--cache/--no-cache",
    default=None,
    help="Whether a kept answer to the same request will do.",
)
@click.option("--near", is_flag=True, help="One to the same question in other words as well.")
@click.option(
    "--trim/--no-trim",
    default=None,
    help="Whether what the messages repeat is left out, and said.",
)
@mode_options
@constraint_options
@json_option
@as_session
def run(
    session: Session, prompt: tuple[str, ...], as_json: bool, **options: Unpack[RunOptions]
) -> None:
    """Have a task done, with fallback when a model fails.

    The answer goes to stdout; who gave it, at what cost, to stderr. Where stdout is no terminal
    the answer is written once it is whole, also with --stream: nothing gets a part of an answer
    that broke off. Ctrl-C gives back the money that was set aside.
    """
    import anyio

    if options["stream"] and options["scorers"]:
        raise click.UsageError("--scorer needs the whole answer: leave --stream out.")
    task = read_task(prompt, file=options["file"], system=options["system"])
    output = options["output"]
    live = options["stream"] and not as_json and output is None and is_terminal()
    work = Work(
        task,
        _asked(session, options),
        options["stream"],
        live,
        options["mode"],
        options_of(options),
        options["timeout"],
    )
    with ExitStack() as stack:
        target = None if output is None else stack.enter_context(AnswerFile(output))

        def tell(done: Completion, decision: Decision) -> None:
            if target is not None:
                _write(target, done.content)
            if as_json:
                show_json(done.model_dump(mode="json"))
            else:
                _show(session, done, decision, written=live or target is not None)

        anyio.run(_work, session, work, tell)


def _show(session: Session, done: Completion, decision: Decision, *, written: bool) -> None:
    if not written:
        write_answer(done.content)
    for warning in done.warnings:
        say("warning", warning)
    if done.answers:
        _show_answers(done)
    from mcp_router.cli.footer import footer

    remark(footer(done, decision=decision, catalog=session.catalog, now=session.clock()))


def _show_answers(done: Completion) -> None:
    from mcp_router.cli.answers_page import answers_page

    show_aside(answers_page(done))


def _asked(session: Session, options: RunOptions) -> Asked:
    constraints, chain = constraints_of(options), options["chain"]
    named = (*constraints.providers, *constraints.deny_providers)
    check_providers(named, catalog=session.catalog)
    return {
        "strategy": options["strategy"],
        "constraints": constraints,
        "chain": chain[0] if chain and len(chain) == 1 else chain,
        "max_tokens": options["max_tokens"],
        "reasoning_effort": options["effort"],
        "reuse": _reuse(options),
        "trim": options["trim"],
        "category": options["category"],
        "tags": dict(options["tags"]),
    }


def _reuse(options: RunOptions) -> Reuse | None:
    if options["near"]:
        if options["cache"] is False:
            raise click.UsageError("--near is a way of --cache; leave --no-cache out.")
        return "near"
    if options["cache"] is None:
        return None
    return "exact" if options["cache"] else "off"


def _write(target: AnswerFile, answer: str) -> None:
    from mcp_router.errors import InvalidRequestError

    try:
        target.write(answer)
    except InvalidRequestError:
        # It was paid for, and may not come like this again.
        write_answer(answer)
        raise


async def _work(session: Session, work: Work, tell: Callable[[Completion, Decision], None]) -> None:
    from mcp_router.errors import NoCandidateError

    alerts: list[str] = []
    async with session.router() as router:
        # Told after the progress is off the screen.
        router.on_alert = alerts.append
        try:
            done = await _answer(router, work)
        except NoCandidateError as error:
            raise _with_variables(error, catalog=router.catalog) from error
        finally:
            for line in alerts:
                say("warning", line)
        # Before the router is closed, which may wait for what runs beside the task.
        tell(done, router.explain(done.decision_id))


async def _answer(router: Router, work: Work) -> Completion:
    with Progress() as progress:
        if not work.stream:
            return await router.execute(
                work.task,
                mode=work.mode,
                options=work.options,
                timeout_s=work.timeout_s,
                on_attempt=progress.attempt,
                **work.asked,
            )
        show = LiveAnswer(progress) if work.live else None
        done: Completion | None = None
        try:
            stream = router.stream(
                work.task, mode=work.mode, timeout_s=work.timeout_s, **work.asked
            )
            async with aclosing(stream) as events:
                async for event in events:
                    if show is not None:
                        show.take(event)
                    elif event.type == "attempt":
                        progress.attempt(event)
                    if event.type == "done":
                        done = event.result
        finally:
            if show is not None:
                show.end()
    if done is None:
        raise RuntimeError("a stream ended without its end")
    return done


def _with_variables(error: NoCandidateError, *, catalog: Catalog) -> NoCandidateError:
    """Name the variables that would help, where keys are all that is missing."""
    from mcp_router.errors import NoCandidateError

    keyless = [one.model for one in error.rejected if one.filter == "credentials"]
    # These two are filtered out before a key is looked for.
    others = {one.filter for one in error.rejected} - {"credentials", "retired", "denied"}
    if not keyless or others:
        return error
    providers = [catalog.providers[catalog.resolve(name).provider] for name in keyless]
    variables = list(dict.fromkeys(one.api_key_env for one in providers if one.api_key_env))
    *most, last = variables or [""]
    ways = [f"Set {', '.join(most)} or {last}." if most else f"Set {last}."] if last else []
    if any(one.name == "ollama" for one in providers):
        ways.append("Or start Ollama and set OLLAMA_HOST=127.0.0.1:11434.")
    return NoCandidateError(error.rejected, hint=" ".join(ways) or error.hint)
