"""Classification: what kind of task a request is, how hard, and what it needs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from mcp_router.routing.complexity import judge_complexity, judge_pattern, judge_priority
from mcp_router.routing.corrections import NOTHING, Correction, Taught, corrected, correction
from mcp_router.routing.features import Features, find_features
from mcp_router.routing.kinds import probabilities, reasons, tempered, type_scores
from mcp_router.routing.language import detect_language
from mcp_router.routing.linear import adjusted, hashed, weights
from mcp_router.routing.needs import expected_output, find_needs
from mcp_router.routing.text import fold
from mcp_router.routing.tokens import RequestCounts, request_counts
from mcp_router.types import Classification, Request

_OWN_TASK_CONFIDENCE = 0.9
_SHOWN_TYPES = 5
_SHOWN_CUES = 6
# Tokens that are enough to tell whether there are more than a few words.
_FEW = 16
_CORRECTED = "a correction of yours"


class TaskRule(NamedTuple):
    """A task type of the user's own: chosen when one of its keywords is in the prompt."""

    keywords: tuple[str, ...] = ()


def classify(
    request: Request,
    *,
    tasks: Mapping[str, TaskRule] = {},
    counts: RequestCounts | None = None,
    taught: Taught = NOTHING,
) -> Classification:
    """Classify a request: task type, complexity, pattern, needs, sizes, priority, confidence.

    `tasks` are the user's own task types by name, `counts` those of the request where they are
    known already, `taught` the user's corrections of earlier prompts. Pure and deterministic; a
    blank request is a chat of low confidence. Reading cues costs the same for any length, counting
    tokens is linear.
    """
    features = find_features(request, counts=counts or request_counts(request))
    chances = _chances(features)
    own, keyword = _own_task(features.reading.ask, tasks=tasks)
    if own:
        chances = _with_own(chances, own=own)
    said = (f'keyword "{keyword}"',) if own else ()
    if taught.corrections:
        before = chances
        chances = corrected(before, features=features, known=taught)
        if next(iter(chances)) != next(iter(before)):
            said = (_CORRECTED,)
    told = chances if own else tempered(chances, words=features.tokens[:_FEW])
    kind, confidence = next(iter(told.items()))
    complexity = judge_complexity(chances, features=features)
    return Classification(
        task_type=kind,
        complexity=complexity,
        pattern=judge_pattern(kind, features=features, complexity=complexity),
        needs=find_needs(request, kind=kind, complexity=complexity, features=features),
        input_tokens=features.input_tokens,
        output_tokens=expected_output(
            kind, complexity=complexity, features=features, limit=request.max_tokens
        ),
        priority=judge_priority(kind, features=features, complexity=complexity),
        confidence=_floor(confidence),
        language=detect_language(features.prose, votes=features.languages),
        probabilities=tuple((k, _floor(p)) for k, p in list(told.items())[:_SHOWN_TYPES]),
        cues=(*said, *reasons(features.evidence, kind=kind, most=_SHOWN_CUES - len(said))),
    )


def read_correction(request: Request, *, kind: str) -> Correction:
    """Make of a request the correction that it is of this task type."""
    return correction(find_features(request, counts=request_counts(request)), kind=kind)


def _chances(features: Features) -> dict[str, float]:
    """Let the rules and the linear model vote; without a word to read the rules decide alone."""
    rules = type_scores(features.evidence)
    if not features.tokens:
        return probabilities(rules)
    model = weights()
    found = hashed(features, buckets=model.buckets)
    return probabilities(adjusted(rules, found=found, model=model))


def _own_task(ask: str, *, tasks: Mapping[str, TaskRule]) -> tuple[str, str]:
    """Find the user's task with the most keywords in the ask, then with the longest one."""
    best = (0, 0)
    found = ("", "")
    for name, rule in tasks.items():
        there = [word for word in rule.keywords if _mentions(ask, word)]
        rank = (len(there), max(map(len, there), default=0))
        if rank > best:
            best, found = rank, (name, max(there, key=len))
    return found


def _mentions(ask: str, keyword: str) -> bool:
    wanted = " ".join(fold(keyword).split())
    if not wanted:
        return False
    # Words of scripts without blanks have no edges to look for.
    left = r"(?<!\w)" if wanted[0].isascii() and wanted[0].isalnum() else ""
    right = r"(?!\w)" if wanted[-1].isascii() and wanted[-1].isalnum() else ""
    pattern = left + r"\s+".join(map(re.escape, wanted.split(" "))) + right
    return re.search(pattern, ask) is not None


def _with_own(chances: Mapping[str, float], *, own: str) -> dict[str, float]:
    others = {
        kind: chance * (1 - _OWN_TASK_CONFIDENCE) for kind, chance in chances.items() if kind != own
    }
    return {own: _OWN_TASK_CONFIDENCE, **others}


def _floor(chance: float) -> float:
    """Cut to four digits; never up, so that a sum stays within 1."""
    return math.floor(chance * 10_000) / 10_000
