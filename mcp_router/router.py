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

from mcp_router.errors import InvalidRequestError, StorageError
from mcp_router.routing.intake import (
    Asked,
    Task,
    as_request,
    invalid,
)
from mcp_router.types import (
    BudgetStatus,
    Classification,
    Decision,
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

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.execution.limits import CallLimits
    from mcp_router.modes.function import ScorerFunction
    from mcp_router.money import Amount
    from mcp_router.providers.caller import Caller
    from mcp_router.running import Runner
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.store import By, Period
    from mcp_router.telemetry.observer import Observer
    from mcp_router.types import AttemptEvent, Completion, StreamEvent
    from mcp_router.workflows.form import Workflow, WorkflowStep
    from mcp_router.workflows.result import OnStep, WorkflowResult
    from mcp_router.workflows.running import Carry

_log = logging.getLogger("mcp_router")


class Router:
    """Says which model should do a task, why and at what cost, and records what it said.

    Same input, settings and state give the same decision. Usable from several threads; other
    processes may share its database. Use it as a context manager, or call `close()`.

    Attributes:
        on_alert: is told each budget alert, one sentence.
        observer: hears of requests instead of what the settings of telemetry ask for.
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
        from mcp_router.deciding import Decider

        self.settings = settings
        self.catalog = catalog
        self._store = store
        self._opening = threading.Lock()
        self._clock = clock
        self._environ = environ
        self._caller = caller
        self._scorers: Mapping[str, ScorerFunction] = MappingProxyType({})
        self._decider = Decider(
            settings, catalog=catalog, environ=environ, reachable=_served(caller, catalog=catalog)
        )
        self.on_alert: Callable[[str], None] = _log.warning
        self.observer: Observer | None = None

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
        scorers: Mapping[str, ScorerFunction] = MappingProxyType({}),
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
            scorers: functions of a request and an answer that mark it from 0 to 1, by the names
                under which the settings of a task or the options of a call ask for them.

        Raises:
            ConfigError: a setting is wrong; names the file, the key and what is allowed.
        """
        from mcp_router.catalog.catalog import Catalog
        from mcp_router.config.apply import configured_catalog

        environ = os.environ if environ is None else environ
        clock = clock or _utc_now
        if settings is None:
            from mcp_router.config.load import load_settings

            loaded = load_settings(config=config, environ=environ, cwd=Path.cwd())
            settings, sources = loaded.settings, loaded.sources
        base = Catalog.load(on=clock().date())
        catalog = configured_catalog(settings, base=base, sources=sources)
        if settings.debug:
            from mcp_router.debug import start_logging

            start_logging(settings)
        router = cls(settings=settings, catalog=catalog, store=store, environ=environ, clock=clock)
        if on_alert is not None:
            router.on_alert = on_alert
        router._scorers = scorers
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
        self._share_with(router)
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
        from mcp_router.execution.limits import shared_budget
        from mcp_router.storage.sqlite import SqliteStore

        own = await self._opened()
        rules = (*own.rules, shared_budget(tag, limit_usd=limit_usd))
        router = Router(
            settings=self.settings,
            catalog=self.catalog,
            store=SqliteStore(own.database, timezone=own.timezone, rules=rules),
            environ=self._environ,
            clock=self._clock,
            caller=self._caller,
        )
        self._share_with(router)
        try:
            yield router
        finally:
            # Its database is ours, and stays open.
            await router.end_calls()

    def close(self) -> None:
        """Close the store; closing twice does nothing. After `execute` use `aclose`."""
        if self._store is not None:
            self._store.close()

    async def aclose(self) -> None:
        """Close the connections to providers, then the store."""
        await self.end_calls()
        if self._store is not None:
            from mcp_router.execution.off_loop import off_loop

            await off_loop(self._store.database, self.close)

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
            from mcp_router.storage.opened import is_there

            if not is_there(self.settings):
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
        from mcp_router.modes.perform import mode_of

        runner = await self._ready()
        return await runner.execute(
            as_request(task, **asked),
            mode=mode_of(mode),
            options=options or ModeOptions(),
            limits=_limits(timeout_s, request_limit_usd),
            on_attempt=on_attempt,
        )

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
        from mcp_router.modes.perform import streamed_mode

        streamed_mode(mode)
        limits = _limits(timeout_s, request_limit_usd)
        runner = await self._ready()
        async with aclosing(runner.stream(as_request(task, **asked), limits=limits)) as events:
            async for event in events:
                yield event

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
            WorkflowBusyError: another process carries this run out, or has taken it over.
            StorageError: the database failed.
        """
        from mcp_router.storage.workflows import WorkflowRuns
        from mcp_router.workflows.whole import Order, Outside, run_whole

        store = await self._opened()
        outside = Outside(WorkflowRuns(store.database), self.now, self._foresee, self._carrying)
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
            usable = self.usable_providers
            models = [one.name for one in self.catalog.models if one.provider in usable]
        runner = await self._ready()
        return await runner.executor.warm_up(models)

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
        self._decider.learn(self.store, now=outcome.created_at)
        return outcome

    def explain(self, decision_id: str | None = None) -> Decision:
        """Return a recorded decision whole; the latest one without an id.

        Raises:
            UnknownDecisionError: nothing is recorded under this id, or nothing at all.
        """
        from mcp_router.storage.hits import with_hit

        return with_hit(self.store.decision(decision_id), self.store.database)

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
        from mcp_router.catalog.catalog import Catalog
        from mcp_router.config.apply import configured_catalog
        from mcp_router.routing.decide import decide
        from mcp_router.routing.situation import situate, understood_before

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
    def runner(self) -> Runner:
        """What carries requests out; built when first used."""
        from mcp_router.running import Runner, Surroundings

        return Runner(
            Surroundings(
                settings=self.settings,
                catalog=self.catalog,
                store=self.store,
                environ=self._environ,
                clock=self._clock,
                caller=self._caller,
                scorers=self._scorers,
                tell=self._tell,
                observer=self.observer,
            ),
            decider=self._decider,
        )

    async def end_calls(self) -> None:
        """Give up what runs beside the calls, after a while, and close the connections."""
        if "runner" in self.__dict__:
            await self.runner.aclose()

    async def _ready(self) -> Runner:
        await self._opened()
        return self.runner

    async def _opened(self) -> SqliteStore:
        """Return the store; one on a server is opened without holding up the event loop."""
        if self._store is None:
            from mcp_router.storage.opened import is_far

            if is_far(self.settings):
                from anyio import to_thread

                return await to_thread.run_sync(lambda: self.store)
        return self.store

    def _tell(self, line: str) -> None:
        # Who is told may change after the runner was built.
        self.on_alert(line)

    def _share_with(self, router: Router) -> None:
        router.on_alert, router._scorers = self.on_alert, self._scorers
        router.observer = self.runner.observer

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


def _served(caller: Caller | None, *, catalog: Catalog) -> frozenset[str]:
    names = () if caller is None else caller.models
    return frozenset(catalog.resolve(name).provider for name in names)


def _limits(timeout_s: float | None, request_limit_usd: Amount | None) -> CallLimits:
    from mcp_router.execution.limits import call_limits

    return call_limits(timeout_s=timeout_s, request_limit_usd=request_limit_usd)


def _utc_now() -> datetime:
    return datetime.now(UTC)
