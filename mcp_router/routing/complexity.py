"""Complexity: how hard a task is, from its kind, its words, its demands and its length."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mcp_router.routing.features import ON_MATERIAL, Features
from mcp_router.routing.tokens import RequestCounts
from mcp_router.types import Complexity, Pattern, TaskType

# How demanding a kind of task is before anything else is known, 0 to 1; judged, not fitted.
_PRIOR: Mapping[str, float] = {
    TaskType.ARCHITECTURE: 0.46,
    TaskType.PLANNING: 0.26,
    TaskType.CODE_GENERATION: 0.26,
    TaskType.CODE_REVIEW: 0.34,
    TaskType.DEBUGGING: 0.30,
    TaskType.REFACTORING: 0.30,
    TaskType.TESTING: 0.26,
    TaskType.DOCUMENTATION: 0.18,
    TaskType.ANALYSIS: 0.28,
    TaskType.CREATIVE: 0.18,
    TaskType.FACTUAL: 0.08,
    TaskType.COORDINATION: 0.26,
    TaskType.SIMPLE_TASK: 0.0,
    TaskType.MATH_LOGIC: 0.30,
    TaskType.DATA_ANALYSIS: 0.28,
    TaskType.SUMMARIZATION: 0.16,
    TaskType.EXTRACTION: 0.14,
    TaskType.CLASSIFICATION: 0.12,
    TaskType.TRANSLATION: 0.12,
    TaskType.CHAT: 0.0,
    TaskType.LONG_DOCUMENT: 0.36,
    TaskType.MULTIMODAL: 0.20,
}
# Up to so many words a request is as hard as its task and complexity say: a short one may well be
# a hard one, so it counts as no easier.
_SHORT_WORDS = 20
_LENGTH_LOGITS = 0.12
_MOST_BURDEN = 0.5
_LENGTH_STEP = 0.02
_WORDS_PER_TOKEN = 0.75
_OWN_TASK = 0.30
_MEDIUM = 0.22
_COMPLEX = 0.52
_UNSURE = 0.6
_HARD_SHAPES = {"LaTeX", "formula", "answer options", "programming puzzle", "stack trace"}
# How much the words of what the work is done on count.
_MATERIAL_SHARE = 0.2
# Kinds whose words may be grave without the work being so.
_LIGHT = frozenset(
    {TaskType.CREATIVE, TaskType.TRANSLATION, TaskType.CLASSIFICATION, TaskType.EXTRACTION}
)


def judge_complexity(probabilities: Mapping[str, float], *, features: Features) -> Complexity:
    """Judge how hard a task is; in doubt about its kind, the harder reading counts.

    `probabilities` map task types to their chances.
    """
    difficulty = _difficulty(probabilities, features=features)
    if _is_critical(probabilities, difficulty=difficulty, features=features):
        return Complexity.CRITICAL
    if difficulty >= _COMPLEX:
        return Complexity.COMPLEX
    return Complexity.MEDIUM if difficulty >= _MEDIUM else Complexity.SIMPLE


def words_of(counts: RequestCounts) -> int:
    """Count the words of everything that is sent, two CJK characters and 4/3 tokens being one."""
    text = counts.text
    words = text.word_starts + text.newlines + 1 + text.cjk / 2
    return round(words + _WORDS_PER_TOKEN * counts.context_tokens)


def length_ease(words: int) -> float:
    """Return how much easier its length makes a request, in logits: 0 or less.

    Longer requests are answered less well, on public outcomes about as steadily as trained routers
    can tell. In steps of 0.02, so that what is worked out for one request serves the next.
    """
    burden = -_LENGTH_LOGITS * math.log(max(words, 1) / _SHORT_WORDS)
    return round(max(-_MOST_BURDEN, min(0.0, burden)) / _LENGTH_STEP) * _LENGTH_STEP


def judge_pattern(kind: str, *, features: Features, complexity: Complexity) -> Pattern:
    """Judge how the work is carried out; tool results coming back mean it goes round already."""
    traits = features.traits
    if features.reading.tool_results or traits.get("iterate", 0.0) > 0.5:
        return Pattern.ITERATIVE
    steps = traits.get("steps", 0.0)
    broad = kind in {TaskType.ARCHITECTURE, TaskType.PLANNING, TaskType.COORDINATION}
    hard = complexity in {Complexity.COMPLEX, Complexity.CRITICAL}
    if steps >= 2.0 or (steps >= 1.0 and features.words >= 60) or (broad and hard):
        return Pattern.MULTI_STEP
    return Pattern.SINGLE_SHOT


def judge_priority(kind: str, *, features: Features, complexity: Complexity) -> int:
    """Judge how soon and how well it matters, 1 (whenever) to 5 (now)."""
    traits = features.traits
    if traits.get("relaxed", 0.0) > 0.0:
        return 1
    urgent = traits.get("urgent", 0.0) > 0.0
    if complexity is Complexity.CRITICAL:
        return 5
    # In a poem or a translation "urgent" is part of the text.
    if urgent and kind not in _LIGHT:
        return 5 if traits.get("critical", 0.0) >= 2.0 else 4
    if kind in {TaskType.CHAT, TaskType.SIMPLE_TASK} and complexity is Complexity.SIMPLE:
        return 2
    return 3


def _difficulty(probabilities: Mapping[str, float], *, features: Features) -> float:
    """Add up the difficulty, 0 to about 1.5.

    Length is the steadiest signal of difficulty there is (word counts predict it as well as
    trained routers do), so it counts by its logarithm; domain words lift short hard prompts.
    """
    traits = features.traits
    prior = sum(chance * _PRIOR.get(kind, _OWN_TASK) for kind, chance in probabilities.items())
    handed = sum(probabilities.get(kind, 0.0) for kind in ON_MATERIAL)
    length = 0.16 * max(0.0, math.log10(max(features.words, 1) / 12))
    length *= 1 - (1 - _MATERIAL_SHARE) * handed
    hard = min(0.5, 0.09 * traits.get("hard", 0.0))
    must = min(0.22, 0.025 * max(0.0, traits.get("must", 0.0) - 1))
    easy = min(0.2, 0.07 * traits.get("easy", 0.0))
    think = 0.1 if traits.get("think", 0.0) else 0.0
    shape = 0.06 * len(features.marks & _HARD_SHAPES)
    doubt = 0.12 * (1 - max(probabilities.values())) if features.words >= 8 else 0.0
    bulk = 0.1 if features.input_tokens >= 8_000 else 0.0
    return prior + length + hard + must + think + shape + doubt + bulk - easy


def _is_critical(
    probabilities: Mapping[str, float], *, difficulty: float, features: Features
) -> bool:
    kind = max(probabilities, key=lambda name: probabilities[name])
    weight = features.traits.get("critical", 0.0)
    if kind in {TaskType.CHAT, TaskType.SIMPLE_TASK}:
        return weight >= 4.0
    if kind in _LIGHT:
        return weight >= 5.0
    if kind == TaskType.FACTUAL:
        unsure = probabilities[kind] < _UNSURE
        return (weight >= 3.0 and difficulty >= 0.3) or (weight >= 4.0 and unsure)
    return weight >= 3.0 or (weight >= 2.0 and difficulty >= _MEDIUM)
