"""Scorers of the settings as things that mark: each looks at one answer and gives a mark."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import anyio

from mcp_router.errors import ConfigError, RouterError, StorageError
from mcp_router.modes.function import ScorerFunction, load_function, run_function
from mcp_router.modes.judging import Bench, helper
from mcp_router.modes.program import Ending, Program, run_program
from mcp_router.modes.seat import Announcer, assessed
from mcp_router.modes.team import Team
from mcp_router.quality import scorers as pure
from mcp_router.quality.judging import read_grades
from mcp_router.quality.prompts import judge_request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp_router.config.scorers import ScorerSettings
    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Completion

_MOST_SCHEMA = 1_000_000


class Paper(NamedTuple):
    """An answer to be marked: where, to which task, by when, and the nano-dollars a judge may cost.

    `until` is a time of the event loop's clock.
    """

    stage: Stage
    job: Job
    done: Completion
    until: float
    nanos: int | None


class Marked(NamedTuple):
    """A mark, or why there is none, and the calls that a judge made for it."""

    ending: Ending
    calls: tuple[Seat, ...] = ()


Scorer = Callable[[Paper], Awaitable[Marked]]
"""Marks an answer.

Raises:
    StorageError: the database failed.
"""


def scorer_of(
    name: str, table: ScorerSettings, *, environ: Mapping[str, str], place: str = "settings"
) -> Scorer:
    """Make the scorer that a table of the settings describes.

    Raises:
        ConfigError: its pattern, schema or function cannot be used.
    """
    try:
        if table.kind == "command":
            return _command(table, environ=environ)
        if table.kind == "judge":
            return _judge(table)
        if table.kind == "callable":
            return of_function(_imported(table), seconds=table.timeout_s)
        if table.kind == "heuristic":
            return heuristic
        return _pure(table)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        key = f"scorers.{name}"
        raise ConfigError(place=place, key=key, problem=said or "it cannot be used") from error


def of_plain(scorer: pure.Scorer, *, says: str) -> Scorer:
    """Make a scorer of one that looks at the text alone; `says` is told of what it marks down."""

    async def score(paper: Paper) -> Marked:
        mark = scorer(paper.job.request, paper.done.content)
        return Marked(Ending(mark, "" if mark >= 1 else says))

    return score


def of_function(function: ScorerFunction, *, seconds: float) -> Scorer:
    """Make a scorer of a user's function."""

    async def score(paper: Paper) -> Marked:
        time = min(seconds, _left(paper))
        text = paper.done.content
        found = await run_function(function, paper.job.request, text, seconds=time)
        return Marked(_in_time(found, whole=time == seconds))

    return score


def _imported(table: ScorerSettings) -> ScorerFunction:
    if table.function is None:
        problem = "the program must give it: Router.open(scorers={...})"
        raise ValueError(f"it names no function; {problem}")
    loaded = load_function(table.function)
    if loaded.function is None:
        raise ValueError(loaded.problem)
    return loaded.function


def _command(table: ScorerSettings, *, environ: Mapping[str, str]) -> Scorer:
    async def score(paper: Paper) -> Marked:
        time = min(table.timeout_s, _left(paper))
        program = Program(table.command, table.folder, environ, time)
        text = paper.done.content
        if table.input == "json":
            text = pure.command_input(paper.job.request, text)
        found = await run_program(program, text=text)
        return Marked(_in_time(found, whole=time == table.timeout_s))

    return score


async def heuristic(paper: Paper) -> Marked:
    """Mark an answer by the signs of a bad one."""
    found = assessed(paper.job.request, paper.done)
    says = found.signals[0].says if found.signals else ""
    return Marked(Ending(found.confidence, f"it {says}" if says else ""))


def _pure(table: ScorerSettings) -> Scorer:
    """Make a scorer that looks at the text alone."""
    if table.kind == "regex":
        scorer, says = pure.matches(table.pattern or ""), "the pattern is not found in it"
    elif table.kind == "code":
        language = (table.language or "python").lower()
        scorer, says = pure.code_parses(language), f"its {language} code does not parse"
    else:
        scorer, says = pure.schema(_rules(table.schema_file)), "it is no JSON of the schema"
    return of_plain(scorer, says=says)


def _rules(file: str | None) -> Mapping[str, Any] | None:
    if file is None:
        return None
    from pathlib import Path

    return read_schema(Path(file))


def read_schema(path: Path) -> Mapping[str, Any]:
    """Read a JSON schema from a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON object, or larger than a megabyte.
    """
    with path.open("rb") as stream:
        content = stream.read(_MOST_SCHEMA + 1)
    if len(content) > _MOST_SCHEMA:
        raise ValueError("its schema is larger than a megabyte")
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("its schema is not JSON") from error
    if not isinstance(found, dict):
        raise ValueError("its schema is no JSON object")
    return cast("dict[str, Any]", found)


def _judge(table: ScorerSettings) -> Scorer:
    async def score(paper: Paper) -> Marked:
        stage, job, name = paper.stage, paper.job, table.model or ""
        mark = f"{int(stage.rng.random() * 16**10):010x}"
        request = judge_request(job.request, [paper.done.content], mark=mark, rubric=table.rubric)
        until = min(paper.until, anyio.current_time() + table.timeout_s)
        try:
            call = helper(stage, job, request, name=name, bench=Bench((), None, until, paper.nanos))
        except StorageError:
            raise
        except RouterError as error:
            return Marked(Ending(None, f"could not be asked: {error.message.rstrip('.')}"))
        await Team(stage, announce=Announcer(None)).work([call], cut="the judge was too slow")
        return Marked(_graded(call), (call,))

    return score


def _graded(call: Seat) -> Ending:
    if call.done is None:
        tried = [one.reason or one.outcome for one in call.share.attempts if one.outcome != "ok"]
        said = tried[-1] if tried else call.error.message if call.error else "no answer"
        return Ending(None, f"could not be asked: {said.rstrip('.')}")
    grades = read_grades(call.text, count=1)
    if grades is None:
        return Ending(None, f"gave no verdict that can be read ({call.model})")
    (grade,) = grades
    return Ending(grade, f"{call.model} gave it {grade * 10:.0f} of 10")


def _in_time(found: Ending, *, whole: bool) -> Ending:
    """Blame an answer for what took too long only where it had the whole of its time."""
    return Ending(None, "had no time left") if found.late and not whole else found


def _left(paper: Paper) -> float:
    return max(0.001, paper.until - anyio.current_time())
