"""How far several answers to one request say the same."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_router.quality.similarity import mean_similarity, similarity
from mcp_router.quality.vote import Ballot, vote
from mcp_router.types import Request

# Two good texts on one subject share about this much wording.
_USUAL = 0.2


def agreement(answers: Sequence[str], *, request: Request | None = None) -> float:
    """Measure agreement from 0 to 1: the share of the largest group, or the likeness of texts."""
    counted = vote([Ballot("", answer) for answer in answers], request=request)
    return counted.agreement if counted.closed else mean_similarity(answers)


def agreements(answers: Sequence[str], *, request: Request | None = None) -> tuple[float, ...]:
    """Say for each answer how far the others agree with it, from 0 to 1; 0 for a single one."""
    if len(answers) < 2:
        return (0.0,) * len(answers)
    counted = vote([Ballot("", answer) for answer in answers], request=request)
    others = len(answers) - 1
    if counted.closed:
        sizes = {place: len(group.members) for group in counted.groups for place in group.members}
        return tuple((sizes[place] - 1) / others for place in range(len(answers)))
    return tuple(
        sum(similarity(one, other) for at, other in enumerate(answers) if at != place) / others
        for place, one in enumerate(answers)
    )


def consistency(answer: str, others: Sequence[str], *, request: Request | None = None) -> float:
    """Say how far further answers to a request support this one; 0.5 says nothing either way.

    Closed answers count by value. Running texts say less, since good ones may differ freely: they
    stay between 0.4 and 0.9.
    """
    if not others:
        return 0.5
    answers = (answer, *others)
    share = agreements(answers, request=request)[0]
    if vote([Ballot("", one) for one in answers], request=request).closed:
        return share
    return min(0.9, max(0.4, 0.5 + share - _USUAL))
