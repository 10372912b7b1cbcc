"""Deciding with everything at hand: what is true now, what was decided before, what to record."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from mcp_router.config.credentials import usable_providers
from mcp_router.debug import log_decision
from mcp_router.errors import NoCandidateError
from mcp_router.routing.cache import DecisionCache
from mcp_router.routing.classify import TaskRule, classify
from mcp_router.routing.decide import decide
from mcp_router.routing.intake import fingerprint, kept_prompt, prompt_hash
from mcp_router.routing.situation import Understood, situate
from mcp_router.routing.tokens import request_counts
from mcp_router.types import RoutingState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.storage.store import Store
    from mcp_router.types import Classification, Decision, Request

COMMON_BUDGETS = ("request", "day", "month")
"""The budgets that every request counts for."""

STATE_AGE = timedelta(seconds=1)
"""How old the observed state (budget, breakers, performance) of a recommendation may be."""


class Decider:
    """Decides requests under the observed state, and remembers decisions for their time to live."""

    def __init__(self, settings: Settings, *, catalog: Catalog, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._catalog = catalog
        self._usable = usable_providers(catalog, settings=settings, environ=environ)
        self._cache = DecisionCache(ttl=settings.cache.ttl)
        self._tasks = {
            name: TaskRule(keywords=task.keywords) for name, task in settings.tasks.items()
        }
        self._state: tuple[datetime, RoutingState] | None = None

    def classify(self, request: Request) -> Classification:
        """Say what kind of work a request is."""
        return classify(request, tasks=self._tasks)

    def observe(self, store: Store, *, now: datetime) -> RoutingState:
        """Read what a decision depends on besides request and settings; at most a second old.

        Raises:
            StorageError: the store could not be read.
        """
        if self._state is not None and timedelta() <= now - self._state[0] < STATE_AGE:
            return self._state[1]
        # Budgets on tags hold for some requests only; they are asked when one is carried out.
        common = [one for one in store.budget_status(now=now) if one.name in COMMON_BUDGETS]
        left = [one.left_usd for one in common if one.left_usd is not None]
        learns = self._settings.learning.enabled
        state = RoutingState(
            usable_providers=self._usable,
            performance=store.performance(now=now) if learns else {},
            budget_left_usd=min(left, default=None),
        )
        if self._state is not None and state != self._state[1]:
            self._cache.clear()
        self._state = (now, state)
        return state

    def forget_state(self) -> None:
        """Read the state anew the next time."""
        self._state = None

    def recommend(self, request: Request, *, store: Store, now: datetime) -> Decision:
        """Choose a model, or give the decision already made for the same request, and record it.

        Raises:
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
            StorageError: the decision could not be recorded.
        """
        state = self.observe(store, now=now)
        key = fingerprint(request) if self._settings.cache.enabled else ""
        known = self._cache.get(key, now=now) if key else None
        if known is not None:
            return known
        decision = self.decide(request, state=state, now=now)
        self._record(decision, request, store=store)
        self._remember(key, decision, now=now)
        return decision

    def decide_to_run(self, request: Request, *, store: Store, now: datetime) -> Decision:
        """Decide among the models that have credentials, and record the decision.

        Raises:
            RouterError: as `recommend` raises.
        """
        state = self.observe(store, now=now)
        key = f"run {fingerprint(request)}" if self._settings.cache.enabled else ""
        known = self._cache.get(key, now=now) if key else None
        if known is None:
            decision = self._decide_among_able(request, state=state, now=now)
            self._remember(key, decision, now=now)
        else:
            # Each execution is a decision of its own in the books, made once or not.
            again = {"decision_id": new_decision_id(), "created_at": now}
            decision = known.model_copy(update=again)
        self._record(decision, request, store=store)
        return decision

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
            settings=self._settings,
            catalog=self._catalog,
            state=state,
            now=now,
        )
        decision = decide(situation, decision_id=new_decision_id())
        return decision.model_copy(update={"prompt_hash": prompt_hash(request)})

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

    def _remember(self, key: str, decision: Decision, *, now: datetime) -> None:
        if key:
            self._cache.put(key, decision.model_copy(update={"cached": True}), now=now)

    def _record(self, decision: Decision, request: Request, *, store: Store) -> None:
        from mcp_router.storage.store import Context

        prompt = kept_prompt(request) if self._settings.history.store_prompts else None
        context = Context(
            project=request.tags.get("project", ""),
            session=request.tags.get("session", ""),
            category=request.category or "",
        )
        store.record_decision(decision, prompt=prompt, context=context)
        if self._settings.debug:
            log_decision(decision)


def new_decision_id() -> str:
    """Draw an id for a decision: "dec_" and 16 hex digits."""
    return f"dec_{secrets.token_hex(8)}"
