"""Recorded outcomes: what every model of a pool scored on every request, and what it cost."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple
from zlib import crc32

from pydantic import Field, ValidationError

from mcp_router.errors import InvalidRequestError
from mcp_router.learning.learner import Case
from mcp_router.types import Value

_BUCKETS = (1 << 14) - 1
_HEAD, _TAIL = 150, 60
_WORD = re.compile(r"\w+")
_WORDS_TO_TOKENS = 1.4
_ANSWER_TOKENS = 300
_MOST_ROWS = 200_000

Score = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[float, Field(ge=0, le=1e6)]
Whole = Annotated[int, Field(ge=0)]


class Row(Value):
    """One line of an outcomes file; `prompt`, or `words` where no text is given.

    `costs` are USD by model; where they are absent `tokens` (input, output) are priced.
    """

    id: str = ""
    prompt: str = ""
    words: Whole | None = None
    category: str = ""
    source: str = ""
    difficulty: str = ""
    scores: Annotated[Mapping[str, Score], Field(min_length=1)]
    tokens: Mapping[str, tuple[Whole, Whole] | None] = {}
    costs: Mapping[str, Usd] = {}


class Judged(NamedTuple):
    """A request with what each model scored (0 to 1) and cost (USD) on it."""

    case: Case
    costs: Mapping[str, float]


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
        requests=tuple(_judged(row, kept, rates=rates, usual=usual) for row in whole),
        dropped=tuple(one for one in named if one not in kept),
    )


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


def _judged(row: Row, models: Iterable[str], *, rates: Rates, usual: Mapping[str, int]) -> Judged:
    words = _WORD.findall(row.prompt.lower())
    length = len(words) if row.words is None else row.words
    scores = {one: row.scores[one] for one in models}
    costs = {
        one: row.costs[one]
        if one in row.costs
        else _priced(row, one, rates=rates[one], words=length, usual=usual[one])
        for one in models
    }
    return Judged(Case(row.category, _hashed(words), length, scores), costs)


def _priced(row: Row, model: str, *, rates: tuple[float, float], words: int, usual: int) -> float:
    """Price the tokens that were counted; an answer nobody counted is as long as is usual."""
    counted = row.tokens.get(model)
    inputs, outputs = counted or (round(words * _WORDS_TO_TOKENS), usual)
    return (inputs * rates[0] + outputs * rates[1]) / 1e6


def _usual_output(rows: Iterable[Row], model: str) -> int:
    counted = [tokens[1] for row in rows if (tokens := row.tokens.get(model))]
    return round(sum(counted) / len(counted)) if counted else _ANSWER_TOKENS


def _hashed(words: list[str]) -> frozenset[int]:
    """Hash the words and pairs of neighbours at the start and the end of a request."""
    kept = [*words[:_HEAD], *words[_HEAD:][-_TAIL:]]
    pairs = (f"{left} {right}" for left, right in itertools.pairwise(kept))
    return frozenset(crc32(one.encode()) & _BUCKETS for one in (*kept, *pairs))
