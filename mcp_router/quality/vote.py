"""A vote over closed answers, compared as values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from mcp_router.quality.asked import asked
from mcp_router.quality.closed import NO_HINT, Closed, closed_answer, hint_of
from mcp_router.types import Request


class Ballot(NamedTuple):
    """One answer to be counted; `weight` is what its model's word is worth, above 0."""

    model: str
    answer: str
    weight: float = 1.0


class Group(NamedTuple):
    """Ballots that say the same; `members` are their places, the one to quote first."""

    value: Closed
    members: tuple[int, ...]
    weight: float


class Vote(NamedTuple):
    """The result of a vote.

    `winner` is the place of the ballot to quote, None without a winner; `agreement` is the share
    of the weight behind the largest group; `closed` says that the answers could be compared at
    all; `groups` come heaviest first.
    """

    winner: int | None
    agreement: float
    groups: tuple[Group, ...]
    closed: bool
    reason: str


def vote(
    ballots: Sequence[Ballot], *, request: Request | None = None, minimum: float = 0.5
) -> Vote:
    """Let the answers vote; the heaviest group wins if it holds `minimum` of all weight or more.

    Of equally heavy groups the one with more ballots wins, then the one with the heaviest single
    ballot; groups equal in all three have no winner. The order of the ballots never matters.

    Raises:
        ValueError: there is no ballot, or one without a positive weight.
    """
    if not ballots or any(ballot.weight <= 0 for ballot in ballots):
        raise ValueError("a vote needs ballots with positive weights")
    hint = hint_of(asked(request)) if request else NO_HINT
    values = [closed_answer(ballot.answer, hint=hint) for ballot in ballots]
    groups = _groups(ballots, values)
    first, *others = groups
    total = sum(ballot.weight for ballot in ballots)
    agreement = min(1.0, first.weight / total)
    counted = sum(
        b.weight for b, value in zip(ballots, values, strict=True) if value.kind != "open"
    )
    closed = counted * 2 > total
    if not closed:
        return Vote(
            None, agreement, groups, closed, "the answers are no values that can be counted"
        )
    tied = bool(others) and _rank(first, ballots) == _rank(others[0], ballots)
    shares = f"{len(first.members)} of {len(ballots)} answers"
    if tied:
        return Vote(None, agreement, groups, closed, f"a tie: {shares} against as many")
    if agreement < minimum - 1e-9:
        return Vote(None, agreement, groups, closed, f"only {agreement:.0%} agree")
    winner = first.members[0]
    return Vote(winner, agreement, groups, closed, f"{shares} say {first.value.value[:40]}")


def _groups(ballots: Sequence[Ballot], values: Sequence[Closed]) -> tuple[Group, ...]:
    members: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        members[value.kind, value.value, value.unit].append(place)
    _join_bare_numbers(members, ballots, values)
    groups = [_group(places, ballots, values) for places in members.values() if places]
    return tuple(sorted(groups, key=lambda group: (*_order(group, ballots), group.value)))


def _join_bare_numbers(
    members: dict[tuple[str, str, str], list[int]],
    ballots: Sequence[Ballot],
    values: Sequence[Closed],
) -> None:
    """Count a bare "5" with the heaviest group in which somebody wrote "5 km" or the like."""

    def weight(key: tuple[str, str, str]) -> tuple[float, tuple[str, str, str]]:
        return sum(ballots[place].weight for place in members[key]), key

    def written(key: tuple[str, str, str], face: str) -> bool:
        seen = (values[place] for place in members[key])
        return key[0] == "number" and any(one.unit and one.face == face for one in seen)

    for key in sorted(members):
        kind, face, unit = key
        bare = kind == "number" and not unit
        if bare and all(values[place].face == face for place in members[key]):
            homes = [other for other in members if other != key and written(other, face)]
            if homes:
                members[max(homes, key=weight)] += members[key]
                members[key].clear()


def _group(places: list[int], ballots: Sequence[Ballot], values: Sequence[Closed]) -> Group:
    # Who is quoted must not depend on who came first.
    ranked = sorted(
        places,
        key=lambda at: (
            not values[at].unit,
            -ballots[at].weight,
            ballots[at].model,
            ballots[at].answer,
        ),
    )
    return Group(values[ranked[0]], tuple(ranked), sum(ballots[at].weight for at in sorted(places)))


def _rank(group: Group, ballots: Sequence[Ballot]) -> tuple[float, int, float]:
    heaviest = max(ballots[place].weight for place in group.members)
    return round(group.weight, 9), len(group.members), heaviest


def _order(group: Group, ballots: Sequence[Ballot]) -> tuple[float, int, float]:
    weight, count, heaviest = _rank(group, ballots)
    return -weight, -count, -heaviest
