"""The router: the one place where catalogue, settings, decisions and the store meet."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.load import load_settings
from mcp_router.debug import log_decision, start_logging
from mcp_router.routing.cache import DecisionCache
from mcp_router.routing.classify import TaskRule, classify
from mcp_router.routing.decide import decide
from mcp_router.routing.intake import Task, as_request, fingerprint, kept_prompt
from mcp_router.routing.situation import Understood, situate, understood_before
from mcp_router.routing.tokens import request_counts
from mcp_router.types import (
    BudgetStatus,
    Classification,
    Constraints,
    Decision,
    Request,
    RoutingState,
    StatRow,
    Strategy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from mcp_router.config.settings import Settings
    from mcp_router.storage.store import By, Period, Store

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
        store: Store,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self.store = store
        self._clock = clock
        self._usable = usable_providers(catalog, settings=settings, environ=environ)
        self._cache = DecisionCache(ttl=settings.cache.ttl)
        self._tasks = {
            name: TaskRule(keywords=task.keywords) for name, task in settings.tasks.items()
        }
        self._state: tuple[datetime, RoutingState] | None = None

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        store: Store | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Self:
        """Open a router with settings from the environment and files, or those given.

        Args:
            settings: ready settings; else they are loaded.
            config: the one settings file to read instead of the project's and the user's.
            environ: where variables and keys are looked up; the process environment by default.
            store: where decisions go; by default the SQLite file that the settings name.
            clock: returns the present as an aware datetime; for tests and replays.

        Raises:
            ConfigError: a setting is wrong; names the file, the key and what is allowed.
            StorageError: the database cannot be used.
        """
        from mcp_router.storage.opened import open_store

        environ = os.environ if environ is None else environ
        clock = clock or _utc_now
        sources: Mapping[str, str] = {}
        if settings is None:
            loaded = load_settings(config=config, environ=environ, cwd=Path.cwd())
            settings, sources = loaded.settings, loaded.sources
        base = Catalog.load(on=clock().date())
        catalog = configured_catalog(settings, base=base, sources=sources)
        if settings.debug:
            start_logging(settings)
        store = store or open_store(settings)
        return cls(settings=settings, catalog=catalog, store=store, environ=environ, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; closing twice does nothing."""
        self.store.close()

    def classify(self, task: Task, *, context_tokens: int | None = None) -> Classification:
        """Say what kind of work a task is, how hard, what it needs and how long it will be.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
        """
        return classify(as_request(task, context_tokens=context_tokens), tasks=self._tasks)

    def route(
        self,
        task: Task,
        *,
        strategy: Strategy | str | None = None,
        constraints: Constraints | None = None,
        chain: str | Sequence[str] | None = None,
        context_tokens: int | None = None,
    ) -> Decision:
        """Choose a model for a task, explain the choice and record it.

        The same request within the cache's time to live returns the decision already made, under
        its id and marked `cached`.

        Raises:
            InvalidRequestError: an empty task or a value out of range.
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
            StorageError: the decision could not be recorded.
        """
        request = as_request(
            task,
            strategy=strategy,
            constraints=constraints,
            chain=chain if chain is None or isinstance(chain, str) else tuple(chain),
            context_tokens=context_tokens,
        )
        now = self.now()
        state = self.observe()
        key = fingerprint(request) if self.settings.cache.enabled else ""
        known = self._cache.get(key, now=now) if key else None
        if known is not None:
            return known
        decision = self.decide(request, state=state, now=now)
        prompt = kept_prompt(request) if self.settings.history.store_prompts else None
        self.store.record_decision(decision, prompt=prompt)
        if key:
            self._cache.put(key, decision.model_copy(update={"cached": True}), now=now)
        if self.settings.debug:
            log_decision(decision)
        return decision

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
        return decide(situation, decision_id=f"dec_{secrets.token_hex(8)}")

    def observe(self) -> RoutingState:
        """Read what a decision depends on besides request and settings; at most a second old.

        Raises:
            StorageError: the store could not be read.
        """
        now = self.now()
        if self._state is not None and timedelta() <= now - self._state[0] < STATE_AGE:
            return self._state[1]
        left = [one.left_usd for one in self.budget() if one.left_usd is not None]
        state = RoutingState(
            usable_providers=self._usable,
            performance=self.store.performance(now=now) if self.settings.learning.enabled else {},
            budget_left_usd=min(left, default=None),
        )
        if self._state is not None and state != self._state[1]:
            self._cache.clear()
        self._state = (now, state)
        return state


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


def _utc_now() -> datetime:
    return datetime.now(UTC)
