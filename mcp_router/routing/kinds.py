"""Kinds: a score per task type from the evidence, and the probabilities that follow from it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from mcp_router.routing.cues import Evidence
from mcp_router.routing.lexicon import lexicon
from mcp_router.types import TaskType

_KINDS = tuple(kind.value for kind in TaskType)
# Fitted on public labelled prompts: log loss is lowest at 0.8 to 1.0, calibration at 0.8.
_TEMPERATURE = 0.8
# Each further piece of evidence for a type counts this much of the one before it, so that a long
# text does not win by mentioning much.
_DECAY = 0.6
# What the lack of any evidence costs, so that unmentioned types share little probability.
_NO_EVIDENCE = -1.2


def type_scores(evidence: Iterable[Evidence]) -> dict[str, float]:
    """Score every task type from the evidence; scores are unbounded, higher is likelier.

    A learned model can stand beside this function: it needs only to add its own scores.
    """
    lex = lexicon()
    for_type: dict[str, list[float]] = defaultdict(list)
    against: dict[str, float] = defaultdict(float)
    for piece in evidence:
        weights = (
            {piece.name: 1.0}
            if piece.table == "types"
            else lex.tables[piece.table].get(piece.name, {})
        )
        for label, weight in weights.items():
            if weight >= 0:
                for_type[label].append(weight * piece.strength)
            else:
                against[label] += weight * piece.strength
    return {
        kind: lex.priors.get(kind, 0.0)
        + (_decayed(for_type[kind]) if for_type[kind] else _NO_EVIDENCE)
        + against[kind]
        for kind in _KINDS
    }


def probabilities(scores: Mapping[str, float]) -> dict[str, float]:
    """Turn scores into probabilities, best first (a softmax with a fitted temperature)."""
    top = max(scores.values())
    odds = {kind: math.exp((score - top) / _TEMPERATURE) for kind, score in scores.items()}
    total = sum(odds.values())
    ranked = sorted(odds.items(), key=lambda item: -item[1])
    return {kind: odd / total for kind, odd in ranked}


def reasons(evidence: Iterable[Evidence], *, kind: str, most: int) -> tuple[str, ...]:
    """Say what spoke for a task type, strongest first."""
    tables = lexicon().tables
    weighed = [
        (piece.strength * tables[piece.table].get(piece.name, {}).get(kind, 0.0), piece.says)
        if piece.table != "types"
        else (piece.strength if piece.name == kind else 0.0, piece.says)
        for piece in evidence
    ]
    ranked = sorted((item for item in weighed if item[0] > 0.2), key=lambda item: -item[0])
    return tuple(dict.fromkeys(says for _, says in ranked))[:most]


def _decayed(strengths: list[float]) -> float:
    ordered = sorted(strengths, reverse=True)
    return sum(strength * _DECAY**rank for rank, strength in enumerate(ordered))
