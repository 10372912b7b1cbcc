"""The modes by name, and the one way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.errors import InvalidRequestError
from mcp_router.types import Mode

if TYPE_CHECKING:
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Completion, Request


async def perform(stage: Stage, job: Job, *, mode: Mode) -> Completion:
    """Carry a task out in a mode.

    Raises:
        RouterError: as `Router.execute` raises.
    """
    # Each is loaded when it is first asked for.
    if mode is Mode.CASCADE:
        from mcp_router.modes.cascade import cascade

        return await cascade(stage, job)
    if mode is Mode.ENSEMBLE:
        from mcp_router.modes.ensemble import ensemble

        return await ensemble(stage, job)
    if mode is Mode.REDUNDANT:
        from mcp_router.modes.redundant import redundant

        return await redundant(stage, job)
    done = await stage.executor.execute(
        job.request, decision=job.decision, limits=job.limits, on_attempt=job.on_attempt
    )
    return graded(job.request, done)


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


def graded(request: Request, done: Completion) -> Completion:
    """Say how confident one may be in an answer, by its form and wording."""
    from mcp_router.modes.seat import assessed

    return done.model_copy(update={"confidence": assessed(request, done).confidence})
