"""What several answers to one task taught, written down with its source for later choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage

WON = "won: "
LOST = "lost: "


class Judgement(NamedTuple):
    """What was found of an answer, and by whom: a score from 0 to 1, and whether that is good."""

    source: str
    score: float
    ok: bool
    note: str = ""


def record(
    stage: Stage,
    job: Job,
    seats: Sequence[Seat],
    *,
    winner: Seat | None,
    threshold: float = 0.5,
    source: str = "",
) -> None:
    """Keep what was judged of each answer: scorers' marks, else a judge's grade, else confidence.

    `threshold` is where an answer counts as good; under a `source` the mark that counts is kept
    alone. The winner comes last.

    Raises:
        StorageError: the database failed.
    """
    ordered = sorted((one for one in seats if one.done), key=lambda one: one is winner)
    with stage.store.together():
        for seat in ordered:
            note = (WON if seat is winner else LOST) + seat.why
            for name, score in _scores(seat, source):
                found = Judgement(name, score, score >= threshold, note)
                keep(stage, job, found, model=seat.model, provider=seat.decision.provider)


def keep(stage: Stage, job: Job, found: Judgement, *, model: str, provider: str) -> None:
    """Keep one judgement of an answer to a task.

    Raises:
        StorageError: the database failed.
    """
    stage.store.record_outcome(
        Outcome(
            decision_id=job.decision.decision_id,
            created_at=stage.clock(),
            model=model,
            provider=provider,
            task_type=job.decision.task_type,
            complexity=job.decision.complexity,
            category=job.request.category or "",
            project=job.request.tags.get("project", ""),
            session=job.request.tags.get("session", ""),
            **found._asdict(),
        )
    )


def _scores(seat: Seat, source: str) -> Iterator[tuple[str, float]]:
    if source:
        if seat.confidence is not None:
            yield source, seat.confidence
        return
    marks = [one for one in seat.marks if one.score is not None]
    for one in marks:
        yield f"scorer:{one.scorer}", one.score or 0.0
    if marks and not seat.graded:
        return
    score = seat.score if seat.graded else seat.confidence
    if score is not None:
        yield "judge" if seat.graded else "scorer", score
