"""What kinds of task ask of a model: which ratings matter, and how hard the work is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.types import Capability, Complexity, TaskType

if TYPE_CHECKING:
    from collections.abc import Mapping

# A prior is the chance on demanding work; easier work moves it up the logistic curve.
EASE = {
    Complexity.SIMPLE: 2.0,
    Complexity.MEDIUM: 1.0,
    Complexity.COMPLEX: 0.0,
    Complexity.CRITICAL: -0.6,
}
"""How much easier than demanding work each complexity is, in logits."""

HARDER: Mapping[str, float] = {
    TaskType.ARCHITECTURE: 0.5,
    TaskType.MATH_LOGIC: 0.3,
    TaskType.DEBUGGING: 0.3,
    TaskType.CODE_REVIEW: 0.3,
    TaskType.PLANNING: 0.2,
    TaskType.ANALYSIS: 0.2,
}
"""Work where a weaker model's answer more often looks right than is right, in logits."""

_R, _C, _V = Capability.REASONING, Capability.CODING, Capability.CREATIVITY
_T, _X, _I = Capability.TOOLS, Capability.CONTEXT, Capability.VISION
ABILITIES: Mapping[str, Mapping[Capability, float]] = {
    TaskType.ARCHITECTURE: {_R: 0.6, _C: 0.3, _X: 0.1},
    TaskType.PLANNING: {_R: 0.8, _T: 0.2},
    TaskType.CODE_GENERATION: {_C: 0.8, _R: 0.2},
    TaskType.CODE_REVIEW: {_C: 0.6, _R: 0.4},
    TaskType.DEBUGGING: {_C: 0.6, _R: 0.4},
    TaskType.REFACTORING: {_C: 0.7, _R: 0.2, _X: 0.1},
    TaskType.TESTING: {_C: 0.8, _R: 0.2},
    TaskType.DOCUMENTATION: {_C: 0.4, _V: 0.4, _R: 0.2},
    TaskType.ANALYSIS: {_R: 0.9, _X: 0.1},
    TaskType.CREATIVE: {_V: 1.0},
    TaskType.FACTUAL: {_R: 1.0},
    TaskType.COORDINATION: {_R: 0.5, _T: 0.5},
    TaskType.SIMPLE_TASK: {_R: 0.5, _C: 0.5},
    TaskType.MATH_LOGIC: {_R: 1.0},
    TaskType.DATA_ANALYSIS: {_R: 0.6, _C: 0.4},
    TaskType.SUMMARIZATION: {_R: 0.6, _X: 0.4},
    TaskType.EXTRACTION: {_R: 0.8, _X: 0.2},
    TaskType.CLASSIFICATION: {_R: 1.0},
    TaskType.TRANSLATION: {_V: 0.5, _R: 0.5},
    TaskType.CHAT: {_V: 0.6, _R: 0.4},
    TaskType.LONG_DOCUMENT: {_X: 0.6, _R: 0.4},
    TaskType.MULTIMODAL: {_I: 0.7, _R: 0.3},
}
"""How much each rating matters for a task type; the weights sum to 1."""

ANY_TASK: Mapping[Capability, float] = {_R: 0.6, _C: 0.4}
"""The same for a task type of the user's own."""

RATING_LOGITS = 0.2
"""What a rating point above the model's general level is worth, in logits."""

GENERAL = (_R, _C, _V)
"""The ratings whose mean is a model's general level."""
