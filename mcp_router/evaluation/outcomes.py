"""Recorded outcomes: what every model of a pool scored on every request, and what it cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, ValidationError

from mcp_router.errors import InvalidRequestError
from mcp_router.learning.learner import Case
from mcp_router.routing.classify import classify
from mcp_router.routing.features import find_features
from mcp_router.routing.intake import as_request
from mcp_router.routing.linear import hashed
from mcp_router.routing.tokens import request_counts
from mcp_router.types import TaskType, Value

BUCKETS = 1 << 14
"""How many buckets the words and cues of a request are hashed into."""

UNSAID = "not said"
"""What stands for the task type that nobody said of a request without its text."""

_WORD = re.compile(r"\w+")
_WORDS_TO_TOKENS = 1.4
_ANSWER_TOKENS = 300
_MOST_ROWS = 200_000

Score = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[float, Field(ge=0, le=1e6)]
Whole = Annotated[int, Field(ge=0, le=10**9)]
Milliseconds = Annotated[float, Field(ge=0, le=1e9)]


class Row(Value):
    """One line of an outcomes file; `prompt`, or `words` and `features` where no text is given.

    `costs` are USD by model; where they are absent `tokens` (input, output) are priced. `features`
    are hashed words, `task_type` is the true one and `classified` what the classifier says;
    `latency_ms` is by model.
    """

    id: str = ""
    prompt: str = ""
    words: Whole | None = None
    features: tuple[Annotated[int, Field(ge=0, lt=BUCKETS)], ...] = ()
    category: str = ""
    task_type: TaskType | None = None
    classified: TaskType | None = None
    source: str = ""
    difficulty: str = ""
    scores: Annotated[Mapping[str, Score], Field(min_length=1)]
    tokens: Mapping[str, tuple[Whole, Whole] | None] = {}
    costs: Mapping[str, Usd] = {}
    latency_ms: Mapping[str, Milliseconds] = {}


class Judged(NamedTuple):
    """A request with what each model scored (0 to 1) and cost (USD) on it.

    Attributes:
        case: its features and scores.
        costs: USD by model.
        words: what is alike in requests of the same normalised text; None where nothing is known.
        task: the true task type and the one that the classifier says, where the file has the true.
        latencies: milliseconds by model, of those that were timed.
    """

    case: Case
    costs: Mapping[str, float]
    words: object = None
    task: tuple[str, str] | None = None
    latencies: Mapping[str, float] = {}


class Outcomes(NamedTuple):
    """Requests on which every one of `models` was judged; `dropped` names models left out."""

    models: tuple[str, ...]
    requests: tuple[Judged, ...]
    dropped: tuple[str, ...] = ()


Rates = Mapping[str, tuple[float, float]]
"""USD per million input and output tokens, by model."""


def read_rows(path: Path) -> list[Row]:
    """Read a file of one JSON object per line.

    Raises:
        InvalidRequestError: the file cannot be read, or a line is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(
            field="outcomes", problem=f"{path.name} cannot be read as text"
        ) from error
    return list(_rows(text))


def outcomes(rows: Sequence[Row], *, rates: Rates) -> Outcomes:
    """Keep the models that most rows judge and that have a price, and the rows that judge them all.

    Args:
        rows: what was judged.
        rates: prices of the models whose costs the rows do not give; a model with neither is left
            out, as is one that too few requests were tried on.

    Raises:
        InvalidRequestError: fewer than two models or ten rows are left.
    """
    named = sorted({model for row in rows for model in row.scores})
    priced = [one for one in named if one in rates or all(one in row.costs for row in rows)]
    kept = [one for one in priced if sum(one in row.scores for row in rows) >= 0.9 * len(rows)]
    whole = [row for row in rows if all(one in row.scores for one in kept)]
    if len(kept) < 2 or len(whole) < 10:
        raise InvalidRequestError(
            field="outcomes",
            problem="needs 10 requests that 2 priced models were judged on",
            hint='Give "costs" in USD with each request, or prices with --prices.',
        )
    usual = {one: _usual_output(whole, one) for one in kept}
    return Outcomes(
        models=tuple(kept),
        requests=tuple(
            _judged(row, kept, rates=rates, usual=usual, at=at) for at, row in enumerate(whole)
        ),
        dropped=tuple(one for one in named if one not in kept),
    )


def only(rows: Sequence[Row], models: Sequence[str]) -> list[Row]:
    """Keep the scores of some models only.

    Raises:
        InvalidRequestError: a model was judged nowhere.
    """
    known = {name for row in rows for name in row.scores}
    for model in models:
        if model not in known:
            raise InvalidRequestError(
                field="models",
                problem=f"{model!r} was not judged",
                hint=f"Judged were: {', '.join(sorted(known))}.",
            )
    kept = [
        row.model_copy(
            update={"scores": {name: row.scores[name] for name in models if name in row.scores}}
        )
        for row in rows
    ]
    return [row for row in kept if row.scores]


def _rows(text: str) -> Iterator[Row]:
    # Not splitlines(): JSON may hold other separators of lines, such as U+2028, as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if number > _MOST_ROWS:
            raise InvalidRequestError(
                field="outcomes", problem=f"more than {_MOST_ROWS:,} lines", hint="Split the file."
            )
        try:
            yield Row.model_validate(json.loads(line))
        except (ValueError, RecursionError, ValidationError) as error:
            raise InvalidRequestError(
                field="outcomes",
                problem=f"line {number} is no outcome",
                hint='A line is {"prompt": …, "scores": {model: 0 to 1}, "costs": {model: USD}}.',
            ) from error


def _judged(
    row: Row, models: Iterable[str], *, rates: Rates, usual: Mapping[str, int], at: int
) -> Judged:
    words = _WORD.findall(row.prompt.lower())
    length = len(words) if row.words is None else row.words
    scores = {one: row.scores[one] for one in models}
    costs = {
        one: row.costs[one]
        if one in row.costs
        else _priced(row, one, rates=rates[one], words=length, usual=usual[one])
        for one in models
    }
    return Judged(
        Case(row.category, features_of(row), length, scores),
        costs,
        words=" ".join(words) or row.features or at,
        task=(row.task_type, _classified(row)) if row.task_type else None,
        latencies={one: row.latency_ms[one] for one in models if one in row.latency_ms},
    )


def features_of(row: Row) -> frozenset[int]:
    """Return the hashed words and cues of a row, as the classifier of task types has them."""
    if row.features or not row.prompt.strip():
        return frozenset(row.features)
    request = as_request(row.prompt)
    found = hashed(find_features(request, counts=request_counts(request)), buckets=BUCKETS)
    return found.words | found.cues


def _classified(row: Row) -> str:
    if row.classified is not None or not row.prompt.strip():
        return row.classified or UNSAID
    return classify(as_request(row.prompt)).task_type


def _priced(row: Row, model: str, *, rates: tuple[float, float], words: int, usual: int) -> float:
    """Price the tokens that were counted; an answer nobody counted is as long as is usual."""
    counted = row.tokens.get(model)
    inputs, outputs = counted or (round(words * _WORDS_TO_TOKENS), usual)
    return (inputs * rates[0] + outputs * rates[1]) / 1e6


def _usual_output(rows: Iterable[Row], model: str) -> int:
    counted = [tokens[1] for row in rows if (tokens := row.tokens.get(model))]
    return round(sum(counted) / len(counted)) if counted else _ANSWER_TOKENS
