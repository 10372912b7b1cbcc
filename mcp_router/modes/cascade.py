"""A cascade: from the cheapest capable model upwards, until an answer is good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import BudgetExceededError, UnpricedModelError
from mcp_router.execution.limits import CallLimits
from mcp_router.modes.evidence import record
from mcp_router.modes.judging import Bench, graded_alone
from mcp_router.modes.lineup import ladder
from mcp_router.modes.marking import Bounds, mark, refuse
from mcp_router.modes.purse import quotes_of, rest, set_aside, whole_limit
from mcp_router.modes.result import Told, completion, ends, failure, losses
from mcp_router.modes.seat import Announcer, answered, seat_for, weigh
from mcp_router.modes.stage import field_of, left_out, models_for, seconds_for
from mcp_router.modes.team import Team
from mcp_router.types import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Completion

_MONEY = (BudgetExceededError, UnpricedModelError)


class Rules:
    """How one cascade goes, from its options, its task type and the settings."""

    def __init__(self, stage: Stage, job: Job) -> None:
        own, given = stage.settings.cascade, job.options
        task = stage.settings.tasks.get(job.decision.task_type)
        usual = own.threshold if task is None or task.threshold is None else task.threshold
        self.exam = stage.examiner.exam_of(stage, job)
        self.threshold = usual if given.threshold is None else given.threshold
        if self.exam is not None:
            self.threshold = self.exam.bar
        self.steps = models_for(job, own.steps)
        self.samples = own.samples
        self.judges = given.judges or own.judges


class _Climb:
    """One cascade on its way up; each step is paid for as it comes."""

    def __init__(self, stage: Stage, job: Job, rules: Rules) -> None:
        self.seats: list[Seat] = []
        self.helpers: list[Seat] = []
        self.stopped = ""
        self.warnings: list[str] = []
        self._stage = stage
        self._job = job
        self._rules = rules
        self._limit: int | None = None
        self._until = anyio.current_time() + seconds_for(stage, job)
        self._team = Team(stage, announce=Announcer(job.on_attempt))

    async def step(self, name: str) -> Seat | None:
        """Ask one model; return its answer, weighed, or None.

        Raises:
            BudgetExceededError, UnpricedModelError: it cannot be paid for.
            StorageError: the database failed.
        """
        left = self._until - anyio.current_time()
        if left <= 0:
            self.stopped = "its time was up"
            return None
        stage, job = self._stage, self._job
        quotes = quotes_of(stage, job, [name] * self._rules.samples)
        self._limit = whole_limit(stage, job, quotes)
        room = job._replace(limits=CallLimits(left, self._left()))
        async with set_aside(stage, room, quotes) as fund:
            most = [room.limits.nanos if one is None else one for one in fund.limits]
            tries = [
                seat_for(stage, room, name, limits=CallLimits(left, one), within=fund.within)
                for one in most
            ]
            self.seats += tries
            await self._team.work(tries, cut="its time was up")
        given = answered(tries)
        for one in given:
            weigh(one, others=[other for other in given if other is not one])
        await self._mark(given)
        best = max(given, key=lambda one: one.confidence or 0.0, default=None)
        if best is not None:
            await self._ask_judge(best)
        return best

    def _left(self) -> int | None:
        """Return what is left of the limit on the whole after the steps so far."""
        return rest(self._limit, [*self.seats, *self.helpers])

    async def _mark(self, given: Sequence[Seat]) -> None:
        """Have the scorers of the task mark the answers, if it has any."""
        exam = self._rules.exam
        if exam is not None:
            bounds = Bounds(self._until, self._left())
            told = await mark(self._stage, self._job, given, exam=exam, bounds=bounds)
            self.helpers += told.calls
            self.warnings += told.warnings

    async def _ask_judge(self, best: Seat) -> None:
        """Let a judge lower the confidence of an answer that looks good; never raise it."""
        rules, confidence = self._rules, best.confidence or 0.0
        if not rules.judges or confidence < rules.threshold:
            return
        bench = Bench(rules.judges, None, self._until, self._left())
        grade, calls = await graded_alone(
            self._stage, self._job, best, bench=bench, team=self._team
        )
        self.helpers += calls
        if grade is not None:
            best.score, best.graded = grade, True
            best.confidence = min(confidence, grade)
            if grade < confidence:
                best.doubts = (f"got {grade * 10:.0f} of 10 from the judge", *best.doubts)


async def cascade(stage: Stage, job: Job) -> Completion:
    """Ask ever better models until one's answer reaches the threshold, or the money is gone.

    Raises:
        RouterError: as `Router.execute` raises.
    """
    began = anyio.current_time()
    rules = Rules(stage, job)
    climb = _Climb(stage, job, rules)
    names = ladder(job.decision, field_of(stage, job), steps=rules.steps)
    best: Seat | None = None
    asked = 0
    refused: BudgetExceededError | UnpricedModelError | None = None
    for name in names[: max(rules.steps, stage.settings.fallback.max_attempts)]:
        try:
            found = await climb.step(name)
        except (BudgetExceededError, UnpricedModelError) as error:
            refused = refused or error
            if best is not None:
                climb.stopped = f"the budget does not hold {name}"
                break
            continue
        if found is not None:
            asked += 1
            if best is None or (found.confidence or 0.0) >= (best.confidence or 0.0):
                best = found
            if (found.confidence or 0.0) >= rules.threshold or asked >= rules.steps:
                break
        elif climb.stopped or _ends(climb.seats[-1], best):
            break
    if best is None:
        raise refused if refused and not climb.seats else failure(climb.seats)
    return _finished(stage, job, climb, best=best, rules=rules, began=began)


def _ends(last: Seat, best: Seat | None) -> bool:
    """Say whether a failure ends the cascade: refused content is not offered elsewhere."""
    return ends(last.error) or (best is not None and isinstance(last.error, _MONEY))


def _finished(
    stage: Stage, job: Job, climb: _Climb, *, best: Seat, rules: Rules, began: float
) -> Completion:
    good = (best.confidence or 0.0) >= rules.threshold
    warnings: list[str] = []
    if not good:
        reason = f" and {climb.stopped}" if climb.stopped else ""
        warnings.append(
            f"no answer reached the confidence of {rules.threshold:g} that was asked{reason}"
        )
    warnings += climb.warnings
    warnings += left_out(job)
    warnings += losses(seat for seat in climb.seats if seat.model != best.model)
    _explain(climb.seats, best=best, good=good)
    record(stage, job, climb.seats, winner=best, threshold=rules.threshold)
    if rules.exam is not None:
        told_below = refuse(rules.exam, best, seats=climb.seats, helpers=climb.helpers)
        warnings += [told_below] if told_below else []
    told = Told(
        Mode.CASCADE,
        _why(climb.seats, best=best, threshold=rules.threshold, good=good),
        round((anyio.current_time() - began) * 1000),
        helpers=climb.helpers,
        warnings=warnings,
    )
    return completion(best, climb.seats, told=told)


def _explain(seats: Sequence[Seat], *, best: Seat, good: bool) -> None:
    for seat in answered(seats):
        shown = f"confidence {seat.confidence or 0.0:.0%}"
        doubt = f": it {seat.doubts[0]}" if seat.doubts else ""
        if seat is best:
            seat.why = f"good enough, {shown}" if good else f"best of the answers, {shown}{doubt}"
        elif seat.model == best.model:
            seat.why = f"another try of the same model, {shown}"
        else:
            seat.why = f"not good enough, {shown}{doubt}"


def _why(seats: Sequence[Seat], *, best: Seat, threshold: float, good: bool) -> str:
    models = list(dict.fromkeys(seat.model for seat in seats))
    way = " → ".join(models)
    sure = best.confidence or 0.0
    side = "at least" if good else "below"
    return f"{way}: {best.model} answered with confidence {sure:.2f}, {side} {threshold:g}"
