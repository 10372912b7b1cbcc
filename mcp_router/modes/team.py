"""Several seats at once: who waits for whom, and when the slow ones are stopped."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import StorageError
from mcp_router.execution.limits import CallLimits
from mcp_router.modes.seat import perform, seat_for
from mcp_router.modes.stage import seconds_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_router.modes.purse import Fund
    from mcp_router.modes.seat import Announcer, Seat
    from mcp_router.modes.stage import Job, Stage

DROPPED = "slower than the deadline of the ensemble"


def seated(stage: Stage, job: Job, names: Sequence[str], *, fund: Fund) -> list[Seat]:
    """Give the task to as many of the models as the money that was set aside holds."""
    seconds = seconds_for(stage, job)
    return [
        seat_for(
            stage,
            job,
            name,
            limits=CallLimits(seconds, job.limits.nanos if most is None else most),
            within=fund.within,
        )
        for name, most in zip(names, fund.limits, strict=False)
    ]


class Team:
    """Has seats answer side by side; nothing of it runs on once `work` has returned."""

    def __init__(self, stage: Stage, *, announce: Announcer) -> None:
        self._stage = stage
        self._announce = announce
        self._broken: StorageError | None = None

    async def work(
        self,
        seats: Sequence[Seat],
        *,
        patience: float = inf,
        delays: Sequence[float] = (),
        enough: Callable[[Seat], bool] = lambda _: False,
        cut: str = DROPPED,
    ) -> None:
        """Have the seats answer until all are done, or one is `enough`, or time is up.

        Args:
            seats: who answers.
            patience: seconds after which the others are stopped, once any has answered.
            delays: seconds a seat waits for the one before it, unless that one ends sooner.
            enough: says whether an answer is good enough to stop all others.
            cut: what is told of those that were stopped.

        Raises:
            StorageError: the database failed.
        """
        began, over = ([anyio.Event() for _ in seats] for _ in range(2))
        async with anyio.create_task_group() as group:

            async def sit(place: int) -> None:
                seat = seats[place]
                if place and delays:
                    await began[place - 1].wait()
                    with anyio.move_on_after(delays[place - 1]):
                        await over[place - 1].wait()
                began[place].set()
                try:
                    await perform(self._stage, seat, announce=self._announce)
                except StorageError as error:
                    # Raised in here, it would leave the group as an exception group.
                    self._broken = error
                    group.cancel_scope.cancel()
                # Stopped before they can hear that this one is over, the others do not begin.
                if seat.done is not None and enough(seat):
                    group.cancel_scope.cancel()
                over[place].set()

            for place in range(len(seats)):
                group.start_soon(sit, place)
            await _answers(seats, over, patience=patience)
            group.cancel_scope.cancel()
        if self._broken is not None:
            raise self._broken
        for seat in seats:
            if seat.done is None and seat.error is None:
                seat.cut = cut


async def _answers(seats: Sequence[Seat], over: Sequence[anyio.Event], *, patience: float) -> None:
    """Wait until all have ended or patience has; then until somebody has answered."""
    with anyio.move_on_after(patience):
        for one in over:
            await one.wait()
    async with anyio.create_task_group() as group:

        async def look(place: int) -> None:
            await over[place].wait()
            if seats[place].done is not None:
                group.cancel_scope.cancel()

        for place in range(len(seats)):
            group.start_soon(look, place)
