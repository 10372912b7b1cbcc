"""The best of several answers when nobody is there to judge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mcp_router.quality.agreement import agreements
from mcp_router.types import Request

CONFIDENCE = 0.5
CAPABILITY = 0.3
COMPLETENESS = 0.2
AGREEMENT = 0.2
"""What agreement with the other answers adds on top of the three shares."""


class Contender(NamedTuple):
    """An answer that may win, with what is known of it; the parts are from 0 to 1."""

    model: str
    answer: str
    confidence: float
    capability: float = 0.5
    completeness: float = 1.0


class Standing(NamedTuple):
    """One answer's place in the ranking; `place` is its index, `score` is from 0 to 1."""

    place: int
    score: float
    agreement: float


def rank(
    contenders: Sequence[Contender], *, request: Request | None = None
) -> tuple[Standing, ...]:
    """Rank answers, best first: half confidence, 30 % capability, 20 % completeness, and agreement.

    Equal scores go to the higher confidence, then the lower name. The order given never matters.
    """
    shares = agreements([one.answer for one in contenders], request=request)
    full = CONFIDENCE + CAPABILITY + COMPLETENESS + AGREEMENT
    standings = [
        Standing(
            place,
            (
                CONFIDENCE * one.confidence
                + CAPABILITY * one.capability
                + COMPLETENESS * one.completeness
                + AGREEMENT * share
            )
            / full,
            share,
        )
        for place, (one, share) in enumerate(zip(contenders, shares, strict=True))
    ]

    def order(standing: Standing) -> tuple[float, float, str, str]:
        one = contenders[standing.place]
        return -round(standing.score, 9), -one.confidence, one.model, one.answer

    return tuple(sorted(standings, key=order))
