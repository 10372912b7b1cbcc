"""One execution from its first attempt to its last: what is tried next, and what is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import (
    BudgetExceededError,
    ContextLengthError,
    FallbackExhaustedError,
    InvalidRequestError,
    ProviderError,
    ProviderTimeout,
    RouterError,
    UnpricedModelError,
)
from mcp_router.execution.books import Books
from mcp_router.execution.course import Course, Leg
from mcp_router.execution.holding import Holding, Refusal, Terms, shortest_answer
from mcp_router.execution.limits import AS_SET, CallLimits, with_limit
from mcp_router.execution.off_loop import off_loop
from mcp_router.execution.policy import Failure, Kind, Step, failure_of
from mcp_router.execution.share import Share
from mcp_router.execution.trial import Trial
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.ledger import Purpose
from mcp_router.types import Attempt, AttemptEvent, Completion, Rejection, Usage

if TYPE_CHECKING:
    from mcp_router.execution.balance import Balancer
    from mcp_router.execution.check import Verdict
    from mcp_router.execution.costs import Bill
    from mcp_router.execution.prepare import Need, Preparation
    from mcp_router.execution.routes import Route
    from mcp_router.execution.services import Services
    from mcp_router.providers.wire import Reply

_CANCELLED = Failure("cancelled", Step.STOP, blame="none")
_KINDS: Mapping[str, Kind] = {
    "context": "context_length",
    "credentials": "auth",
    "max_cost": "budget",
}
"""The words for filters that have one; the others are told in a warning only."""


class Run:
    """Moves along the course of one request; every attempt it begins is ended here, once."""

    def __init__(
        self,
        services: Services,
        *,
        preparation: Preparation,
        routes: Sequence[Route],
        balancer: Balancer,
        limits: CallLimits = AS_SET,
        share: Share | None = None,
    ) -> None:
        self._services = services
        self._limits = limits
        self._share = share = share or Share()
        self._prepared = preparation
        self._request, self._decision = preparation.request, preparation.decision
        self._settings = settings = preparation.settings.fallback
        self._books = Books(
            services,
            request=self._request,
            decision=self._decision,
            balancer=balancer,
            attempts=share.attempts,
        )
        self._course = Course(
            routes, max_attempts=settings.max_attempts, max_tries=1 + settings.max_retries
        )
        self._began = anyio.current_time()
        self._until = self._began + (limits.seconds or settings.timeout_ms / 1000)
        self._calls = 0
        self._warnings: list[str] = []
        self._refused: BudgetExceededError | UnpricedModelError | None = None
        self._stopped: ProviderError | InvalidRequestError | None = None
        self._causes: list[ProviderError | InvalidRequestError] = []

    async def advance(self, *, stream: bool) -> Trial | None:
        """Begin the next attempt, after the wait it calls for; None once there is none left.

        Raises:
            StorageError: the database failed.
        """
        while self._stopped is None:
            now = anyio.current_time()
            leg = self._course.next(now=now, until=self._until) if now < self._until else None
            if leg is None:
                break
            if leg.wait:
                await self._services.sleep(leg.wait)
                now = anyio.current_time()
            if now < self._until:
                trial = await self._begin(leg, now=now, stream=stream)
                if trial is not None:
                    return trial
        self._books.ended()
        return None

    def announcement(self, trial: Trial) -> AttemptEvent:
        """Tell that an attempt begins."""
        attempts = self._books.attempts
        after = attempts[-1] if attempts else None
        return AttemptEvent(
            trial.route.model.name,
            trial.route.provider,
            self._calls,
            after,
            decision_id=self._decision.decision_id,
        )

    def failed(self, trial: Trial, error: ProviderError | InvalidRequestError) -> Attempt:
        """End an attempt that gave no answer.

        Raises:
            StorageError: the database failed.
        """
        failure = failure_of(error, spoke=trial.spoke)
        # A route that was given less than its time says nothing about its health.
        if failure.kind == "timeout" and not trial.plan.allowed.fair:
            failure = failure._replace(blame="none")
        if isinstance(error, ProviderError):
            trial.used(error.usage)
        tried = self._books.failed(trial, failure, reason=_reason(error))
        self._causes.append(error)
        if failure.step is Step.STOP or (trial.told and self._settings.on_stream_cut == "error"):
            self._stopped = error
        now = anyio.current_time()
        if failure.step is Step.LARGER and self._settings.trim_history:
            self._prepared.overflowed(trial.route)
            self._course.defer_smaller(trial.route, now=now)
        else:
            self._course.failed(trial.route, failure, now=now, rng=self._services.rng)
        return tried

    def completed(self, trial: Trial, reply: Reply) -> Completion:
        """End an attempt that gave a whole answer.

        Raises:
            StorageError: the database failed.
        """
        bill = trial.bill(whole=True)
        tried = self._books.answered(trial, bill)
        first = trial.first_token_at
        warnings = [*self._warnings, *_warnings(trial, reply, bill)]
        shortest = trial.holding.most.outputs
        if reply.finish_reason == "length" and shortest < self._prepared.most(trial.route).outputs:
            warnings.append(f"the budget paid for {shortest} tokens of answer at the most")
        return Completion(
            decision_id=self._decision.decision_id,
            model=tried.model,
            provider=tried.provider,
            content=reply.content,
            tool_calls=reply.tool_calls,
            reasoning=reply.reasoning,
            finish_reason=reply.finish_reason,
            logprobs=reply.logprobs,
            usage=tried.usage or Usage(),
            cost_usd=tried.cost_usd,
            latency_ms=round((anyio.current_time() - self._began) * 1000),
            first_token_ms=None if first is None else round((first - self._began) * 1000),
            attempts=tuple(self._books.attempts),
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def refused(self, trial: Trial, verdict: Verdict) -> None:
        """Give up an answer that was not good enough, and its model with it."""
        self._books.refused(trial.route, verdict)
        self._course.leave(trial.route.model.name)

    def error(self) -> RouterError:
        """Say why there is no answer: the one cause if there is one, else every attempt."""
        if self._stopped is not None:
            return self._stopped
        if self._refused is not None and not self._calls:
            return self._refused
        if self._causes and all(isinstance(one, ContextLengthError) for one in self._causes):
            return self._causes[-1]
        return FallbackExhaustedError(self._books.attempts)

    async def _begin(self, leg: Leg, *, now: float, stream: bool) -> Trial | None:
        route, left = leg.route, self._until - now
        database = self._services.store.database
        try:
            held = await off_loop(database, partial(self._held, leg, left=left), undo=_give_back)
        except (BudgetExceededError, UnpricedModelError) as error:
            self._refused = self._refused or error
            self._books.passed_over(route, kind="budget", reason=error.message)
            self._course.drop(route)
            return None
        if isinstance(held, Rejection):
            self._leave_out(route, held)
            return None
        if isinstance(held, Refusal):
            self._wait_for(route, held, now=now)
            return None
        return self._started(route, held=held, left=left, stream=stream)

    def _held(self, leg: Leg, *, left: float) -> Holding | Refusal | Rejection:
        """Look at a route again, and take what an attempt at it needs; may ask the database."""
        rejection = self._prepared.rejection(leg.route, spent=self._books.spent)
        if rejection is not None:
            return rejection
        terms = self._terms(leg, self._prepared.need(leg.route), left=left)
        return Holding.take(self._services, terms)

    def _started(self, route: Route, *, held: Holding, left: float, stream: bool) -> Trial:
        need = self._prepared.need(route)
        trial = Trial(
            self._prepared.plan(
                route,
                need,
                most=held.most,
                left=left,
                others=self._course.others(route),
                stream=stream,
            ),
            holding=held,
            on_abandoned=self._abandoned,
        )
        self._warnings.extend(self._prepared.warnings(route, need))
        self._course.started(route)
        self._books.opened(route)
        self._calls += 1
        return trial

    def _terms(self, leg: Leg, need: Need, *, left: float) -> Terms:
        route = leg.route
        return Terms(
            route=route,
            most=need.most,
            purpose=Purpose(
                self._decision.decision_id,
                route.model.name,
                self._request.tags,
                self._share.within,
            ),
            rules=self._rules(),
            expected_tokens=need.inputs + need.outputs,
            may_shorten=self._request.max_tokens is None,
            least_answer=shortest_answer(need.outputs),
            allow_unpriced=self._prepared.settings.budget.on_unknown_price == "allow",
            seconds=left,
            forced=leg.forced,
        )

    def _rules(self) -> Sequence[BudgetRule]:
        """List the budgets; what earlier attempts of this request cost counts in its own."""
        rules = with_limit(self._services.store.rules, nanos=self._limits.nanos)
        spent, most = self._books.spent, self._prepared.max_cost
        if most is not None:
            rules = (BudgetRule("max_cost_usd", "request", most), *rules)
        if not spent:
            return rules
        return [
            rule._replace(limit_nanos=max(0, rule.limit_nanos - spent))
            if rule.period == "request" and rule.limit_nanos is not None
            else rule
            for rule in rules
        ]

    def _leave_out(self, route: Route, rejection: Rejection) -> None:
        self._warnings.append(f"{rejection.model} was left out: {rejection.reason}")
        kind = _KINDS.get(rejection.filter)
        if kind is not None:
            self._books.passed_over(route, kind=kind, reason=rejection.reason)
        self._course.drop(route)

    def _wait_for(self, route: Route, refusal: Refusal, *, now: float) -> None:
        ready_at = now + refusal.wait
        if refusal.cause == "limiter":
            self._books.limited(route, wait=refusal.wait)
            self._course.limited(route, ready_at=ready_at, now=now)
            return
        paused = refusal.state == "cooldown"
        if paused:
            reason = f"the provider asked to wait, {refusal.wait:.1f} s more"
            self._books.passed_over(route, kind="rate_limited", reason=reason)
        else:
            reason = "it failed again and again before"
            self._books.passed_over(route, kind="breaker_open", reason=reason)
        self._course.blocked(route, ready_at=ready_at, paused=paused)

    def _abandoned(self, trial: Trial) -> None:
        self._books.failed(trial, _CANCELLED, reason="given up by the caller")


def _give_back(held: Holding | Refusal | Rejection) -> None:
    if isinstance(held, Holding):
        held.close(spent=None, tokens=0, failure=_CANCELLED)


def _reason(error: ProviderError | InvalidRequestError) -> str:
    if isinstance(error, ProviderTimeout) and error.deadline == "total":
        return f"no answer within {error.after_ms} ms"
    return error.problem if isinstance(error, ProviderError) else error.message


def _warnings(trial: Trial, reply: Reply, bill: Bill | None) -> list[str]:
    told = list(reply.warnings)
    name = trial.route.model.name
    if reply.finish_reason == "length":
        told.append(f"the answer of {name} was cut off by its token limit")
    if bill is not None and bill.estimated:
        told.append(f"{name} reported no usage: tokens and cost are estimates, on the dear side")
    if bill is None or bill.nanos is None:
        told.append(f"the price of {name} is unknown, so the cost is not counted")
    return told
