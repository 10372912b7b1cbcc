"""Scorers: functions that give an answer a mark from 0 to 1, built in or a user's own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Protocol

from mcp_router.quality.code import parses
from mcp_router.quality.json_text import read_json
from mcp_router.quality.patterns import safe_pattern
from mcp_router.quality.schema import mismatch
from mcp_router.quality.voice import layout
from mcp_router.routing.text import message_text
from mcp_router.types import Request

_SAME = (("python", "py", "python3"), ("javascript", "js"), ("typescript", "ts"), ("rust", "rs"))


class Scorer(Protocol):
    """Anything that marks an answer to a request, from 0 (useless) to 1 (as good as can be)."""

    def __call__(self, request: Request, answer: str, /) -> float:
        """Return the mark."""
        ...


def schema(rules: Mapping[str, Any] | None = None) -> Scorer:
    """Make a scorer: 1.0 for JSON that fits the rules, or the request's own schema; else 0.0."""

    def score(request: Request, answer: str) -> float:
        value, found = read_json(answer)
        if not found:
            blocks = layout(answer).blocks
            value, found = read_json(blocks[0].text) if len(blocks) == 1 else (None, False)
        wanted = rules if rules is not None else request.response_schema
        return float(found and (wanted is None or mismatch(value, schema=wanted) is None))

    return score


def code_parses(language: str = "python") -> Scorer:
    """Make a scorer: the share of the answer's code that parses; 0.0 without any code.

    Fenced blocks count that name the language or none; without a fence the whole answer does.
    """
    same = next((names for names in _SAME if language in names), ())

    def score(_request: Request, answer: str) -> float:
        blocks = [b.text for b in layout(answer).blocks if b.language in {"", language, *same}]
        verdicts = [parses(text, language=language) for text in blocks or [answer] if text.strip()]
        return sum(map(bool, verdicts)) / len(verdicts) if verdicts else 0.0

    return score


def matches(pattern: str) -> Scorer:
    """Make a scorer: 1.0 where a regular expression is found in the answer, else 0.0.

    No pattern can make it hang; an answer too long to search scores 0.0.

    Raises:
        PatternError: the pattern is malformed, or needs a look-around or a back-reference.
    """
    compiled = safe_pattern(pattern)

    def score(_request: Request, answer: str) -> float:
        return float(compiled.search(answer) is True)

    return score


def checked(score: float) -> float:
    """Return a mark that a user's function gave, cut to 0..1.

    Raises:
        ValueError: it is no number.
    """
    if math.isnan(score):
        raise ValueError("a score must be a number from 0 to 1, not NaN")
    return min(1.0, max(0.0, float(score)))


def command_input(request: Request, answer: str) -> str:
    """Write what a scorer program reads: one JSON object with prompt, answer and schema."""
    people = [message_text(message) for message in request.messages if message.role == "user"]
    prompt = people[-1] if people else ""
    row = {"prompt": prompt, "answer": answer, "schema": request.response_schema}
    return json.dumps(row, ensure_ascii=False)
