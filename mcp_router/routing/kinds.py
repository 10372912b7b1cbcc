"""Kinds: a score per task type from the evidence, and the probabilities that follow from it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from mcp_router.routing.cues import Evidence
from mcp_router.routing.lexicon import lexicon
from mcp_router.types import TaskType

_KINDS = tuple(kind.value for kind in TaskType)
TEMPERATURE = 0.8
"""By what scores are divided before they become odds; fitted on public labelled prompts."""

# Each further piece of evidence for a type counts this much of the one before it, so that a long
# text does not win by mentioning much.
_DECAY = 0.6
# By how many words there are; the exponent of a tempered distribution, 1 from four words on.
_TRUST = {0: 0.55, 1: 0.55, 2: 0.75, 3: 0.9}
_WIDE = "\u2e80"
# What the lack of any evidence costs, so that unmentioned types share little probability.
_NO_EVIDENCE = -1.2


def type_scores(evidence: Iterable[Evidence]) -> dict[str, float]:
    """Score every task type from the evidence; scores are unbounded, higher is likelier.

    `linear.adjusted` adds the votes of a trained model to them.
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
        kind: lex.priors.get(kind, 0.0) + _decayed(for_type.get(kind)) + against.get(kind, 0.0)
        for kind in _KINDS
    }


def probabilities(scores: Mapping[str, float]) -> dict[str, float]:
    """Turn scores into probabilities, best first (a softmax with a fitted temperature)."""
    top = max(scores.values())
    odds = {kind: math.exp((score - top) / TEMPERATURE) for kind, score in scores.items()}
    total = sum(odds.values())
    ranked = sorted(odds.items(), key=lambda item: -item[1])
    return {kind: odd / total for kind, odd in ranked}


def tempered(chances: Mapping[str, float], *, words: Iterable[str]) -> dict[str, float]:
    """Flatten probabilities where there are only a few words to go by; their order stays.

    A word out of nothing, such as "debug", may be the start of anything.
    """
    trust = _TRUST.get(sum(map(_weight, words)), 1.0)
    powers = {kind: chance**trust for kind, chance in chances.items()}
    total = sum(powers.values())
    return {kind: power / total for kind, power in powers.items()}


def _weight(word: str) -> int:
    """Count a word; where words are not parted, two signs are about one."""
    if not word[:1].isalnum():
        return 0
    return (len(word) + 1) // 2 if word[0] >= _WIDE else 1


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


def _decayed(strengths: list[float] | None) -> float:
    if not strengths:
        return _NO_EVIDENCE
    ordered = sorted(strengths, reverse=True)
    return sum(strength * _DECAY**rank for rank, strength in enumerate(ordered))
