"""An exam: which scorers mark the answers to a task, and the bar that an answer must clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import anyio

from mcp_router.errors import ConfigError
from mcp_router.money import to_nanos
from mcp_router.quality.assess import THRESHOLD
from mcp_router.quality.marks import Mark, failures, lowest, shortfall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.modes.function import ScorerFunction
    from mcp_router.modes.scorers import Scorer
    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Completion

PLAIN = ("heuristic", "code", "schema")
"""Kinds that need no table: they are names of scorers as well."""

FUNCTION_S = 30.0
"""Seconds a function that a program gives may take, where the settings say nothing."""


class Found(NamedTuple):
    """What an exam found of one answer, and the calls that judges made for it."""

    marks: tuple[Mark, ...] = ()
    calls: tuple[Seat, ...] = ()

    @property
    def score(self) -> float | None:
        """The mark that counts: the lowest, None where no scorer gave any."""
        worst = lowest(self.marks)
        return None if worst is None else worst.score

    @property
    def nanos(self) -> int:
        """What judging cost."""
        tried = [one for call in self.calls for one in call.share.attempts]
        return sum(to_nanos(one.cost_usd) for one in tried if one.cost_usd is not None)


class Exam:
    """Marks answers to one task.

    Attributes:
        bar: the mark that every scorer must give.
        below: what is given where no answer satisfies.
        source: under what name the marks are kept together; "" for each under its scorer's.
        kind: the task type that the marks are evidence for; "" for that of the decision.
        latest: what was found of the answer that was looked at last.
    """

    def __init__(
        self,
        scorers: Mapping[str, Scorer],
        *,
        bar: float,
        below: Literal["best", "error"] = "best",
        source: str = "",
        kind: str = "",
    ) -> None:
        self._scorers = scorers
        self.source = source
        self.kind = kind
        self.bar = bar
        self.below: Literal["best", "error"] = below
        self.latest = Found()

    @property
    def weighs(self) -> bool:
        """Whether a scorer reads how sure the model was of its words."""
        from mcp_router.modes.scorers import heuristic

        return heuristic in self._scorers.values()

    async def look(
        self, stage: Stage, job: Job, done: Completion, *, until: float, nanos: int | None
    ) -> Found:
        """Have every scorer mark an answer, one after another, until one is below the bar.

        An answer that calls tools is none yet, and gets no mark.

        Raises:
            StorageError: the database failed.
        """
        from mcp_router.modes.scorers import Paper

        found = Found()
        if done.tool_calls:
            return found
        for name, scorer in self._scorers.items():
            if until <= anyio.current_time():
                found = found._replace(marks=(*found.marks, Mark(name, None, "had no time left")))
                continue
            left = None if nanos is None else max(0, nanos - found.nanos)
            ending, calls = await scorer(Paper(stage, job, done, until, left))
            mark = Mark(name, ending.score, ending.says)
            found = Found((*found.marks, mark), (*found.calls, *calls))
            if self.shortfall(found):
                break
        self.latest = found
        return found

    def shortfall(self, found: Found) -> str:
        """Say why an answer is not good enough; "" for one that is, or that nobody could mark."""
        return shortfall(found.marks, bar=self.bar)

    def warnings(self, found: Found) -> list[str]:
        """Say which scorers failed, and what follows where all of them did."""
        told = failures(found.marks)
        if told and found.score is None:
            told.append("no scorer could mark the answer, so it was taken as it is")
        return told


class Examiner:
    """Sets the exam of each task, from the settings and the functions that a program gives."""

    def __init__(
        self,
        *,
        functions: Mapping[str, ScorerFunction],
        environ: Mapping[str, str],
    ) -> None:
        self._functions = functions
        self._environ = environ
        self._made: dict[str, Scorer] = {}

    def exam_of(self, stage: Stage, job: Job) -> Exam | None:
        """Set the exam of a task; None where no scorer was asked for.

        Raises:
            ConfigError: a scorer is unknown or cannot be used.
        """
        task = stage.settings.tasks.get(job.decision.task_type)
        names = job.options.scorers or (task.scorers if task else ())
        if not names:
            return None
        usual = (task.min_quality, task.threshold) if task else ()
        given = (job.options.threshold, *usual, THRESHOLD)
        bar = next(one for one in given if one is not None)
        asked = bool(job.options.scorers)
        key = "scorers" if asked else f"tasks.{job.decision.task_type}.scorers"
        scorers = self.scorers(stage, names, key=key)
        return Exam(scorers, bar=bar, below=task.on_low_quality if task else "best")

    def scorers(self, stage: Stage, names: Sequence[str], *, key: str) -> dict[str, Scorer]:
        """Make the scorers of some names; `key` is how an error names where they stand.

        Raises:
            ConfigError: a scorer is unknown or cannot be used.
        """
        return {name: self._scorer(stage, name, key=key) for name in dict.fromkeys(names)}

    def _scorer(self, stage: Stage, name: str, *, key: str) -> Scorer:
        if name not in self._made:
            self._made[name] = self._make(stage, name, key=key)
        return self._made[name]

    def _make(self, stage: Stage, name: str, *, key: str) -> Scorer:
        from mcp_router.config.scorers import ScorerSettings
        from mcp_router.modes.scorers import of_function, scorer_of

        table = stage.settings.scorers.get(name)
        function = self._functions.get(name)
        if function is not None:
            return of_function(function, seconds=table.timeout_s if table else FUNCTION_S)
        if table is None and name in PLAIN:
            table = ScorerSettings.model_validate({"kind": name})
        if table is None:
            known = ", ".join([*stage.settings.scorers, *self._functions, *PLAIN])
            problem = f"there is no scorer {name[:60]!r}"
            place = "the call" if key == "scorers" else "settings"
            raise ConfigError(place=place, key=key, problem=problem, allowed=known)
        # What a scorer runs may be what a model wrote: no key of ours is for it.
        secret = secrets_of(stage)
        environ = {name: value for name, value in self._environ.items() if name not in secret}
        return scorer_of(name, table, environ=environ)


def secrets_of(stage: Stage) -> frozenset[str]:
    """Name the variables that hold our secrets: keys, and the password of a shared database."""
    names = {one.api_key_env for one in stage.catalog.providers.values()}
    names.add(stage.settings.http.oauth.client_secret_env)
    if stage.store.database.remote:
        names.add("PGPASSWORD")
    return frozenset(name for name in names if name)
