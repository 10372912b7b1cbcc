"""Carrying out: what a request passes between the decision and the answer that the caller gets."""

from __future__ import annotations

from contextlib import aclosing
from functools import cached_property, partial
from random import SystemRandom
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import RouterError
from mcp_router.execution.alerts import deliver_alerts
from mcp_router.execution.executor import Executor
from mcp_router.execution.limits import rate_limits
from mcp_router.execution.off_loop import off_loop
from mcp_router.execution.services import Services
from mcp_router.modes.exam import Examiner
from mcp_router.modes.perform import perform, perform_streamed, prepared
from mcp_router.modes.stage import Job, Stage
from mcp_router.providers.caller import DelegatingClient
from mcp_router.providers.client import ProviderClient
from mcp_router.studies.watch import Studies
from mcp_router.telemetry.open import open_telemetry
from mcp_router.types import Mode, ModeOptions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.deciding import Decider
    from mcp_router.execution.limits import CallLimits
    from mcp_router.modes.function import ScorerFunction
    from mcp_router.modes.stage import Examiner as ExaminerProtocol
    from mcp_router.providers.caller import Caller
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.telemetry.observer import Observer
    from mcp_router.types import (
        AttemptEvent,
        Completion,
        Decision,
        Request,
        RoutingState,
        StreamEvent,
    )


class Surroundings(NamedTuple):
    """What a router runs in.

    Attributes:
        caller: who makes the calls instead of our own client.
        scorers: functions that mark answers, by the names the settings have for them.
        tell: is told each budget alert, one sentence.
        observer: hears of requests; None for what the settings of telemetry ask for.
    """

    settings: Settings
    catalog: Catalog
    store: SqliteStore
    environ: Mapping[str, str]
    clock: Callable[[], datetime]
    caller: Caller | None
    scorers: Mapping[str, ScorerFunction]
    tell: Callable[[str], None]
    observer: Observer | None = None


class Runner:
    """Has requests decided and carried out, observed, studied and told of.

    Attributes:
        examiner: what sets the exams: which scorers mark the answers to a task.
    """

    def __init__(self, surroundings: Surroundings, *, decider: Decider) -> None:
        self._around = surroundings
        self._decider = decider
        self._settings = surroundings.settings
        self._store = surroundings.store
        self.examiner: ExaminerProtocol = Examiner(
            functions=surroundings.scorers, environ=surroundings.environ
        )

    async def execute(
        self,
        request: Request,
        *,
        mode: Mode,
        options: ModeOptions,
        limits: CallLimits,
        on_attempt: Callable[[AttemptEvent], None] | None = None,
    ) -> Completion:
        """Carry a request out, as `Router.execute` does.

        Raises:
            RouterError: there is no answer.
        """
        request, notes = prepared(request, settings=self._settings)
        with self.observer.request(request, mode=mode) as observed:
            decision = await self._decide(request, limits)
            observed.decided(decision)
            job = Job(request, decision, options, limits, on_attempt, notes)
            try:
                async with self._studies.watching(self._stage, job) as watch:
                    done = watch.done = await perform(watch.stage, watch.job, mode=mode)
            except RouterError:
                await self._alert()
                raise
            observed.done(done)
        await self._alert()
        return done

    async def stream(self, request: Request, *, limits: CallLimits) -> AsyncGenerator[StreamEvent]:
        """Carry a request out piece by piece, as `Router.stream` does.

        Raises:
            RouterError: there is no answer.
        """
        request, notes = prepared(request, settings=self._settings)
        with self.observer.request(request, mode=Mode.SINGLE, streamed=True) as observed:
            decision = await self._decide(request, limits)
            observed.decided(decision)
            job = Job(request, decision, ModeOptions(), limits, notes=notes)
            try:
                async with self._studies.watching(self._stage, job) as watch:
                    run = observed.over(perform_streamed(watch.stage, watch.job))
                    async with aclosing(run) as events:
                        async for event in events:
                            watch.hear(event)
                            yield event
            except RouterError:
                await self._alert()
                raise
        await self._alert()

    async def aclose(self) -> None:
        """Give up what runs beside the calls, after a while, and close the connections."""
        if "_studies" in self.__dict__:
            await self._studies.aclose()
        if "executor" in self.__dict__:
            await self.executor.aclose()
        if "observer" in self.__dict__ and self._around.observer is None:
            self.observer.close()

    @cached_property
    def executor(self) -> Executor:
        """What makes the attempts; built, with its network client, when first used."""
        around = self._around
        services = Services(
            client=ProviderClient() if around.caller is None else DelegatingClient(around.caller),
            store=self._store,
            observe=self._observe,
            environ=around.environ,
            limits=rate_limits(self._settings, catalog=around.catalog),
            clock=around.clock,
            on_ended=self.observer.attempt,
        )
        return Executor(services, settings=self._settings, catalog=around.catalog)

    @cached_property
    def observer(self) -> Observer:
        """What hears of requests; nobody unless the settings ask for telemetry.

        Raises:
            ConfigError: they do, and its packages are not installed.
        """
        around = self._around
        return around.observer or open_telemetry(
            self._settings.telemetry,
            environ=around.environ,
            budgets=lambda: self._store.budget_status(now=around.clock()),
        )

    @cached_property
    def _stage(self) -> Stage:
        around = self._around
        return Stage(
            executor=self.executor,
            settings=self._settings,
            catalog=around.catalog,
            store=self._store,
            decide=self._decider.decide,
            observe=self._observe,
            clock=around.clock,
            rng=SystemRandom(),
            examiner=self.examiner,
            delegated=around.caller is not None,
        )

    @cached_property
    def _studies(self) -> Studies:
        return Studies(self._decider.experiments, tell=self._around.tell)

    def _observe(self) -> RoutingState:
        """Observe; over a network only what the latest decision was made under, at once."""
        observe = self._decider.known if self._store.database.remote else self._decider.observe
        return observe(self._store, now=self._around.clock())

    async def _decide(self, request: Request, limits: CallLimits) -> Decision:
        ask, now = self._decider.decide_to_run, self._around.clock()
        work = partial(ask, request, store=self._store, now=now, limits=limits)
        return await off_loop(self._store.database, work)

    async def _alert(self) -> None:
        """Deliver the budget alerts that are due now that money was spent."""
        around = self._around
        await deliver_alerts(
            self._store, settings=self._settings, now=around.clock(), tell=around.tell
        )
