"""Marks that scorers gave an answer, and whether they clear a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Mark(NamedTuple):
    """What one scorer found; `score` is from 0 to 1, None where the scorer itself failed.

    `says` is a clause on why the mark is low, or on what went wrong with the scorer.
    """

    scorer: str
    score: float | None
    says: str = ""


def lowest(marks: Sequence[Mark]) -> Mark | None:
    """Return the mark that counts, as an answer must satisfy every scorer; None without any."""
    given = [one for one in marks if one.score is not None]
    return min(given, key=lambda one: one.score or 0.0, default=None)


def shortfall(marks: Sequence[Mark], *, bar: float) -> str:
    """Say which mark is below the bar and why; "" where none is."""
    worst = lowest(marks)
    if worst is None or worst.score is None or worst.score >= bar:
        return ""
    why = f": {worst.says}" if worst.says else ""
    return f"{worst.scorer} gave {worst.score:.2f}, below {bar:g}{why}"


def failures(marks: Sequence[Mark]) -> list[str]:
    """Say of each scorer that gave no mark what went wrong with it."""
    return [f"the scorer {one.scorer} {one.says}" for one in marks if one.score is None]
