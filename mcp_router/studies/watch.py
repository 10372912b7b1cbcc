"""What came of a call that experiments or shadow traffic take part in, seen from beside it."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mcp_router.errors import FallbackExhaustedError, ProviderError, RouterError, StorageError
from mcp_router.execution.off_loop import off_loop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from decimal import Decimal

    from mcp_router.modes.stage import Job, Stage
    from mcp_router.storage.exposures import Result
    from mcp_router.studies.live import Experiments
    from mcp_router.studies.shadow import Shadows
    from mcp_router.types import Attempt, Completion, StreamEvent

_log = logging.getLogger("mcp_router")


class Watch:
    """One call: `stage` and `job` are to be used for it, and `done` is its answer once there."""

    def __init__(self, stage: Stage, job: Job) -> None:
        self.stage = stage
        self.job = job
        self.done: Completion | None = None

    def hear(self, event: StreamEvent) -> None:
        """Take in a piece of a streamed answer; the last one holds the whole."""
        if event.type == "done":
            self.done = event.result


class Studies:
    """Watches the calls of one router; close it before the store."""

    def __init__(self, experiments: Experiments, *, tell: Callable[[str], None]) -> None:
        """Prepare; `tell` is given a sentence for each arm or experiment that ends."""
        self._experiments = experiments
        self._tell = tell
        self._shadows: Shadows | None = None

    @asynccontextmanager
    async def watching(self, stage: Stage, job: Job) -> AsyncGenerator[Watch]:
        """Watch one call; costs nothing where it takes part in nothing.

        What goes wrong with the watching is logged, and never in the way of the answer.
        """
        if not job.decision.experiments and not stage.settings.shadow.on:
            yield Watch(stage, job)
            return
        watch = self._watch(stage, job)
        try:
            yield watch
        except RouterError as error:
            if watch.done is None:
                await self._failed(watch, error)
            raise
        finally:
            # Also where a stream is closed once its end was told.
            if watch.done is not None and not watch.done.cached:
                await self._answered(watch, watch.done)
                self._shadow(stage, job, watch.done)

    async def aclose(self) -> None:
        """Wait for what runs beside the calls, as long as the settings say, then give it up."""
        shadows, self._shadows = self._shadows, None
        if shadows is not None:
            await shadows.aclose()

    def _watch(self, stage: Stage, job: Job) -> Watch:
        if not job.decision.experiments:
            return Watch(stage, job)
        settings = self._experiments.settings_for(job.decision, settings=stage.settings)
        if settings is not stage.settings:
            stage = replace(stage, settings=settings)
        made = job.decision.request
        # The decision was made for the request as its arms changed it.
        changes = {
            "chain": made.chain,
            "strategy": made.strategy,
            "constraints": made.constraints,
        }
        return Watch(stage, job._replace(request=job.request.model_copy(update=changes)))

    async def _failed(self, watch: Watch, error: RouterError) -> None:
        """Take in a call without an answer, if its models were to blame."""
        if not isinstance(error, ProviderError | FallbackExhaustedError):
            return
        from mcp_router.storage.exposures import Result

        attempts = error.attempts if isinstance(error, FallbackExhaustedError) else ()
        cost = _cost(attempts)
        failed = Result(answered=False, ok=False, score=0.0, cost_usd=cost)
        await self._finish(watch, lambda _: failed)

    async def _answered(self, watch: Watch, done: Completion) -> None:
        from mcp_router.storage.exposures import Result

        def result(threshold: float) -> Result:
            sure = done.confidence is None or done.confidence >= threshold
            known = _cost(done.attempts) if done.cost_usd is not None else None
            return Result(True, sure, done.confidence, known, done.latency_ms)

        await self._finish(watch, result)

    async def _finish(self, watch: Watch, result: Callable[[float], Result]) -> None:
        decision, stage = watch.job.decision, watch.stage
        for name in decision.experiments:
            finish = partial(
                self._experiments.finish,
                name,
                decision_id=decision.decision_id,
                result=result(self._experiments.threshold(name)),
                store=stage.store,
                now=stage.clock(),
            )
            try:
                told = await off_loop(stage.store.database, finish)
            except StorageError as error:
                _log.warning("A result of experiment %s is lost: %s", name, error)
                continue
            for line in told:
                self._tell(line)

    def _shadow(self, stage: Stage, job: Job, done: Completion) -> None:
        if not stage.settings.shadow.on or stage.delegated:
            return
        if self._shadows is None:
            from mcp_router.studies.shadow import Shadows

            self._shadows = Shadows(stage)
        self._shadows.offer(job, done)


def _cost(attempts: Sequence[Attempt]) -> Decimal | None:
    from decimal import Decimal

    known = [one.cost_usd for one in attempts if one.cost_usd is not None]
    return sum(known, Decimal(0)) if known else None
