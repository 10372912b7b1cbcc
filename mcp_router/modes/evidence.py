"""What several answers to one task taught, written down with its source for later choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage

WON = "won: "
LOST = "lost: "


def record(
    stage: Stage, job: Job, seats: Sequence[Seat], *, winner: Seat, threshold: float = 0.5
) -> None:
    """Keep one judgement for each answer: a judge's grade where there is one, else its confidence.

    `threshold` is where an answer counts as good. The winner comes last.

    Raises:
        StorageError: the database failed.
    """
    ordered = sorted((one for one in seats if one.done), key=lambda one: one is winner)
    with stage.store.database.transaction():
        for seat in ordered:
            score = seat.score if seat.graded else seat.confidence
            if score is None:
                continue
            stage.store.record_outcome(
                Outcome(
                    decision_id=job.decision.decision_id,
                    created_at=stage.clock(),
                    model=seat.model,
                    provider=seat.decision.provider,
                    task_type=job.decision.task_type,
                    complexity=job.decision.complexity,
                    ok=score >= threshold,
                    source="judge" if seat.graded else "scorer",
                    score=score,
                    note=(WON if seat is winner else LOST) + seat.why,
                    category=job.request.category or "",
                    project=job.request.tags.get("project", ""),
                    session=job.request.tags.get("session", ""),
                )
            )
