"""The router: the one place where catalogue, settings, decisions and the store meet."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, Unpack

from pydantic import ValidationError

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.load import load_settings
from mcp_router.debug import start_logging
from mcp_router.deciding import Decider
from mcp_router.errors import InvalidRequestError, RouterError
from mcp_router.routing.decide import decide
from mcp_router.routing.intake import (
    Asked,
    Task,
    as_request,
    invalid,
)
from mcp_router.routing.situation import situate, understood_before
from mcp_router.types import (
    BudgetStatus,
    Classification,
    Decision,
    Mode,
    Outcome,
    Request,
    RoutingState,
    StatRow,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from types import TracebackType

    from mcp_router.config.settings import Settings
    from mcp_router.execution.executor import Executor
    from mcp_router.storage.limiter import RateLimits
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.store import By, Period
    from mcp_router.types import AttemptEvent, Completion, StreamEvent

_log = logging.getLogger("mcp_router")


class Router:
    """Says which model should do a task, why and at what cost, and records what it said.

    Same input, settings and state give the same decision. Usable from several threads; other
    processes may share its database. Use it as a context manager, or call `close()`.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        catalog: Catalog,
        store: SqliteStore | None,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self._store = store
        self._opening = threading.Lock()
        self._clock = clock
        self._environ = environ
        self._decider = Decider(settings, catalog=catalog, environ=environ)
        self.on_alert: Callable[[str], None] = _log.warning

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        store: SqliteStore | None = None,
        clock: Callable[[], datetime] | None = None,
        sources: Mapping[str, str] = MappingProxyType({}),
        on_alert: Callable[[str], None] | None = None,
    ) -> Self:
        """Open a router with settings from the environment and files, or those given.

        Args:
            settings: ready settings; else they are loaded.
            config: the one settings file to read instead of the project's and the user's.
            environ: where variables and keys are looked up; the process environment by default.
            store: where decisions go; by default the SQLite file that the settings name, opened
                when it is first needed.
            clock: returns the present as an aware datetime; for tests and replays.
            sources: where each of the ready settings came from, so that errors can name the file.
            on_alert: is told each budget alert, one sentence; by default the log warns of it.

        Raises:
            ConfigError: a setting is wrong; names the file, the key and what is allowed.
        """
        environ = os.environ if environ is None else environ
        clock = clock or _utc_now
        if settings is None:
            loaded = load_settings(config=config, environ=environ, cwd=Path.cwd())
            settings, sources = loaded.settings, loaded.sources
        base = Catalog.load(on=clock().date())
        catalog = configured_catalog(settings, base=base, sources=sources)
        if settings.debug:
            start_logging(settings)
        router = cls(settings=settings, catalog=catalog, store=store, environ=environ, clock=clock)
        if on_alert is not None:
            router.on_alert = on_alert
        return router

    @property
    def store(self) -> SqliteStore:
        """Where decisions and outcomes go.

        Raises:
            StorageError: the database cannot be used.
        """
        with self._opening:
            if self._store is None:
                from mcp_router.storage.opened import open_store

                self._store = open_store(self.settings)
            return self._store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def close(self) -> None:
        """Close the store; closing twice does nothing. After `execute` use `aclose`."""
        if self._store is not None:
            self._store.close()

    async def aclose(self) -> None:
        """Close the connections to providers, then the store."""
        if "executor" in self.__dict__:
            await self.executor.aclose()
        self.close()

    def classify(self, task: Task, *, context_tokens: int | None = None) -> Classification:
        """Say what kind of work a task is, how hard, what it needs and how long it will be.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
        """
        return self._decider.classify(as_request(task, context_tokens=context_tokens))

    def route(self, task: Task, **asked: Unpack[Asked]) -> Decision:
        """Choose a model for a task, explain the choice and record it.

        `asked` are fields of a `Request`, such as `strategy`, `constraints` or `chain`. The same
        request within the cache's time to live returns the decision already made, under its id and
        marked `cached`.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
            StorageError: the decision could not be recorded.
        """
        request = as_request(task, **asked)
        return self._decider.recommend(request, store=self.store, now=self.now())

    async def execute(
        self,
        task: Task,
        *,
        mode: Mode | str = Mode.SINGLE,
        on_attempt: Callable[[AttemptEvent], None] | None = None,
        **asked: Unpack[Asked],
    ) -> Completion:
        """Carry a task out: choose a model, call it, and fall back until one answers.

        The money is reserved before each attempt and settled after it, and every attempt is
        recorded. `asked` are fields of a `Request`; `on_attempt` is told of each attempt.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
            BudgetExceededError, UnpricedModelError: no attempt could be paid for.
            FallbackExhaustedError: every attempt failed; holds each with its reason.
            ProviderError: the one cause that ends a request, such as a content filter.
            StorageError: the database failed.
        """
        if mode not in list(Mode):
            raise InvalidRequestError(
                field="mode", problem=f"there is no mode {mode[:20]!r}", hint="There is: single."
            )
        request = as_request(task, **asked)
        decision = self._decider.decide_to_run(request, store=self.store, now=self.now())
        try:
            done = await self.executor.execute(request, decision=decision, on_attempt=on_attempt)
        except RouterError:
            await self._alert()
            raise
        await self._alert()
        return done

    async def stream(self, task: Task, **asked: Unpack[Asked]) -> AsyncGenerator[StreamEvent]:
        """Carry a task out and give the answer piece by piece, ending in one DoneEvent.

        A fallback before the first piece goes unseen; after it a RestartEvent voids what was
        given. Close the generator to stop early.

        Raises:
            RouterError: as `execute` raises.
        """
        request = as_request(task, **asked)
        decision = self._decider.decide_to_run(request, store=self.store, now=self.now())
        try:
            async with aclosing(self.executor.stream(request, decision=decision)) as events:
                async for event in events:
                    yield event
        except RouterError:
            await self._alert()
            raise
        await self._alert()

    def feedback(
        self,
        decision_id: str,
        *,
        ok: bool | None = None,
        score: float | None = None,
        note: str = "",
    ) -> Outcome:
        """Record what a person thought of the answer to a decision; later choices learn from it.

        Args:
            decision_id: whose answer.
            ok: whether it was good; taken from the score (at least 0.5) where only that is given.
            score: 0 to 1.
            note: free text, kept with the outcome.

        Raises:
            UnknownDecisionError: nothing is recorded under this id.
            InvalidRequestError: neither `ok` nor `score`, or a score out of range.
        """
        if ok is None and score is None:
            raise InvalidRequestError(field="feedback", problem="needs ok or a score")
        decision = self.store.decision(decision_id)
        answered = self.store.answered_by(decision_id)
        model, provider = answered or (decision.model, decision.provider)
        try:
            outcome = Outcome(
                decision_id=decision_id,
                created_at=self.now(),
                model=model,
                provider=provider,
                task_type=decision.task_type,
                complexity=decision.complexity,
                ok=bool(score is not None and score >= 0.5) if ok is None else ok,
                source="feedback",
                score=score,
                note=note,
            )
        except ValidationError as error:
            raise invalid(error) from error
        self.store.record_outcome(outcome)
        self._decider.forget_state()
        return outcome

    def explain(self, decision_id: str | None = None) -> Decision:
        """Return a recorded decision whole; the latest one without an id.

        Raises:
            UnknownDecisionError: nothing is recorded under this id, or nothing at all.
        """
        return self.store.decision(decision_id)

    def recent(self, *, limit: int = 20) -> Sequence[Decision]:
        """Return the latest recorded decisions, newest first."""
        return self.store.recent(limit=limit)

    def replay(self, decision_id: str, *, settings: Settings) -> Decision:
        """Make a recorded decision again under other settings, without recording it.

        Works from what was recorded (the classification and the counts), as prompts are not kept.

        Raises:
            UnknownDecisionError: nothing is recorded under this id.
            NoCandidateError: every model is ruled out under the other settings.
        """
        now = self.now()
        situation = situate(
            understood_before(self.store.decision(decision_id)),
            settings=settings,
            catalog=configured_catalog(settings, base=Catalog.load(on=now.date())),
            state=self.observe(),
            now=now,
        )
        return decide(situation, decision_id=decision_id)

    def budget(self) -> tuple[BudgetStatus, ...]:
        """Return each budget with its limit and what is spent, reserved and left of it."""
        return self.store.budget_status(now=self.now())

    def stats(self, *, period: Period = "month", by: By = "model") -> tuple[StatRow, ...]:
        """Summarise the decisions, calls and money of a period.

        Args:
            period: day, week, month or all; it began at the last midnight, Monday or first of
                the month in the budget's time zone.
            by: model, task, day, project, category or provider.
        """
        return self.store.stats(period=period, by=by, now=self.now())

    def now(self) -> datetime:
        """Return the present by the router's own clock, in UTC."""
        return self._clock()

    def decide(self, request: Request, *, state: RoutingState, now: datetime) -> Decision:
        """Decide one request under a given state, without cache and record.

        Raises:
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
        """
        return self._decider.decide(request, state=state, now=now)

    def observe(self) -> RoutingState:
        """Read what a decision depends on besides request and settings; at most a second old.

        Raises:
            StorageError: the store could not be read.
        """
        return self._decider.observe(self.store, now=self.now())

    @cached_property
    def executor(self) -> Executor:
        """What carries requests out; built, with its network client, when first used."""
        from mcp_router.execution.executor import Executor
        from mcp_router.execution.services import Services
        from mcp_router.providers.client import ProviderClient

        services = Services(
            client=ProviderClient(),
            store=self.store,
            observe=self.observe,
            environ=self._environ,
            limits=rate_limits(self.settings, catalog=self.catalog),
            clock=self._clock,
        )
        return Executor(services, settings=self.settings, catalog=self.catalog)

    async def _alert(self) -> None:
        """Deliver the budget alerts that are due now that money was spent."""
        from mcp_router.execution.alerts import deliver_alerts

        told = await deliver_alerts(self.store, settings=self.settings, now=self.now())
        for line in told.lines:
            self.on_alert(line)


def rate_limits(settings: Settings, *, catalog: Catalog) -> Mapping[str, RateLimits]:
    """Collect the requests and tokens per minute that the settings allow each model."""
    from mcp_router.storage.limiter import RateLimits

    return {
        catalog.resolve(name).name: RateLimits(one.requests_per_minute, one.tokens_per_minute)
        for name, one in settings.models.items()
        if one.requests_per_minute is not None or one.tokens_per_minute is not None
    }


def _utc_now() -> datetime:
    return datetime.now(UTC)
