"""How several answers become one: by vote, by judges, by merging them, or by their ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.modes.judging import Bench, helper, judged
from mcp_router.modes.seat import weigh
from mcp_router.quality.agreement import agreement
from mcp_router.quality.combine import Contender, rank
from mcp_router.quality.completeness import completeness
from mcp_router.quality.prompts import synthesis_request
from mcp_router.quality.vote import Ballot, vote
from mcp_router.types import Resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.modes.team import Team
    from mcp_router.quality.vote import Vote


class Panel(NamedTuple):
    """What is to be resolved: the answers, how well each model fits the task, and the ways.

    `fit` is from 0 to 1. `merger` merges where that is asked for.
    """

    seats: Sequence[Seat]
    fit: Mapping[str, float]
    resolve: Resolve
    minimum: float
    bench: Bench
    merger: str | None = None


class Resolved(NamedTuple):
    """Who won, why, how far the answers agree, and who helped to find out."""

    winner: Seat
    why: str
    agreement: float
    helpers: tuple[Seat, ...] = ()
    warnings: tuple[str, ...] = ()


async def resolved(stage: Stage, job: Job, panel: Panel, *, team: Team) -> Resolved:
    """Make one answer of several; where the way that was asked for fails, by their ranking.

    Raises:
        StorageError: the database failed.
    """
    seats = panel.seats
    for seat in seats:
        weigh(seat, others=[one for one in seats if one is not seat])
    if len(seats) == 1:
        (only,) = seats
        only.why = f"the only answer, confidence {only.confidence or 0.0:.0%}"
        return Resolved(only, f"{only.model} gave the only answer", 1.0)
    same = agreement([seat.text for seat in seats], request=job.request)
    way = panel.resolve
    warnings: tuple[str, ...] = ()
    if way in (Resolve.AUTO, Resolve.CONSENSUS):
        counted = _vote(job, panel)
        if counted.winner is not None:
            return _by_vote(panel, counted)
        if way is Resolve.CONSENSUS:
            warnings = (f"no consensus: {counted.reason}",)
        elif panel.bench.judges:
            way = Resolve.JUDGE
    if way is Resolve.JUDGE:
        return await _by_judge(stage, job, panel, same=same, team=team)
    if way is Resolve.SYNTHESIS and panel.merger is not None:
        return await _merged(stage, job, panel, same=same, team=team)
    return _by_rank(job, panel, same=same)._replace(warnings=warnings)


def _vote(job: Job, panel: Panel) -> Vote:
    # The word of a model that is likelier to be right counts more, within bounds.
    ballots = [
        Ballot(seat.model, seat.text, 0.5 + panel.fit.get(seat.model, 0.5)) for seat in panel.seats
    ]
    return vote(ballots, request=job.request, minimum=panel.minimum)


def _by_vote(panel: Panel, counted: Vote) -> Resolved:
    winner = panel.seats[counted.winner or 0]
    said = {place: group for group in counted.groups for place in group.members}
    for place, seat in enumerate(panel.seats):
        side = said[place]
        share = f"{len(side.members)} of {len(panel.seats)}"
        with_winner = counted.winner in side.members
        seat.why = f"in the majority, {share}" if with_winner else f"outvoted, {share} said so"
    winner.why = f"speaks for the majority: {counted.reason}"
    return Resolved(winner, f"by vote: {counted.reason}", counted.agreement)


async def _by_judge(stage: Stage, job: Job, panel: Panel, *, same: float, team: Team) -> Resolved:
    verdict = await judged(stage, job, panel.seats, bench=panel.bench, team=team)
    graded = [grade for grade in verdict.grades if grade is not None]
    if not graded:
        told = (*verdict.warnings, "no judge gave a verdict, so the answers were ranked")
        found = _by_rank(job, panel, same=same)
        return found._replace(helpers=verdict.seats, warnings=told)
    for seat, grade in zip(panel.seats, verdict.grades, strict=True):
        seat.score, seat.graded = grade, grade is not None
        seat.why = "not graded" if grade is None else f"graded {grade * 10:.1f} of 10"
    tied = verdict.winner is None
    best = max(graded)
    place = verdict.winner
    if place is None:
        level = [seat for seat in panel.seats if (seat.score or 0.0) >= best - 1e-9]
        winner = max(level, key=lambda one: (one.confidence or 0.0, panel.fit.get(one.model, 0.0)))
    else:
        winner = panel.seats[place]
    names = ", ".join(dict.fromkeys(one.model for one in verdict.seats))
    why = f"{names} graded it best, {best * 10:.1f} of 10" + (", in a tie" if tied else "")
    return Resolved(winner, why, same, verdict.seats, verdict.warnings)


async def _merged(stage: Stage, job: Job, panel: Panel, *, same: float, team: Team) -> Resolved:
    drafts = [seat for seat in panel.seats if seat.text]
    mark = f"{int(stage.rng.random() * 16**10):010x}"
    request = synthesis_request(job.request, [one.text for one in drafts], mark=mark)
    seat = helper(stage, job, request, name=panel.merger or "", bench=panel.bench, grading=False)
    await team.work([seat], cut="merging took too long")
    if seat.done is None:
        found = _by_rank(job, panel, same=same)
        told = f"{seat.model} could not merge the answers, so they were ranked"
        return found._replace(helpers=(seat,), warnings=(told,))
    weigh(seat)
    for one in panel.seats:
        one.why = "merged into the answer"
    seat.why = f"merges {len(drafts)} answers"
    return Resolved(seat, f"{seat.model} merged {len(drafts)} answers", same)


def _by_rank(job: Job, panel: Panel, *, same: float) -> Resolved:
    """Weigh confidence 50 %, capability 30 %, completeness 20 %, and agreement on top."""
    contenders: list[Contender] = []
    for seat in panel.seats:
        others = [one.text for one in panel.seats if one is not seat]
        reason = seat.done.finish_reason if seat.done else "stop"
        full = completeness(job.request, seat.text, finish_reason=reason, others=others)
        fit = panel.fit.get(seat.model, 0.5)
        contenders.append(Contender(seat.model, seat.text, seat.confidence or 0.0, fit, full))
    standings = rank(contenders, request=job.request)
    for one in standings:
        seat, shown = panel.seats[one.place], contenders[one.place]
        seat.score = min(1.0, max(0.0, one.score))
        seat.why = (
            f"confidence {shown.confidence:.2f}, capability {shown.capability:.2f}, "
            f"completeness {shown.completeness:.2f}, agreement {one.agreement:.2f}"
        )
    winner = panel.seats[standings[0].place]
    return Resolved(winner, f"{winner.model} ranked first: {winner.why}", same)
