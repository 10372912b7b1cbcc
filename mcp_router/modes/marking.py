"""Answers of several models marked side by side, and what is told of those below the bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_router.errors import FallbackExhaustedError, StorageError
from mcp_router.modes.seat import answered
from mcp_router.quality.marks import lowest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.modes.exam import Exam
    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage


class Bounds(NamedTuple):
    """By when marking ends, by the event loop's clock, and the nano-dollars judges may cost."""

    until: float
    nanos: int | None


class Told(NamedTuple):
    """The calls that judges made, and what to tell of scorers that failed."""

    calls: tuple[Seat, ...] = ()
    warnings: tuple[str, ...] = ()


async def mark(
    stage: Stage, job: Job, seats: Sequence[Seat], *, exam: Exam, bounds: Bounds
) -> Told:
    """Mark the answers of some seats side by side; each keeps its marks and why it falls short.

    The mark takes the place of the confidence, as it looked at more than form and wording.

    Raises:
        StorageError: the database failed.
    """
    there = answered(seats)
    each = None if bounds.nanos is None else bounds.nanos // max(1, len(there))
    broken: list[StorageError] = []
    told: list[Told] = []

    async def look(seat: Seat) -> None:
        if seat.done is None:
            return
        try:
            found = await exam.look(stage, job, seat.done, until=bounds.until, nanos=each)
        except StorageError as error:
            # Raised in here, it would leave the group as an exception group.
            broken.append(error)
            return
        seat.marks, seat.refusal = found.marks, exam.shortfall(found)
        worst = lowest(found.marks)
        if worst is not None and worst.score is not None:
            seat.confidence = worst.score
            why = f": {worst.says}" if worst.says else ""
            seat.doubts = (f"was marked {worst.score:.2f} by {worst.scorer}{why}",)
        told.append(Told(found.calls, tuple(exam.warnings(found))))

    async with anyio.create_task_group() as group:
        for seat in there:
            group.start_soon(look, seat)
    if broken:
        raise broken[0]
    calls = tuple(call for one in told for call in one.calls)
    return Told(calls, tuple(dict.fromkeys(line for one in told for line in one.warnings)))


def best_of(seats: Sequence[Seat]) -> list[Seat]:
    """Keep the answers that satisfy the scorers; where none does, those marked highest."""
    good = [one for one in seats if not one.refusal]
    if good:
        return good
    most = max((one.confidence or 0.0 for one in seats), default=0.0)
    return [one for one in seats if (one.confidence or 0.0) >= most]


def refuse(exam: Exam, winner: Seat, *, seats: Sequence[Seat], helpers: Sequence[Seat]) -> str:
    """Say that even the best answer is below the bar, "" if it is not.

    Raises:
        FallbackExhaustedError: it is, and the settings want an error instead.
    """
    if not winner.refusal:
        return ""
    if exam.below == "error":
        everyone = (*seats, *helpers)
        raise FallbackExhaustedError([one for seat in everyone for one in seat.attempts()])
    return f"no answer was good enough; this is the best of them, as {winner.refusal}"
