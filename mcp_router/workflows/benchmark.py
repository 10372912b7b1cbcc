"""A benchmark: every prompt of a file put to each of several models, and every answer marked."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from mcp_router.errors import InvalidRequestError
from mcp_router.modes.exam import Exam
from mcp_router.modes.scorers import of_plain
from mcp_router.quality.expected import KEYS, expected_scorers
from mcp_router.types import Completion
from mcp_router.workflows.rows import object_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_router.modes.scorers import Scorer
    from mcp_router.modes.stage import Examiner, Job, Stage
    from mcp_router.workflows.rows import Row

MARK = "benchmark_question"
"""The key of the tag by which a question is known again when its answer is to be marked."""
SOURCE = "benchmark:"
_NOT_HERE = ("chain", "mode", "options", "tags", "reuse", "strategy", "constraints")
_SAYS = "it is not what the row expects"


class Question(NamedTuple):
    """A prompt for one model: the row that a batch runs, and what is known of a right answer."""

    row: Row
    model: str
    kind: str
    scorers: Mapping[str, Scorer]


class Sample(NamedTuple):
    """What one model made of one prompt.

    `score` is from 0 to 1, None where no scorer could mark the answer; `cost_usd` is None where
    the price is unknown.
    """

    row: str
    model: str
    kind: str
    score: float | None
    cost_usd: Decimal | None
    latency_ms: int


def questions_of(
    rows: Sequence[Row], *, models: Sequence[str], scorers: Sequence[str]
) -> tuple[Question, ...]:
    """Put every row to each model, row by row, so that a run that is stopped is fair to all.

    Raises:
        InvalidRequestError: an id is too long.
    """
    return tuple(_question(row, model, scorers) for row in rows for model in models)


def _question(row: Row, model: str, scorers: Sequence[str]) -> Question:
    name = f"{row.id} @ {model}"
    known = json.dumps([model, *scorers]).encode()
    mark = hashlib.blake2b(row.raw + known, digest_size=8).hexdigest()
    own = row._replace(id=name, hash=mark)
    if row.problem:
        return Question(own, model, "", {})
    given = object_of(row.raw)
    try:
        kind, found = _kind(given), expected_scorers(given)
    except ValueError as error:
        return Question(own._replace(problem=str(error)), model, "", {})
    fields = {key: value for key, value in given.items() if key not in (*KEYS, "task_type")}
    stray = next((key for key in _NOT_HERE if key in fields), None)
    if stray is not None:
        problem = f"{stray} has no place in a benchmark, where every model is asked the same"
        return Question(own._replace(problem=problem), model, "", {})
    fields |= {"id": name, "chain": [model], "tags": {MARK: name}, "reuse": "off"}
    plain = {key: of_plain(one, says=_SAYS) for key, one in found.items()}
    return Question(own._replace(raw=json.dumps(fields).encode()), model, kind, plain)


def _kind(given: Mapping[str, object]) -> str:
    kind = given.get("task_type")
    if kind is None:
        return ""
    if not isinstance(kind, str) or not kind.replace("_", "").replace("-", "").isalnum():
        raise ValueError("task_type is no name of letters, digits, _ and -")
    return kind[:64]


class Marking:
    """Sets the exam of each question: what its row expects, and the scorers that were asked for.

    Without either, those of its task type, and at last the signs of a bad answer; `by_form` counts
    questions of the last sort. `kind_of` gives the task type of a decision.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        *,
        scorers: Sequence[str],
        source: str,
        examiner: Examiner,
        kind_of: Callable[[str], str],
    ) -> None:
        self._questions = {one.row.id: one for one in questions}
        self._names = tuple(scorers)
        self._source = SOURCE + source[:200]
        self._examiner = examiner
        self._kind_of = kind_of
        self._exams: dict[str, Exam] = {}
        self._kinds: dict[str, str] = {}
        self.by_form = 0

    def exam_of(self, stage: Stage, job: Job) -> Exam | None:
        """Set the exam of a question; nothing is below its bar, so no answer is refused.

        Raises:
            ConfigError: a scorer is unknown or cannot be used.
        """
        question = self._questions.get(job.request.tags.get(MARK, ""))
        if question is None:
            return self._examiner.exam_of(stage, job)
        kind = question.kind or job.decision.task_type
        task = stage.settings.tasks.get(kind)
        names = self._names or (() if question.scorers or task is None else task.scorers)
        if not names and not question.scorers:
            names = ("heuristic",)
            self.by_form += 1
        named = self.scorers(stage, names, key="scorer")
        scorers = {**question.scorers, **named}
        exam = Exam(scorers, bar=0.0, source=self._source, kind=kind)
        self._exams[question.row.id] = exam
        self._kinds[question.row.id] = kind
        return exam

    def scorers(self, stage: Stage, names: Sequence[str], *, key: str) -> Mapping[str, Scorer]:
        """Make the scorers of some names.

        Raises:
            ConfigError: a scorer is unknown or cannot be used.
        """
        return self._examiner.scorers(stage, names, key=key)

    def marked(self, name: str, done: Completion) -> Completion:
        """Return the answer to a question with its mark, or none, as its confidence."""
        return done.model_copy(update={"confidence": self._exams[name].latest.score})

    def sample(self, name: str, done: Completion) -> Sample:
        """Read what a model made of a prompt from an answer that `marked` returned."""
        question = self._questions[name]
        own = [one for one in done.attempts if one.model == done.model]
        ends = next((at for at, one in enumerate(own) if one.outcome == "ok"), len(own) - 1)
        tried = own[: ends + 1]
        costs = [one.cost_usd for one in tried if one.usage is not None]
        total = sum((one for one in costs if one is not None), Decimal(0))
        return Sample(
            name.rpartition(" @ ")[0],
            question.model,
            question.kind or self._kinds.get(name) or self._kind_of(done.decision_id),
            done.confidence,
            None if None in costs else total,
            tried[-1].latency_ms if tried else done.latency_ms,
        )


def samples_before(
    done: Mapping[str, Mapping[str, object]], marking: Marking, questions: Sequence[Question]
) -> list[Sample]:
    """Read the samples that a file of results holds for some questions.

    Raises:
        InvalidRequestError: a result is not one of ours.
    """
    found: list[Sample] = []
    for one in questions:
        row = done.get(one.row.id)
        if row is None:
            continue
        try:
            result = Completion.model_validate(row.get("result"))
        except ValidationError as error:
            problem = f"holds no whole result for {one.row.id[:60]!r}"
            raise InvalidRequestError(field="output", problem=problem) from error
        found.append(marking.sample(one.row.id, result))
    return found


def check_models(names: Sequence[str], *, most: int = 20) -> tuple[str, ...]:
    """Check how many models are compared.

    Raises:
        InvalidRequestError: none, or too many.
    """
    if not 0 < len(names) <= most:
        problem = f"takes 1 to {most} models"
        raise InvalidRequestError(field="models", problem=problem)
    return tuple(dict.fromkeys(names))
