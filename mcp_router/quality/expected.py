"""Scorers made of what is known to be right: an answer, words, a pattern or a schema."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp_router.quality.patterns import PatternError
from mcp_router.quality.scorers import Scorer, matches, schema
from mcp_router.quality.vote import Ballot, vote
from mcp_router.routing.text import fold
from mcp_router.types import Request

KEYS = ("expect", "answer", "contains", "pattern", "schema")
"""What a row may say of a right answer; `answer` is another word for `expect`."""


def expected_scorers(row: Mapping[str, object]) -> dict[str, Scorer]:
    """Make the scorers of a row from what it says of a right answer; none where it says nothing.

    Raises:
        ValueError: one of the values cannot be used; names its key.
    """
    found: dict[str, Scorer] = {}
    for key in KEYS:
        value = row.get(key)
        if value is None:
            continue
        if key == "schema":
            if not isinstance(value, Mapping):
                raise ValueError("schema is no JSON schema")
            found[key] = schema(cast("Mapping[str, Any]", value))
        elif key == "pattern":
            found[key] = _pattern(value)
        elif key == "contains":
            found[key] = contains(_texts(key, value))
        else:
            found["expect"] = equals(_texts(key, value))
    return found


def equals(values: Sequence[str]) -> Scorer:
    """Make a scorer: 1.0 for an answer that comes down to one of the values, else 0.0.

    Numbers, options, yes and no, dates, JSON and short texts are compared by value, so that
    "The answer is 1,200." equals "1200".
    """

    def score(request: Request, answer: str) -> float:
        return float(any(_same(answer, value, request=request) for value in values))

    return score


def contains(texts: Sequence[str]) -> Scorer:
    """Make a scorer: the share of the texts found in the answer as whole words, in any case."""
    patterns = [re.compile(rf"(?<!\w){re.escape(fold(text))}(?!\w)") for text in texts]

    def score(_request: Request, answer: str) -> float:
        folded = fold(answer)
        return sum(one.search(folded) is not None for one in patterns) / len(patterns)

    return score


def _same(answer: str, value: str, *, request: Request) -> bool:
    if not answer.strip():
        return False
    ballots = [Ballot("answer", answer), Ballot("expected", value)]
    return len(vote(ballots, request=request).groups) == 1


def _pattern(value: object) -> Scorer:
    if not isinstance(value, str):
        raise ValueError("pattern is not text")
    try:
        return matches(value)
    except PatternError as error:
        raise ValueError(f"pattern: {error}") from error


def _texts(key: str, value: object) -> list[str]:
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    texts = [_text(one) for one in values]
    if not texts or any(text is None or not text.strip() for text in texts):
        raise ValueError(f"{key} is neither text nor a number, or a list of them")
    return [text for text in texts if text is not None]


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else None
