"""An ensemble: several models answer under one deadline, and their answers become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_router.modes.evidence import record
from mcp_router.modes.judging import Bench, judging_price, merging_price
from mcp_router.modes.lineup import panel, strongest
from mcp_router.modes.marking import Bounds, best_of, mark, refuse
from mcp_router.modes.purse import quotes_of, rest, set_aside, whole_limit
from mcp_router.modes.resolve import Panel, resolved
from mcp_router.modes.result import Told, completion, failure, losses
from mcp_router.modes.seat import Announcer, answered
from mcp_router.modes.stage import field_of, left_out, models_for, seconds_for
from mcp_router.modes.team import Team, seated
from mcp_router.types import Mode, Resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.execution.share import Quote
    from mcp_router.modes.purse import Fund
    from mcp_router.modes.resolve import Resolved
    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.routing.rank import Ranked
    from mcp_router.types import Completion


class _Check:
    """Has the scorers of a task mark the answers of an ensemble, where it has any."""

    def __init__(self, stage: Stage, job: Job, plan: _Plan, *, until: float) -> None:
        self.calls: list[Seat] = []
        self._stage, self._job = stage, job
        self._exam = stage.examiner.exam_of(stage, job)
        self._until = until
        self._limit = None if self._exam is None else whole_limit(stage, job, plan.quotes)
        self._told: list[str] = []
        self.bar = 0.5 if self._exam is None else self._exam.bar

    async def passing(self, seats: Sequence[Seat]) -> list[Seat]:
        """Mark all answers, and keep those among which the winner is chosen."""
        there = answered(seats)
        if self._exam is None:
            return there
        await self._mark(there)
        able = best_of(there)
        for one in there:
            one.why = f"left out: it {one.doubts[0]}" if one not in able and one.doubts else ""
        return able

    async def checked(self, found: Resolved, able: Sequence[Seat]) -> Resolved:
        """Mark an answer that was merged; a worse one gives way to the best of its drafts."""
        if self._exam is None or found.winner in able:
            return found
        await self._mark([found.winner])
        best = max(able, key=lambda one: one.confidence or 0.0)
        worse = (best.confidence or 0.0) < (found.winner.confidence or 0.0)
        if not found.winner.refusal or worse:
            return found
        why = f"the merged answer was not good enough, so that of {best.model} was taken"
        return found._replace(winner=best, why=why, helpers=(*found.helpers, found.winner))

    def warnings(self, winner: Seat, seats: Sequence[Seat]) -> list[str]:
        """Say what is to be known of the marks.

        Raises:
            FallbackExhaustedError: no answer is good enough, and the settings want an error.
        """
        if self._exam is None:
            return []
        below = refuse(self._exam, winner, seats=seats, helpers=self.calls)
        return [*self._told, *([below] if below else [])]

    async def _mark(self, seats: Sequence[Seat]) -> None:
        if self._exam is None:
            return
        bounds = Bounds(self._until, rest(self._limit, [*seats, *self.calls]))
        told = await mark(self._stage, self._job, seats, exam=self._exam, bounds=bounds)
        self.calls += told.calls
        self._told += told.warnings


class _Plan(NamedTuple):
    """Who answers, who helps afterwards, and what the helpers can cost in nano-dollars."""

    names: tuple[str, ...]
    quotes: Sequence[Quote]
    resolve: Resolve
    judges: tuple[str, ...]
    merger: str | None
    helpers: int


async def ensemble(stage: Stage, job: Job) -> Completion:
    """Have several models answer, drop the slow ones at the deadline, and resolve the rest.

    Raises:
        RouterError: as `Router.execute` raises.
    """
    began = anyio.current_time()
    ranked = field_of(stage, job)
    plan = _planned(stage, job, ranked)
    seconds = seconds_for(stage, job)
    team = Team(stage, announce=Announcer(job.on_attempt))
    deadline_ms = job.options.deadline_ms or stage.settings.ensemble.deadline_ms
    async with set_aside(stage, job, plan.quotes, helpers=plan.helpers) as fund:
        seats = seated(stage, job, plan.names, fund=fund)
        await team.work(seats, patience=deadline_ms / 1000)
        if not answered(seats):
            raise failure(seats)
        check = _Check(stage, job, plan, until=began + seconds)
        able = await check.passing(seats)
        found = await resolved(
            stage,
            job,
            _panel(stage, job, plan, seats, fund=fund, until=began + seconds)._replace(seats=able),
            team=team,
        )
        found = await check.checked(found, able)
    everyone = seats if found.winner in seats else [*seats, found.winner]
    record(stage, job, everyone, winner=found.winner, threshold=check.bar)
    told = Told(
        Mode.ENSEMBLE,
        found.why,
        round((anyio.current_time() - began) * 1000),
        agreement=found.agreement,
        helpers=[*found.helpers, *check.calls],
        warnings=[
            *left_out(job),
            *_warnings(plan, seats, fund, found),
            *check.warnings(found.winner, seats),
        ],
    )
    return completion(found.winner, everyone, told=told)


def _planned(stage: Stage, job: Job, ranked: Sequence[Ranked]) -> _Plan:
    own, given = stage.settings.ensemble, job.options
    resolve = given.resolve or own.resolve
    judges = tuple(stage.catalog.resolve(name).name for name in (given.judges or own.judges))
    size = given.n or own.size if given.same_model else models_for(job, own.size)
    if given.same_model:
        names: tuple[str, ...] = (job.decision.model,) * size
    else:
        names = panel(job.decision, ranked, size=size, without=judges)
    if resolve is Resolve.JUDGE and not judges:
        best = strongest(ranked, without=names)
        judges = (best,) if best else ()
    merger = None
    if resolve is Resolve.SYNTHESIS:
        merger = judges[0] if judges else strongest(ranked)
    quotes = quotes_of(stage, job, names)
    helpers = 0
    if merger is not None:
        helpers = merging_price(stage, job, quotes, merger=merger)
    elif judges and resolve in (Resolve.AUTO, Resolve.JUDGE):
        helpers = judging_price(stage, job, quotes, judges=judges)
    return _Plan(names, quotes, resolve, judges, merger, helpers)


def _panel(
    stage: Stage, job: Job, plan: _Plan, seats: Sequence[Seat], *, fund: Fund, until: float
) -> Panel:
    given = job.options.min_agreement
    usual = stage.settings.ensemble.min_agreement
    fit = {one.profile.model.name: one.profile.fit for one in field_of(stage, job)}
    resolve = plan.resolve
    if not fund.helped and resolve in (Resolve.JUDGE, Resolve.SYNTHESIS):
        resolve = Resolve.AUTO
    judges = plan.judges if fund.helped else ()
    limit = whole_limit(stage, job, plan.quotes)
    return Panel(
        seats=answered(seats),
        fit=fit,
        resolve=resolve,
        minimum=usual if given is None else given,
        bench=Bench(judges, fund.within, until, rest(limit, seats)),
        merger=plan.merger,
    )


def _warnings(plan: _Plan, seats: Sequence[Seat], fund: Fund, found: Resolved) -> list[str]:
    told = losses(seats)
    if len(seats) < len(plan.names):
        told.append(f"the budget held only {len(seats)} of {len(plan.names)} models")
    elif len(plan.names) == 1:
        told.append("only one model fits, so there was nothing to compare")
    if not fund.helped:
        told.append("the budget held no judge, so the answers were compared without one")
    return [*told, *found.warnings]
