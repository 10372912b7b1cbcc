"""The router: the one place where catalogue, settings, decisions and the store meet."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, Unpack

from pydantic import ValidationError

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.load import load_settings
from mcp_router.debug import log_decision, start_logging
from mcp_router.errors import InvalidRequestError, NoCandidateError, RouterError
from mcp_router.routing.cache import DecisionCache
from mcp_router.routing.classify import TaskRule, classify
from mcp_router.routing.decide import decide
from mcp_router.routing.intake import (
    Asked,
    Task,
    as_request,
    fingerprint,
    invalid,
    kept_prompt,
    prompt_hash,
)
from mcp_router.routing.situation import Understood, situate, understood_before
from mcp_router.routing.tokens import request_counts
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

COMMON_BUDGETS = ("request", "day", "month")
"""The budgets that every request counts for."""

_log = logging.getLogger("mcp_router")

STATE_AGE = timedelta(seconds=1)
"""How old the observed state (budget, breakers, performance) of a recommendation may be."""


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
        self._usable = usable_providers(catalog, settings=settings, environ=environ)
        self._cache = DecisionCache(ttl=settings.cache.ttl)
        self._tasks = {
            name: TaskRule(keywords=task.keywords) for name, task in settings.tasks.items()
        }
        self._state: tuple[datetime, RoutingState] | None = None
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
        return classify(as_request(task, context_tokens=context_tokens), tasks=self._tasks)

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
        now = self.now()
        state = self.observe()
        key = fingerprint(request) if self.settings.cache.enabled else ""
        known = self._cache.get(key, now=now) if key else None
        if known is not None:
            return known
        decision = self.decide(request, state=state, now=now)
        self._record(decision, request)
        if key:
            self._cache.put(key, decision.model_copy(update={"cached": True}), now=now)
        return decision

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
        request, decision = self._decide_to_run(task, asked)
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
        request, decision = self._decide_to_run(task, asked)
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
        self._state = None
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
        counts = request_counts(request)
        kind = classify(request, tasks=self._tasks, counts=counts)
        situation = situate(
            Understood(request, counts, kind),
            settings=self.settings,
            catalog=self.catalog,
            state=state,
            now=now,
        )
        decision = decide(situation, decision_id=new_decision_id())
        return decision.model_copy(update={"prompt_hash": prompt_hash(request)})

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

    def _decide_to_run(self, task: Task, asked: Asked) -> tuple[Request, Decision]:
        """Decide among the models that have credentials, and record the decision."""
        request, now = as_request(task, **asked), self.now()
        state = self.observe()
        key = f"run {fingerprint(request)}" if self.settings.cache.enabled else ""
        known = self._cache.get(key, now=now) if key else None
        if known is None:
            decision = self._decide_among_able(request, state=state, now=now)
            if key:
                self._cache.put(key, decision.model_copy(update={"cached": True}), now=now)
        else:
            # Each execution is a decision of its own in the books, made once or not.
            again = {"decision_id": new_decision_id(), "created_at": now}
            decision = known.model_copy(update=again)
        self._record(decision, request)
        return request, decision

    def _decide_among_able(
        self, request: Request, *, state: RoutingState, now: datetime
    ) -> Decision:
        able = state.model_copy(update={"require_credentials": True})
        try:
            return self.decide(request, state=able, now=now)
        except NoCandidateError as error:
            if all(one.filter != "budget" for one in error.rejected):
                raise
        # The ledger says exactly which budget is spent, and when it resets.
        unlimited = able.model_copy(update={"budget_left_usd": None})
        return self.decide(request, state=unlimited, now=now)

    def _record(self, decision: Decision, request: Request) -> None:
        from mcp_router.storage.store import Context

        prompt = kept_prompt(request) if self.settings.history.store_prompts else None
        context = Context(
            project=request.tags.get("project", ""),
            session=request.tags.get("session", ""),
            category=request.category or "",
        )
        self.store.record_decision(decision, prompt=prompt, context=context)
        if self.settings.debug:
            log_decision(decision)

    def observe(self) -> RoutingState:
        """Read what a decision depends on besides request and settings; at most a second old.

        Raises:
            StorageError: the store could not be read.
        """
        now = self.now()
        if self._state is not None and timedelta() <= now - self._state[0] < STATE_AGE:
            return self._state[1]
        # Budgets on tags hold for some requests only; they are asked when one is carried out.
        common = [one for one in self.budget() if one.name in COMMON_BUDGETS]
        left = [one.left_usd for one in common if one.left_usd is not None]
        state = RoutingState(
            usable_providers=self._usable,
            performance=self.store.performance(now=now) if self.settings.learning.enabled else {},
            budget_left_usd=min(left, default=None),
        )
        if self._state is not None and state != self._state[1]:
            self._cache.clear()
        self._state = (now, state)
        return state


def rate_limits(settings: Settings, *, catalog: Catalog) -> Mapping[str, RateLimits]:
    """Collect the requests and tokens per minute that the settings allow each model."""
    from mcp_router.storage.limiter import RateLimits

    return {
        catalog.resolve(name).name: RateLimits(one.requests_per_minute, one.tokens_per_minute)
        for name, one in settings.models.items()
        if one.requests_per_minute is not None or one.tokens_per_minute is not None
    }


def usable_providers(
    catalog: Catalog, *, settings: Settings, environ: Mapping[str, str]
) -> frozenset[str]:
    """Name the providers whose key is set in `environ`, and the local servers that are set up.

    A server without a key counts as set up once the settings name it or a model of it, and
    Ollama also where its own variable `OLLAMA_HOST` is set.
    """
    named = {*settings.providers, *(m.provider for m in settings.models.values() if m.provider)}
    if environ.get("OLLAMA_HOST"):
        named.add("ollama")
    return frozenset(
        name
        for name, provider in catalog.providers.items()
        if (
            environ.get(provider.api_key_env, "").strip() if provider.api_key_env else name in named
        )
    )


def new_decision_id() -> str:
    """Draw an id for a decision: "dec_" and 16 hex digits."""
    return f"dec_{secrets.token_hex(8)}"


def _utc_now() -> datetime:
    return datetime.now(UTC)
