"""The router: the one place where catalogue, settings, decisions and the store meet."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import aclosing, asynccontextmanager
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
from mcp_router.errors import InvalidRequestError, RouterError, StorageError
from mcp_router.money import to_nanos
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
    DoneEvent,
    Mode,
    ModeOptions,
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
    from mcp_router.execution.limits import CallLimits
    from mcp_router.modes.stage import Stage
    from mcp_router.money import Amount
    from mcp_router.providers.caller import Caller
    from mcp_router.storage.budgets import BudgetRule
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.store import By, Period
    from mcp_router.types import AttemptEvent, Completion, StreamEvent
    from mcp_router.workflows.form import Workflow, WorkflowStep
    from mcp_router.workflows.result import OnStep, WorkflowResult
    from mcp_router.workflows.running import Carry

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
        caller: Caller | None = None,
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self._store = store
        self._opening = threading.Lock()
        self._clock = clock
        self._environ = environ
        self._caller = caller
        self._decider = Decider(
            settings, catalog=catalog, environ=environ, reachable=_served(caller, catalog=catalog)
        )
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

    @property
    def usable_providers(self) -> frozenset[str]:
        """The providers whose key is set, and the servers without a key that are set up."""
        return self._decider.usable

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

    def delegated(self, caller: Caller) -> Router:
        """Return a router over the same settings and store whose calls a caller makes.

        It decides among the caller's models, which need no key of ours, and plans, falls back,
        bounds the money and records as ever. Close the router it came from, not this one.

        Raises:
            UnknownModelError: the caller names a model that is not in the catalogue.
            StorageError: the database cannot be used.
        """
        router = Router(
            settings=self.settings,
            catalog=self.catalog.limited(caller.models),
            store=self.store,
            environ=self._environ,
            clock=self._clock,
            caller=caller,
        )
        router.on_alert = self.on_alert
        return router

    @asynccontextmanager
    async def sharing(self, tag: str, *, limit_usd: Amount | None) -> AsyncGenerator[Router]:
        """Open a router whose calls share one more budget, for as long as the context lasts.

        The budget holds for requests with the tag, written "key=value", and counts what any
        process ever spent on it. Without a limit nothing is shared.

        Raises:
            InvalidRequestError: the limit is no amount of US dollars.
            StorageError: the database cannot be used.
        """
        if limit_usd is None:
            yield self
            return
        from mcp_router.storage.sqlite import SqliteStore

        rules = (*self.store.rules, _shared_budget(tag, limit_usd))
        router = Router(
            settings=self.settings,
            catalog=self.catalog,
            store=SqliteStore(self.store.database, timezone=self.store.timezone, rules=rules),
            environ=self._environ,
            clock=self._clock,
            caller=self._caller,
        )
        router.on_alert = self.on_alert
        try:
            yield router
        finally:
            # Its database is ours, and stays open.
            if "executor" in router.__dict__:
                await router.executor.aclose()

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

        Corrections that were taught count, where a database can be read; nothing is stored.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
        """
        request = as_request(task, context_tokens=context_tokens)
        try:
            self._decider.recall(self._store_if_there, now=self.now())
        except StorageError as error:
            _log.warning("Corrections of task types do not count: %s", error)
        return self._decider.classify(request)

    def correct(self, task: Task, *, kind: str) -> Classification:
        """Teach that a task is of this type, and return how it is classified now.

        Similar tasks lean the same way. What is kept are hashes of words, not the task.

        Raises:
            InvalidRequestError: an empty task, or no task type of this name.
            StorageError: the correction could not be kept.
        """
        request = as_request(task)
        self._decider.correct(request, kind=kind, store=self.store, now=self.now())
        return self._decider.classify(request)

    def undo_correction(self, task: Task | None = None) -> str:
        """Forget what was taught about a task, else the latest correction.

        Returns the task type that was taught, "" where there was nothing to forget.

        Raises:
            InvalidRequestError: an empty task.
            StorageError: the correction could not be removed.
        """
        request = None if task is None else as_request(task)
        return self._decider.undo_correction(request, store=self.store, now=self.now())

    def _store_if_there(self) -> SqliteStore | None:
        # Judging a task must not create a database.
        if self._store is None:
            from mcp_router.storage.opened import database_path

            if not database_path(self.settings).exists():
                return None
        return self.store

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
        options: ModeOptions | None = None,
        timeout_s: float | None = None,
        request_limit_usd: Amount | None = None,
        on_attempt: Callable[[AttemptEvent], None] | None = None,
        **asked: Unpack[Asked],
    ) -> Completion:
        """Carry a task out: choose a model, call it, and fall back until one answers.

        Modes other than single have several models work on it, as their `options` say.

        The money is reserved before each attempt and settled after it, and every attempt is
        recorded. `asked` are fields of a `Request`; `on_attempt` is told of each attempt.
        `timeout_s`, for all attempts, and `request_limit_usd` hold for this call instead of what
        the settings say; every other budget holds all the same.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
            BudgetExceededError, UnpricedModelError: no attempt could be paid for.
            FallbackExhaustedError: every attempt failed; holds each with its reason.
            ProviderError: the one cause that ends a request, such as a content filter.
            StorageError: the database failed.
        """
        from mcp_router.modes.perform import mode_of, perform
        from mcp_router.modes.stage import Job

        mode = mode_of(mode)
        request = as_request(task, **asked)
        limits = _limits(timeout_s, request_limit_usd)
        decision = self._decide_to_run(request, limits)
        job = Job(request, decision, options or ModeOptions(), limits, on_attempt)
        try:
            done = await perform(self._stage, job, mode=mode)
        except RouterError:
            await self._alert()
            raise
        await self._alert()
        return done

    async def stream(
        self,
        task: Task,
        *,
        mode: Mode | str = Mode.SINGLE,
        timeout_s: float | None = None,
        request_limit_usd: Amount | None = None,
        **asked: Unpack[Asked],
    ) -> AsyncGenerator[StreamEvent]:
        """Carry a task out and give the answer piece by piece, ending in one DoneEvent.

        A fallback before the first piece goes unseen; after it a RestartEvent voids what was
        given. Close the generator to stop early. The limits are those of `execute`. Modes that
        choose among whole answers are refused.

        Raises:
            RouterError: as `execute` raises.
        """
        from mcp_router.modes.perform import graded, streamed_mode

        streamed_mode(mode)
        request = as_request(task, **asked)
        limits = _limits(timeout_s, request_limit_usd)
        decision = self._decide_to_run(request, limits)
        try:
            stream = self.executor.stream(request, decision=decision, limits=limits)
            async with aclosing(stream) as events:
                async for event in events:
                    if event.type == "done":
                        event = DoneEvent(graded(request, event.result))
                    yield event
        except RouterError:
            await self._alert()
            raise
        await self._alert()

    async def run_workflow(
        self,
        workflow: Workflow | Path | Mapping[str, object],
        *,
        inputs: Mapping[str, str] = MappingProxyType({}),
        run_id: str | None = None,
        resume: bool = False,
        on_step: OnStep | None = None,
    ) -> WorkflowResult:
        """Run a form of several steps, each as soon as the steps it needs are done.

        Every finished step is kept, so that a run goes on after a crash without paying twice; all
        of them share the budget of the form.

        Args:
            workflow: the form, the TOML or JSON file of one, or its tables.
            inputs: texts in place of those of the form.
            run_id: a name for this run; one that is known goes on where it stood.
            resume: go on with the latest run of this form, if there is one.
            on_step: is told when a step begins and when it has ended.

        Raises:
            ConfigError: the form is wrong, or an input is missing.
            InvalidRequestError: no model can do one of the steps; nothing has run.
            WorkflowError: a step failed; holds what came of every step.
            StorageError: the database failed.
        """
        from mcp_router.storage.workflows import WorkflowRuns
        from mcp_router.workflows.whole import Order, Outside, run_whole

        outside = Outside(
            WorkflowRuns(self.store.database), self.now, self._foresee, self._carrying
        )
        return await run_whole(Order(workflow, inputs, run_id, resume, on_step), outside)

    async def warm_up(self, models: Sequence[str] | None = None) -> Mapping[str, int | None]:
        """Connect to providers, at no cost, so that the first call is spared the handshakes.

        Connections that are not used within a minute are closed again.

        Args:
            models: those whose providers to connect to; by default every model that can be run.

        Returns:
            How many milliseconds it took by provider, None for one that cannot be reached.

        Raises:
            UnknownModelError: a name that is no model, alias or role.
        """
        if models is None:
            usable = self.observe().usable_providers
            models = [one.name for one in self.catalog.models if one.provider in usable]
        return await self.executor.warm_up(models)

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
            # What fails at this moment says nothing about the other settings.
            state=self.observe().model_copy(update={"blocked": {}}),
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
        from mcp_router.execution.limits import rate_limits
        from mcp_router.execution.services import Services
        from mcp_router.providers.caller import DelegatingClient
        from mcp_router.providers.client import ProviderClient

        caller = self._caller
        services = Services(
            client=ProviderClient() if caller is None else DelegatingClient(caller),
            store=self.store,
            observe=self.observe,
            environ=self._environ,
            limits=rate_limits(self.settings, catalog=self.catalog),
            clock=self._clock,
        )
        return Executor(services, settings=self.settings, catalog=self.catalog)

    @cached_property
    def _stage(self) -> Stage:
        from random import SystemRandom

        from mcp_router.modes.stage import Stage

        return Stage(
            executor=self.executor,
            settings=self.settings,
            catalog=self.catalog,
            store=self.store,
            decide=self.decide,
            observe=self.observe,
            clock=self._clock,
            rng=SystemRandom(),
        )

    def _foresee(self, request: Request) -> Decision:
        """Decide a request that is yet to come, without a record; budgets are asked later."""
        changes = {"require_credentials": True, "budget_left_usd": None}
        state = self.observe().model_copy(update=changes)
        return self.decide(as_request(request), state=state, now=self.now())

    @asynccontextmanager
    async def _carrying(self, tag: str, limit_usd: Amount | None) -> AsyncGenerator[Carry]:
        async with self.sharing(tag, limit_usd=limit_usd) as router:

            async def carry(request: Request, *, step: WorkflowStep) -> Completion:
                return await router.execute(
                    request, mode=step.mode, options=step.options, timeout_s=step.timeout_s
                )

            yield carry

    def _decide_to_run(self, request: Request, limits: CallLimits) -> Decision:
        return self._decider.decide_to_run(request, store=self.store, now=self.now(), limits=limits)

    async def _alert(self) -> None:
        """Deliver the budget alerts that are due now that money was spent."""
        from mcp_router.execution.alerts import deliver_alerts

        told = await deliver_alerts(self.store, settings=self.settings, now=self.now())
        for line in told.lines:
            self.on_alert(line)


def _served(caller: Caller | None, *, catalog: Catalog) -> frozenset[str]:
    names = () if caller is None else caller.models
    return frozenset(catalog.resolve(name).provider for name in names)


def _limits(timeout_s: float | None, request_limit_usd: Amount | None) -> CallLimits:
    from mcp_router.execution.limits import call_limits

    return call_limits(timeout_s=timeout_s, request_limit_usd=request_limit_usd)


def _shared_budget(tag: str, limit_usd: Amount) -> BudgetRule:
    from mcp_router.storage.budgets import BudgetRule

    try:
        nanos = to_nanos(limit_usd)
    except ValueError as error:
        raise InvalidRequestError(field="limit_usd", problem=str(error)) from error
    if nanos < 0:
        raise InvalidRequestError(field="limit_usd", problem="may not be negative")
    return BudgetRule(tag.partition("=")[0], "total", nanos, tag)


def _utc_now() -> datetime:
    return datetime.now(UTC)
