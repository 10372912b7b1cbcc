"""Made-up pools of models of which it is known what can be saved."""

from __future__ import annotations

import random

from mcp_router.evaluation.outcomes import Outcomes, Row, outcomes

WORDS = {
    "law": ["court", "judge", "appeal", "statute", "clause", "party", "tort", "breach"],
    "code": ["function", "loop", "array", "pointer", "compile", "stack", "branch", "merge"],
}


def rows(count: int, *, chances: dict[str, dict[str, float]], seed: int = 1) -> list[Row]:
    """Rows of both groups, half of each, where `chances` are those of success by model."""
    rng = random.Random(seed)
    made: list[Row] = []
    for at in range(count):
        group = ("law", "code")[at % 2]
        words = [rng.choice(WORDS[group]) for _ in range(8)] + [f"case{at}"]
        made.append(
            Row(
                prompt=" ".join(words),
                category=group,
                scores={name: float(rng.random() < one[group]) for name, one in chances.items()},
                costs={"dear": 0.01, "cheap": 0.001},
            )
        )
    return made


def divided(count: int = 600, *, seed: int = 1) -> Outcomes:
    """Make a pool whose cheap model is as good on code and hopeless on law."""
    chances = {"dear": {"law": 0.9, "code": 0.9}, "cheap": {"law": 0.1, "code": 0.9}}
    return outcomes(rows(count, chances=chances, seed=seed), rates={})


def hopeless(count: int = 600, *, seed: int = 1) -> Outcomes:
    """Make a pool whose cheap model is far worse whatever is asked."""
    chances = {"dear": {"law": 0.9, "code": 0.9}, "cheap": {"law": 0.2, "code": 0.2}}
    return outcomes(rows(count, chances=chances, seed=seed), rates={})
