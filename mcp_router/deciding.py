"""Deciding with everything at hand: what is true now, what was decided before, what to record."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from mcp_router.config.credentials import usable_providers
from mcp_router.debug import log_decision
from mcp_router.errors import InvalidRequestError, LostDatabaseError, NoCandidateError
from mcp_router.money import to_usd
from mcp_router.routing.cache import DecisionCache
from mcp_router.routing.classify import TaskRule, classify, read_correction
from mcp_router.routing.corrections import NOTHING, taught
from mcp_router.routing.decide import decide
from mcp_router.routing.intake import fingerprint, kept_prompt, prompt_hash
from mcp_router.routing.situation import Understood, situate
from mcp_router.routing.sketch import packed, sketch
from mcp_router.routing.tokens import request_counts
from mcp_router.storage.periods import from_ms
from mcp_router.studies.lessons import Lessons
from mcp_router.studies.live import Experiments, told_arms, under_arms, without_arms
from mcp_router.types import RoutingState, TaskType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.execution.limits import CallLimits
    from mcp_router.execution.routes import Routes
    from mcp_router.experiments.treatment import Treatment
    from mcp_router.routing.situation import Situation
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.storage.store import Store
    from mcp_router.types import Classification, Decision, Request

COMMON_BUDGETS = ("request", "day", "month")
"""The budgets that every request counts for."""

STATE_AGE = timedelta(seconds=1)
"""How old the observed state (budget, breakers, performance) of a recommendation may be."""


class Decider:
    """Decides requests under the observed state, and remembers decisions for their time to live.

    Attributes:
        usable: the providers that can be called.
        experiments: those that run, whose arms change what is executed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        catalog: Catalog,
        environ: Mapping[str, str],
        reachable: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare; `reachable` providers need no key in `environ`."""
        self._settings = settings
        self._catalog = catalog
        self._environ = environ
        usable = usable_providers(catalog, settings=settings, environ=environ)
        self.usable = usable | reachable
        self._cache = DecisionCache(ttl=settings.cache.ttl)
        self._tasks = {
            name: TaskRule(keywords=task.keywords) for name, task in settings.tasks.items()
        }
        self._state: RoutingState | None = None
        self._seen: datetime | None = None
        self._taught = NOTHING
        self._lessons = Lessons(settings.learning)
        self._recalled: datetime | None = None
        self._left: Mapping[str, Decimal] = {}
        self.experiments = Experiments(catalog)

    def classify(self, request: Request) -> Classification:
        """Say what kind of work a request is."""
        return classify(request, tasks=self._tasks, taught=self._taught)

    def recall(self, store: Callable[[], Store | None], *, now: datetime) -> None:
        """Read the corrections of task types that were taught; at most a second old.

        `store` gives the store, or None where there is none yet; it is asked only when needed.

        Raises:
            StorageError: the store could not be read.
        """
        if self._recalled is not None and timedelta() <= now - self._recalled < STATE_AGE:
            return
        self._recalled = now
        there = store()
        known = there.corrections() if there is not None else ()
        if known != self._taught.corrections:
            self._taught = taught(known)
            self._cache.clear()

    def correct(self, request: Request, *, kind: str, store: Store, now: datetime) -> None:
        """Teach that a request is of this task type, a built-in one or one of the settings.

        Raises:
            InvalidRequestError: there is no such task type.
            StorageError: the correction could not be kept.
        """
        known = (*(one.value for one in TaskType), *self._tasks)
        if kind not in known:
            raise InvalidRequestError(
                field="task type",
                problem=f"{kind!r} is not known",
                hint=f"Task types are: {', '.join(known)}.",
            )
        store.keep_correction(read_correction(request, kind=kind), now=now)
        self._recalled = None
        self.recall(lambda: store, now=now)

    def undo_correction(self, request: Request | None, *, store: Store, now: datetime) -> str:
        """Forget what was taught about a request, else the latest; return its type, "" if none.

        Raises:
            StorageError: the correction could not be removed.
        """
        words = read_correction(request, kind="").words if request is not None else None
        gone = store.drop_correction(words=words)
        self._recalled = None
        self.recall(lambda: store, now=now)
        return gone.kind if gone is not None else ""

    def observe(self, store: Store, *, now: datetime) -> RoutingState:
        """Read what a decision depends on besides request and settings; at most a second old.

        Raises:
            StorageError: the store could not be read.
        """
        known, seen = self._state, self._seen
        if known is not None and seen is not None and timedelta() <= now - seen < STATE_AGE:
            return known
        try:
            state = self._observed(store, now=now)
        except LostDatabaseError:
            if self._settings.budget.on_lost_database == "closed":
                raise
            # Calls go on by what was known last.
            state = known or RoutingState(usable_providers=self.usable)
        if known is not None and state != known:
            self._cache.clear()
        self._state, self._seen = state, now
        return state

    def known(self, store: Store, *, now: datetime) -> RoutingState:
        """Return what was observed last, however old; ask the store only where that is nothing.

        Raises:
            StorageError: the store could not be read.
        """
        return self._state or self.observe(store, now=now)

    def _observed(self, store: Store, *, now: datetime) -> RoutingState:
        self.recall(lambda: store, now=now)
        # Budgets on tags hold for some requests only; they are asked when one is carried out.
        self._left = {
            one.name: one.left_usd
            for one in store.budget_status(now=now)
            if one.name in COMMON_BUDGETS and one.left_usd is not None
        }
        learns = self._lessons.read(store, now=now)
        return RoutingState(
            usable_providers=self.usable,
            performance=store.performance(now=now) if learns else {},
            grades=store.grades(now=now) if learns else {},
            learnt=self._lessons.learnt,
            blocked=self._blocked(store, now=now),
            budget_left_usd=min(self._left.values(), default=None),
        )

    def learn(self, store: SqliteStore, *, now: datetime) -> None:
        """Learn from what a person said of an answer, where enough was said by now.

        Raises:
            StorageError: the store could not be used.
        """
        self._lessons.learn(store, now=now)
        self.forget_state()

    def forget_state(self) -> None:
        """Read the state anew the next time."""
        self._seen = None

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
        decide = partial(self.decide, request, now=now)
        decision = self._lessons.with_trials(decide, state=state, store=store, now=now)
        self._record(decision, request, store=store)
        self._remember(key, decision, now=now)
        return decision

    def decide_to_run(
        self,
        request: Request,
        *,
        store: SqliteStore,
        now: datetime,
        limits: CallLimits | None = None,
    ) -> Decision:
        """Decide among the models that have credentials, and record the decision.

        The arms of running experiments change the request before. `limits` may hold one that takes
        the place of the limit per request.

        Raises:
            RouterError: as `recommend` raises.
        """
        state = self.observe(store, now=now)
        nanos = limits.nanos if limits is not None else None
        if nanos is not None:
            left = min({**self._left, "request": to_usd(nanos)}.values())
            state = state.model_copy(update={"budget_left_usd": left})

        def decided(treatment: Treatment | None = None, *, state: RoutingState = state) -> Decision:
            return self._decide_once(request, treatment, f"run {nanos}", state=state, now=now)

        treatment = self.experiments.treat(
            request, kind=lambda: self.classify(request).task_type, store=store, now=now
        )
        if treatment is None:
            decision = self._lessons.with_trials(decided, state=state, store=store, now=now)
            self._record(decision, request, store=store)
            return decision
        try:
            decision, ruled_out = decided(treatment), False
        except NoCandidateError:
            # The request goes on without its arms; with them it would not be answered at all.
            decision, ruled_out = without_arms(decided(None), treatment), True
        self._record(decision, request, store=store)
        self.experiments.expose(treatment, decision, store=store, ruled_out=ruled_out)
        return decision

    def _decide_once(
        self,
        request: Request,
        treatment: Treatment | None,
        kept_as: str,
        *,
        state: RoutingState,
        now: datetime,
    ) -> Decision:
        """Decide, or give the decision already made for the same, under an id of its own."""
        asked = request if treatment is None else treatment.request
        told = () if treatment is None else treatment.reasons
        key = ""
        if self._settings.cache.enabled:
            key = " ".join((kept_as, *told, fingerprint(asked)))
        known = self._cache.get(key, now=now) if key else None
        if known is not None:
            # Each execution is a decision of its own in the books, made once or not.
            again = {"decision_id": new_decision_id(), "created_at": now}
            return known.model_copy(update=again)
        decision = self._decide_among_able(asked, treatment, state=state, now=now)
        self._remember(key, decision, now=now)
        return decision

    def decide(
        self,
        request: Request,
        *,
        state: RoutingState,
        now: datetime,
        settings: Settings | None = None,
    ) -> Decision:
        """Decide one request under a given state, without cache and record.

        `settings` may take the place of the decider's own.

        Raises:
            NoCandidateError: every model was ruled out; one reason for each.
            UnknownModelError: a name that is no model, alias or role.
        """
        counts = request_counts(request)
        kind = classify(request, tasks=self._tasks, counts=counts, taught=self._taught)
        state = self._lessons.on_words(request, state=state)
        situation = situate(
            Understood(request, counts, kind),
            settings=settings or self._settings,
            catalog=self._catalog,
            state=state,
            now=now,
        )
        try:
            decision = decide(situation, decision_id=new_decision_id())
        except NoCandidateError as error:
            if all(one.filter != "unavailable" for one in error.rejected):
                raise
            decision = _least_bad(situation)
        return decision.model_copy(update={"prompt_hash": prompt_hash(request)})

    @cached_property
    def _routes(self) -> Routes:
        # Only a breaker that is open makes them needed.
        from mcp_router.execution.routes import Routes

        return Routes(self._catalog, settings=self._settings, environ=self._environ)

    def _blocked(self, store: Store, *, now: datetime) -> dict[str, str]:
        """Say of each model that none of its breakers lets pass when one will, soonest first."""
        sick = store.blocked(now=now)
        if not sick:
            return {}
        return {
            name: f"it fails or is overloaded, no calls until {from_ms(until):%H:%M:%S} UTC"
            for name, until in self._routes.blocked(sick).items()
        }

    def _decide_among_able(
        self,
        request: Request,
        treatment: Treatment | None,
        *,
        state: RoutingState,
        now: datetime,
    ) -> Decision:
        able = state.model_copy(update={"require_credentials": True})
        settings = under_arms(self._settings, treatment)

        def decided(state: RoutingState) -> Decision:
            decision = self.decide(request, state=state, now=now, settings=settings)
            return told_arms(decision, treatment)

        try:
            return decided(able)
        except NoCandidateError as error:
            if all(one.filter != "budget" for one in error.rejected):
                raise
        # The ledger says exactly which budget is spent, and when it resets.
        return decided(able.model_copy(update={"budget_left_usd": None}))

    def _remember(self, key: str, decision: Decision, *, now: datetime) -> None:
        # A trial is one request's, not that of all which are the same.
        tried = decision.learnt is not None and decision.learnt.kind == "explored"
        if key and not tried:
            self._cache.put(key, decision.model_copy(update={"cached": True}), now=now)

    def _record(self, decision: Decision, request: Request, *, store: Store) -> None:
        from mcp_router.storage.store import Context

        prompt = kept_prompt(request) if self._settings.history.store_prompts else None
        context = Context(
            project=request.tags.get("project", ""),
            session=request.tags.get("session", ""),
            category=request.category or "",
            features=packed(sketch(request)) if self._settings.learning.enabled else b"",
        )
        store.record_decision(decision, prompt=prompt, context=context)
        if self._settings.debug:
            log_decision(decision)


def _least_bad(situation: Situation) -> Decision:
    """Decide for the model that is blocked for the shortest time, where no other is left.

    Raises:
        NoCandidateError: the blocked ones are ruled out for other reasons, too.
    """
    blocked = situation.state.blocked

    def without(*lifted: str) -> Decision:
        left = {name: reason for name, reason in blocked.items() if name not in lifted}
        state = situation.state.model_copy(update={"blocked": left})
        return decide(situation._replace(state=state), decision_id=new_decision_id())

    free = without(*blocked)
    fit = {*free.others, *(one.model for one in free.candidates)}
    # They stand in the order in which they may be called again.
    soonest = next(name for name in blocked if name in fit)
    decision = without(soonest)
    warning = f"Nothing better is left than {soonest}: {blocked[soonest]}."
    return decision.model_copy(update={"warnings": (*decision.warnings, warning)})


def new_decision_id() -> str:
    """Draw an id for a decision: "dec_" and 16 hex digits."""
    return f"dec_{secrets.token_hex(8)}"
