"""A race: the first good answer wins, and all others are stopped at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from mcp_router.modes.evidence import record
from mcp_router.modes.lineup import panel
from mcp_router.modes.purse import quotes_of, set_aside
from mcp_router.modes.result import Told, completion, failure, losses
from mcp_router.modes.seat import Announcer, answered, weigh
from mcp_router.modes.stage import field_of, left_out, models_for
from mcp_router.modes.team import Team, seated
from mcp_router.types import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.routing.rank import Ranked
    from mcp_router.types import Completion

_KNOWN_CALLS = 20
_CUT = "a good answer of another model came first"
_TOO_LATE = "it came after the first good answer"


async def redundant(stage: Stage, job: Job) -> Completion:
    """Let models race for the first answer whose confidence reaches the threshold.

    Hedged, each starts only once the one before it has failed, answered badly or is slower than
    its own 95th percentile. If no answer is good, the best of them is given, with a warning.

    Raises:
        RouterError: as `Router.execute` raises.
    """
    began = anyio.current_time()
    own, given = stage.settings.redundant, job.options
    ranked = field_of(stage, job)
    names = panel(job.decision, ranked, size=models_for(job, own.size))
    threshold = own.threshold if given.threshold is None else given.threshold
    hedge = own.hedge if given.hedge is None else given.hedge
    async with set_aside(stage, job, quotes_of(stage, job, names)) as fund:
        seats = seated(stage, job, names, fund=fund)
        first: list[Seat] = []

        def good(seat: Seat) -> bool:
            weigh(seat)
            if (seat.confidence or 0.0) < threshold:
                return False
            first.append(seat)
            return True

        await Team(stage, announce=Announcer(job.on_attempt)).work(
            seats,
            delays=_delays(stage, job, names, ranked) if hedge else (),
            enough=good,
            cut=_CUT,
        )
    done = answered(seats)
    if not done:
        raise failure(seats)
    winner = first[0] if first else max(done, key=lambda one: one.confidence or 0.0)
    warnings = (
        [] if first else [f"no answer reached the confidence of {threshold:g} that was asked"]
    )
    if fund.refused is not None and len(seats) < len(names):
        warnings.append(f"the budget held only {len(seats)} of {len(names)} models")
    why = _explain(seats, winner=winner, good=bool(first))
    record(stage, job, done, winner=winner, threshold=threshold)
    warnings += left_out(job)
    if not first:
        warnings += losses(seats)
    took = round((anyio.current_time() - began) * 1000)
    return completion(winner, seats, told=Told(Mode.REDUNDANT, why, took, warnings=warnings))


def _delays(stage: Stage, job: Job, names: Sequence[str], ranked: Sequence[Ranked]) -> list[float]:
    """Say for each model after how many seconds it is slower than usual."""
    seen = stage.observe().performance
    estimates = {one.profile.model.name: one.profile.latency_high_ms for one in ranked}
    delays: list[float] = []
    for name in names:
        tasks = seen.get(name, {})
        known = tasks.get(job.decision.task_type) or tasks.get("")
        measured = known.latency_p95_ms if known and known.calls >= _KNOWN_CALLS else None
        guess = estimates.get(name, job.decision.estimated.latency_high_ms)
        delays.append((guess if measured is None else measured) / 1000)
    return delays


def _explain(seats: Sequence[Seat], *, winner: Seat, good: bool) -> str:
    for seat in seats:
        if seat.done is None:
            continue
        shown = f"confidence {seat.confidence or 0.0:.0%}"
        if seat is winner:
            seat.why = f"first good answer, {shown}" if good else f"best of the answers, {shown}"
        else:
            doubt = f": it {seat.doubts[0]}" if seat.doubts else ""
            seat.why = _TOO_LATE if good and not doubt else f"not good enough, {shown}{doubt}"
    ran = sum(bool(seat.share.attempts) for seat in seats)
    return f"{winner.model} won, {winner.why}; {ran} of {len(seats)} models were asked"
