"""The modes by name, and the one way in."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from mcp_router.errors import InvalidRequestError
from mcp_router.execution.off_loop import off_loop
from mcp_router.types import DoneEvent, Mode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mcp_router.config.settings import Settings
    from mcp_router.modes.reuse import Shelf
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Completion, Request, StreamEvent


async def perform(stage: Stage, job: Job, *, mode: Mode) -> Completion:
    """Carry a task out in a mode, unless a kept answer may stand in.

    Raises:
        RouterError: as `Router.execute` raises.
    """
    shelf = _shelf(stage, job, mode=mode)
    database = stage.store.database
    done = None if shelf is None else await off_loop(database, shelf.take)
    if done is None:
        done = await _carry_out(stage, job, mode=mode)
        if shelf is not None and not _refused(done):
            done = await off_loop(database, partial(shelf.keep, done))
    return _noted(done, job)


async def perform_streamed(stage: Stage, job: Job) -> AsyncGenerator[StreamEvent]:
    """Give the answer of one model piece by piece, unless a kept one may stand in.

    Raises:
        RouterError: as `Router.stream` raises.
    """
    shelf = _shelf(stage, job, mode=Mode.SINGLE)
    database = stage.store.database
    kept = None if shelf is None else await off_loop(database, shelf.take)
    if kept is not None:
        from mcp_router.modes.reuse import events_of

        for event in events_of(_noted(kept, job)):
            yield event
        return
    stream = stage.executor.stream(job.request, decision=job.decision, limits=job.limits)
    async with aclosing(stream) as events:
        async for event in events:
            if event.type != "done":
                yield event
                continue
            done = await finished(stage, job, event.result)
            if shelf is not None and not _refused(done):
                done = await off_loop(database, partial(shelf.keep, done))
            yield DoneEvent(_noted(done, job))


async def _carry_out(stage: Stage, job: Job, *, mode: Mode) -> Completion:
    # Each is loaded when it is first asked for.
    if mode is Mode.CASCADE:
        from mcp_router.modes.cascade import cascade

        return await cascade(stage, job)
    if mode is Mode.ENSEMBLE:
        from mcp_router.modes.ensemble import ensemble

        return await ensemble(stage, job)
    if mode is Mode.REDUNDANT:
        from mcp_router.modes.redundant import redundant

        return await finished(stage, job, await redundant(stage, job))
    exam = stage.examiner.exam_of(stage, job)
    if exam is not None:
        from mcp_router.modes.scored import scored

        return await scored(stage, job, exam=exam)
    done = await stage.executor.execute(
        job.request, decision=job.decision, limits=job.limits, on_attempt=job.on_attempt
    )
    return graded(job.request, done)


def prepared(request: Request, *, settings: Settings) -> tuple[Request, tuple[str, ...]]:
    """Leave out what a conversation repeats, where that is asked for; say what was left out."""
    if not (settings.tokens.trim if request.trim is None else request.trim):
        return request, ()
    from mcp_router.execution.sparing import spared

    left = spared(request, history=settings.tokens.history)
    return left.request, left.notes


def mode_of(name: Mode | str) -> Mode:
    """Return the mode of a name.

    Raises:
        InvalidRequestError: there is no such mode; names those there are.
    """
    if name in list(Mode):
        return Mode(name)
    raise InvalidRequestError(
        field="mode",
        problem=f"there is no mode {name[:20]!r}",
        hint=f"There are: {', '.join(Mode)}.",
    )


def streamed_mode(name: Mode | str) -> Mode:
    """Return the mode of a name, if its answer can be given piece by piece.

    Raises:
        InvalidRequestError: there is no such mode, or its answer is chosen when it is whole.
    """
    mode = mode_of(name)
    if mode is Mode.SINGLE:
        return mode
    raise InvalidRequestError(
        field="mode",
        problem=f"{mode} chooses among whole answers, so none can be shown as it comes",
        hint="Leave streaming out, or take the mode single.",
    )


async def finished(stage: Stage, job: Job, done: Completion) -> Completion:
    """Judge an answer that stays as it is: by the scorers of its task, else by its form.

    Raises:
        RouterError: a scorer cannot be used, or the database failed.
    """
    exam = stage.examiner.exam_of(stage, job)
    if exam is None:
        return done if done.confidence is not None else graded(job.request, done)
    from mcp_router.modes.scored import marked_after

    return await marked_after(stage, job, done, exam=exam)


def graded(request: Request, done: Completion) -> Completion:
    """Say how confident one may be in an answer, by its form and wording."""
    from mcp_router.modes.seat import assessed

    return done.model_copy(update={"confidence": assessed(request, done).confidence})


def _shelf(stage: Stage, job: Job, *, mode: Mode) -> Shelf | None:
    """Find the place of a task's answer; None, and nothing loaded, where none is to be kept."""
    reuse = job.request.reuse or stage.settings.cache.answers
    if reuse == "off":
        return None
    from mcp_router.modes.reuse import shelf_for

    return shelf_for(stage, job, mode=mode, reuse=reuse)


def _refused(done: Completion) -> bool:
    """Say whether the answer is but the best of those that were not good enough."""
    own = [one.outcome for one in done.attempts if one.model == done.model]
    return "low_quality" in own and "ok" not in own


def _noted(done: Completion, job: Job) -> Completion:
    if not job.notes:
        return done
    return done.model_copy(update={"warnings": (*job.notes, *done.warnings)})
