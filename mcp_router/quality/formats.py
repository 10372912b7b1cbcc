"""Whether an answer has the form that was asked for: one letter, one word, a table, only code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args

from mcp_router.quality.asked import Asked
from mcp_router.quality.counts import miscounts
from mcp_router.quality.signals import Signal
from mcp_router.quality.tables import pattern
from mcp_router.quality.voice import Layout

Form = Literal["letter", "number", "yes_no", "word", "table", "code", "json"]

_EXPLAINS = 25


def format_signals(asked: Asked, answer: Layout) -> Iterator[Signal]:
    """Find in which ways an answer has another form than was asked for."""
    said = answer.prose.strip() or "\n".join(block.text for block in answer.blocks)
    for form in get_args(Form):
        problem = _misfit(form, said, answer) if wants(asked, form) else ""
        if problem:
            yield Signal("format", 1.0, problem)
    for strength, problem in miscounts(asked.folded, answer.prose):
        yield Signal("format", strength, problem)


def wants(asked: Asked, form: Form) -> bool:
    """Check whether a request asks for one form of answer."""
    if form == "table" and asked.codes:
        # Tables of databases and pages are not what the answer should be.
        return False
    return pattern("asks", "forms", form).search(asked.folded) is not None


def _misfit(form: Form, said: str, answer: Layout) -> str:
    text = said.strip(" \n*_`\"'.()[]")
    words = len(text.split())
    problems = {
        "letter": "is more than the letter asked for" * (len(text) > 2 or not text.isalpha()),
        "number": "is more than the number asked for" * bool(re.search(r"[^\W\d_]{4}", text)),
        "yes_no": "is more than the yes or no asked for" * (words > 3),
        "word": "is more than the one word asked for" * (words > 3),
        "table": "has no table" * (not _has_table(answer)),
        "code": "explains where only code was wanted" * _explains(answer),
    }
    return problems.get(form, "")


def _has_table(answer: Layout) -> bool:
    texts = (answer.prose, *(block.text for block in answer.blocks))
    return any(sign in text for text in texts for sign in ("|", "\t", "<table"))


def _explains(answer: Layout) -> bool:
    return bool(answer.blocks) and len(answer.prose.split()) > _EXPLAINS
