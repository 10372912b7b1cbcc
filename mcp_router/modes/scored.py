"""One model at a time for a task with scorers: below the bar the next one is tried."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import FallbackExhaustedError, RouterError, StorageError
from mcp_router.execution.check import Verdict
from mcp_router.execution.share import Share
from mcp_router.modes.evidence import record
from mcp_router.modes.purse import quotes_of, rest, whole_limit
from mcp_router.modes.result import answer_of, total_cost
from mcp_router.modes.seat import assessed, seat_for
from mcp_router.modes.stage import seconds_for
from mcp_router.money import to_nanos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.modes.exam import Exam, Found
    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Attempt, Completion, ModelAnswer


_HALF = 0.5


class _Trials:
    """The answers of one task so far, each with its marks."""

    def __init__(self, stage: Stage, job: Job, exam: Exam) -> None:
        self.seats: list[Seat] = []
        self.judges: list[Seat] = []
        self.warnings: list[str] = []
        self.share = Share(logprobs=exam.weighs)
        self._stage, self._job, self._exam = stage, job, exam
        self._began = anyio.current_time()
        self._limit = whole_limit(stage, job, quotes_of(stage, job, [job.decision.model]))

    async def check(self, done: Completion) -> Verdict:
        """Mark an answer, and say whether it is good enough."""
        seat, found = await self.mark(done)
        return Verdict(self._exam.shortfall(found) and seat.why, found.nanos)

    async def mark(self, done: Completion) -> tuple[Seat, Found]:
        """Mark an answer.

        Raises:
            StorageError: the database failed.
        """
        stage, job, exam = self._stage, self._job, self._exam
        seat = seat_for(stage, job, done.model, limits=job.limits)
        seat.done = done
        self.seats.append(seat)
        until = self._began + seconds_for(stage, job)
        found = await exam.look(stage, job, done, until=until, nanos=self._left())
        self.judges += found.calls
        self.warnings += exam.warnings(found)
        seat.marks, seat.confidence = found.marks, found.score
        short = exam.shortfall(found)
        good = "nothing marked it" if found.score is None else f"marked {found.score:.2f}"
        seat.why = short or f"{good}, at least {exam.bar:g} was asked"
        return seat, found

    def _left(self) -> int | None:
        """Return what the limits on this task leave for a judge; nano-dollars."""
        left = rest(self._limit, self.judges)
        spent = total_cost(self.share.attempts) or Decimal(0)
        return None if left is None else max(0, left - to_nanos(spent))

    def best(self) -> Seat | None:
        """Return the answer with the highest mark, of equals the first."""
        return max(self.seats, key=lambda one: one.confidence or 0.0, default=None)

    def attempts(self) -> tuple[Attempt, ...]:
        """List every attempt, those of judges last."""
        judged = [one for seat in self.judges for one in seat.attempts()]
        return (*self.share.attempts, *judged)

    def record(self, taken: Seat | None) -> None:
        """Keep all marks as evidence; the answer that was taken comes last.

        Raises:
            StorageError: the database failed.
        """
        exam, job = self._exam, self._job
        if exam.kind:
            changes = {"task_type": exam.kind}
            job = job._replace(decision=job.decision.model_copy(update=changes))
        record(
            self._stage,
            job,
            self.seats,
            winner=taken,
            threshold=exam.bar or _HALF,
            source=exam.source,
        )

    def result(self, seat: Seat, *, warnings: Sequence[str] = ()) -> Completion:
        """Put the result together from the answer of a seat."""
        done, attempts = seat.done, self.attempts()
        if done is None:
            raise ValueError("a seat without an answer has no result")
        confidence = seat.confidence
        if confidence is None:
            confidence = assessed(self._job.request, done).confidence
        told = dict.fromkeys((*done.warnings, *self.warnings, *warnings))
        several = len(self.seats) > 1
        return done.model_copy(
            update={
                "attempts": attempts,
                "cost_usd": total_cost(attempts),
                "latency_ms": round((anyio.current_time() - self._began) * 1000),
                "confidence": confidence,
                "answers": tuple(self._told(one, won=one is seat) for one in self.seats)
                if several
                else (),
                "why": seat.why,
                "warnings": tuple(told),
            }
        )

    def _told(self, seat: Seat, *, won: bool) -> ModelAnswer:
        """Write an answer with the cost and the time of its own model, not of those before it."""
        own = [one for one in self.share.attempts if one.model == seat.model]
        changes = {"cost_usd": total_cost(own), "latency_ms": sum(one.latency_ms for one in own)}
        return answer_of(seat, won=won).model_copy(update=changes)


async def scored(stage: Stage, job: Job, *, exam: Exam) -> Completion:
    """Try models until the answer of one satisfies every scorer.

    If none does, the best answer is given with a warning, or an error raised, as the settings of
    the task say.

    Raises:
        RouterError: as `Router.execute` raises.
    """
    trials = _Trials(stage, job, exam)
    taken: Seat | None = None
    try:
        best, warnings = await _tried(stage, job, trials, exam=exam)
        taken = best
    finally:
        # What was marked is paid for, also where somebody broke off.
        trials.record(taken)
    return trials.result(best, warnings=warnings)


async def _tried(
    stage: Stage, job: Job, trials: _Trials, *, exam: Exam
) -> tuple[Seat, tuple[str, ...]]:
    """Try models in turn; return the answer that is taken, and what to know of it."""
    try:
        await stage.executor.execute(
            job.request,
            decision=job.decision,
            limits=job.limits,
            on_attempt=job.on_attempt,
            share=trials.share,
            check=trials.check,
        )
    except StorageError:
        raise
    except RouterError as error:
        best = trials.best()
        if best is None:
            raise
        if exam.below == "error":
            raise FallbackExhaustedError(trials.attempts()) from error
        return best, (_below(trials.seats, best),)
    return trials.seats[-1], ()


async def marked_after(stage: Stage, job: Job, done: Completion, *, exam: Exam) -> Completion:
    """Mark an answer that was given already or won a race; it is recorded, and stays as it is.

    Raises:
        StorageError: the database failed.
    """
    trials = _Trials(stage, job, exam)
    trials.share.attempts += done.attempts
    seat, found = await trials.mark(done)
    trials.record(seat)
    short = exam.shortfall(found)
    warnings = [f"the answer is not good enough: {short}"] if short else []
    result = trials.result(seat, warnings=warnings)
    kept = {"latency_ms": done.latency_ms, "answers": done.answers, "why": done.why or seat.why}
    return result.model_copy(update=kept)


def _below(seats: Sequence[Seat], best: Seat) -> str:
    count = len(seats)
    among = "the only answer" if count == 1 else f"the best of {count} answers"
    return f"no answer was good enough; this is {among}, as {best.why}"
