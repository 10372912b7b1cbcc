"""One request on a second model: decided, paid from a pot of its own, weighed and recorded."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from mcp_router.execution.limits import AS_SET
from mcp_router.modes.seat import Announcer, Seat, assessed
from mcp_router.modes.stage import Job, able, narrowed, seconds_for
from mcp_router.storage.ledger import Ledger
from mcp_router.storage.rules import SHADOW, shadow_rules
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import ModeOptions, Outcome

if TYPE_CHECKING:
    from mcp_router.modes.stage import Stage
    from mcp_router.types import Completion

CATEGORY = "shadow"
"""What reports by category show the calls and their cost under."""


def stage_beside(stage: Stage) -> Stage:
    """Return a stage with connections of its own, whose calls are paid from the shadow's budget."""
    rules = shadow_rules(stage.settings.shadow)
    zone = stage.store.timezone
    store = SqliteStore(stage.store.database, timezone=zone, rules=rules)
    store.ledger = Ledger(store.database, zone=zone, pot=SHADOW)
    return replace(stage, store=store, executor=stage.executor.beside(store))


async def run_beside(stage: Stage, job: Job, *, done: Completion) -> None:
    """Run the request of a job on the shadow's models, and keep how good the answer is.

    The answer itself is kept nowhere. It is weighed by the scorers of the task, or by its form and
    wording; where a judge is set, both answers are graded and the judge's word counts.

    Raises:
        RouterError: no model of the shadow can run it, or none answered.
    """
    second = _second(stage, job)
    if second.decision.model == done.model:
        return
    until = anyio.current_time() + seconds_for(stage, second)
    own = await stage.executor.execute(
        second.request, decision=second.decision, limits=second.limits
    )
    exam = stage.examiner.exam_of(stage, second)
    found = await exam.look(stage, second, own, until=until, nanos=None) if exam else None
    score = found.score if found else None
    grades: tuple[float | None, ...] = ()
    if stage.settings.shadow.judge:
        grades = await _graded(stage, second, (own, done), until=until)
    if grades and grades[0] is not None:
        score = grades[0]
    if score is None:
        score = assessed(second.request, own).confidence
    versus = ""
    if len(grades) == 2 and grades[1] is not None:
        versus = f", whose answer the judge graded {grades[1]:.2f}"
    note = f"beside {job.decision.decision_id} of {done.model}{versus}"
    bar = exam.bar if exam else stage.settings.cascade.threshold
    _record(stage, second, own, score=score, ok=score >= bar, note=note)


def _second(stage: Stage, job: Job) -> Job:
    chain = stage.settings.shadow.chain
    request = job.request.model_copy(
        update={
            # One name may be that of a chain.
            "chain": chain[0] if len(chain) == 1 else chain,
            "category": CATEGORY,
            "tags": {},
            "strategy": None,
            "current_model": None,
            "cached_tokens": 0,
        }
    )
    decision = stage.decide(request, state=able(stage), now=stage.clock())
    named = {"decision_id": f"shd_{secrets.token_hex(8)}"}
    return Job(request, decision.model_copy(update=named), ModeOptions(), AS_SET)


async def _graded(
    stage: Stage, job: Job, answers: tuple[Completion, ...], *, until: float
) -> tuple[float | None, ...]:
    """Have the judge grade answers in shuffled order and its reverse; None where it could not."""
    from mcp_router.modes.judging import Bench, judged
    from mcp_router.modes.team import Team

    seats: list[Seat] = []
    for done in answers:
        decision = narrowed(job.decision, to=done.model, provider=done.provider)
        seat = Seat(job.request, decision=decision, limits=job.limits)
        seat.done = done
        seats.append(seat)
    bench = Bench((stage.settings.shadow.judge or "",), None, until, None)
    team = Team(stage, announce=Announcer(None))
    return (await judged(stage, job, seats, bench=bench, team=team)).grades


def _record(stage: Stage, job: Job, done: Completion, *, score: float, ok: bool, note: str) -> None:
    stage.store.record_outcome(
        Outcome(
            decision_id=job.decision.decision_id,
            created_at=stage.clock(),
            model=done.model,
            provider=done.provider,
            task_type=job.decision.task_type,
            complexity=job.decision.complexity,
            ok=ok,
            source="shadow",
            score=score,
            note=note,
            category=CATEGORY,
            project="",
            session="",
        )
    )
