"""One model at a task that several share: what it may use, and what came of it."""

from __future__ import annotations

import json
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING

from mcp_router.errors import RouterError, StorageError
from mcp_router.execution.share import Share
from mcp_router.modes.stage import narrowed
from mcp_router.quality.assess import assess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mcp_router.execution.limits import CallLimits
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.quality.marks import Mark
    from mcp_router.quality.signals import Assessment
    from mcp_router.storage.ledger import Reservation
    from mcp_router.types import Attempt, AttemptEvent, Completion, Decision, Request


class Seat:
    """What one model is asked; `perform` fills in `done` or `error`.

    Attributes:
        done: its answer; None while there is none.
        error: why there is none.
        cut: why it was stopped, "" if it was not.
        confidence: the chance that the answer is good; None before it was weighed.
        doubts: what speaks against the answer, gravest first.
        score: what decided about it where answers were ranked or graded.
        graded: whether the score is a judge's.
        marks: what scorers gave it, where the task has any.
        refusal: why it is below the bar of the scorers, "" if it is not.
        why: why it won or did not.
    """

    def __init__(
        self,
        request: Request,
        *,
        decision: Decision,
        limits: CallLimits,
        within: Reservation | None = None,
        logprobs: bool = False,
    ) -> None:
        self.request = request
        self.decision = decision
        self.limits = limits
        self.share = Share(within=within, logprobs=logprobs)
        self.done: Completion | None = None
        self.error: RouterError | None = None
        self.cut = ""
        self.confidence: float | None = None
        self.doubts: tuple[str, ...] = ()
        self.score: float | None = None
        self.graded = False
        self.marks: tuple[Mark, ...] = ()
        self.refusal = ""
        self.why = ""

    @property
    def model(self) -> str:
        """The model that sits here."""
        return self.decision.model

    @property
    def text(self) -> str:
        """What it answered, tool calls as JSON; "" without an answer."""
        return "" if self.done is None else text_of(self.done)

    def attempts(self) -> list[Attempt]:
        """List what was tried; a try that was broken off says why."""
        if self.refusal:
            changes = {"outcome": "low_quality", "reason": self.refusal}
            return [
                one.model_copy(update=changes) if one.outcome == "ok" else one
                for one in self.share.attempts
            ]
        if not self.cut:
            return list(self.share.attempts)
        return [
            one.model_copy(update={"reason": self.cut}) if one.outcome == "cancelled" else one
            for one in self.share.attempts
        ]


class Announcer:
    """Tells of attempts at several models, numbered through."""

    def __init__(self, on_attempt: Callable[[AttemptEvent], None] | None) -> None:
        self._on_attempt = on_attempt
        self._numbers = count(1)

    def __call__(self, event: AttemptEvent) -> None:
        """Tell of one attempt."""
        if self._on_attempt is not None:
            self._on_attempt(event._replace(number=next(self._numbers)))


def seat_for(
    stage: Stage,
    job: Job,
    name: str,
    *,
    limits: CallLimits,
    within: Reservation | None = None,
) -> Seat:
    """Give a model the task of a job, without anything to fall back to.

    Its answer will be weighed, so it is asked how sure it is of its words.
    """
    model = stage.catalog.resolve(name)
    decision = narrowed(job.decision, to=model.name, provider=model.provider)
    return Seat(job.request, decision=decision, limits=limits, within=within, logprobs=True)


async def perform(stage: Stage, seat: Seat, *, announce: Announcer) -> None:
    """Have a seat answer; heard as a stream, so that one that is stopped is billed for its part.

    Raises:
        StorageError: the database failed.
    """
    run = stage.executor.stream(
        seat.request, decision=seat.decision, limits=seat.limits, share=seat.share
    )
    try:
        async with aclosing(run) as events:
            async for event in events:
                if event.type == "attempt":
                    announce(event)
                elif event.type == "done":
                    seat.done = event.result
    except StorageError:
        raise
    except RouterError as error:
        seat.error = error


def weigh(seat: Seat, *, others: Sequence[Seat] = ()) -> None:
    """Judge the answer of a seat by its form, its wording and what the others say.

    An answer that scorers marked keeps its mark.
    """
    if seat.done is not None and not any(one.score is not None for one in seat.marks):
        found = assessed(seat.request, seat.done, others=[one.text for one in others if one.done])
        seat.confidence = found.confidence
        seat.doubts = tuple(one.says for one in found.signals if one.name != "agreement")


def assessed(request: Request, done: Completion, *, others: Sequence[str] = ()) -> Assessment:
    """Judge an answer by its form and its wording; never by its truth."""
    return assess(
        request,
        done.content,
        tool_calls=done.tool_calls,
        finish_reason=done.finish_reason,
        logprobs=done.logprobs,
        others=() if done.tool_calls else others,
    )


def text_of(done: Completion) -> str:
    """Write an answer as one text, tool calls as JSON."""
    calls = [{"tool": call.name, "arguments": dict(call.arguments)} for call in done.tool_calls]
    called = json.dumps(calls, ensure_ascii=False, sort_keys=True) if calls else ""
    return "\n\n".join(part for part in (done.content, called) if part)


def answered(seats: Iterable[Seat]) -> list[Seat]:
    """List the seats that gave an answer."""
    return [seat for seat in seats if seat.done is not None]
