"""The books of one execution: every attempt, what it cost, and the rows it leaves in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.execution import records
from mcp_router.execution.records import GivenUp, Timing

if TYPE_CHECKING:
    from mcp_router.execution.balance import Balancer
    from mcp_router.execution.check import Verdict
    from mcp_router.execution.costs import Bill
    from mcp_router.execution.policy import Failure, Kind
    from mcp_router.execution.routes import Route
    from mcp_router.execution.services import Services
    from mcp_router.execution.trial import Trial
    from mcp_router.types import Attempt, Decision, Request

_NO_TIME = Timing(0)


class Books:
    """Ends attempts, each once, and writes what became of them.

    Attributes:
        attempts: every try and every route passed over, in order.
        spent: nano-dollars that all of them cost.
    """

    def __init__(
        self,
        services: Services,
        *,
        request: Request,
        decision: Decision,
        balancer: Balancer,
        attempts: list[Attempt],
    ) -> None:
        self.attempts = attempts
        self.spent = 0
        self._services = services
        self._request = request
        self._decision = decision
        self._balancer = balancer
        self._given_up: list[GivenUp] = []
        self._passed_over: set[tuple[object, Kind]] = set()

    def opened(self, route: Route) -> None:
        """Note that a try begins, and which routes were left for it."""
        self._balancer.began(route)
        if self._given_up:
            self._leave(route)

    def answered(self, trial: Trial, bill: Bill | None) -> Attempt:
        """End an attempt that gave an answer.

        Raises:
            StorageError: the database failed.
        """
        return self._close(trial, bill=bill, failure=None, reason="")

    def failed(self, trial: Trial, failure: Failure, *, reason: str) -> Attempt:
        """End an attempt that gave none.

        Raises:
            StorageError: the database failed.
        """
        tried = self._close(trial, bill=trial.bill(whole=False), failure=failure, reason=reason)
        self._given_up.append(GivenUp(trial.route, failure.kind, reason))
        return tried

    def refused(self, route: Route, verdict: Verdict) -> None:
        """Note that the latest answer was not good enough; what it cost is settled already."""
        changes = {"outcome": "low_quality", "reason": verdict.refusal}
        self.attempts[-1] = self.attempts[-1].model_copy(update=changes)
        self.spent += verdict.nanos
        self._given_up.append(GivenUp(route, "low_quality", verdict.refusal))

    def passed_over(self, route: Route, *, kind: Kind, reason: str) -> None:
        """Note that a route was not tried, once for each kind of reason."""
        if (route.key, kind) in self._passed_over:
            return
        self._passed_over.add((route.key, kind))
        self.attempts.append(records.attempt(route, kind=kind, reason=reason, timing=_NO_TIME))
        self._given_up.append(GivenUp(route, kind, reason))

    def limited(self, route: Route, *, wait: float) -> None:
        """Note that our own rate limit asks for some seconds of patience.

        Raises:
            StorageError: the database failed.
        """
        at = self._services.clock()
        event = records.own_limit(route, wait=wait, decision=self._decision, at=at)
        self._services.store.record_rate_limit(event)
        self.passed_over(route, kind="rate_limited", reason="our own rate limit is used up")

    def ended(self) -> None:
        """Note that no route is left.

        Raises:
            StorageError: the database failed.
        """
        if self._given_up:
            self._leave(None)

    def _leave(self, to: Route | None) -> None:
        left, self._given_up = self._given_up, []
        rows = [one for one in left if to is None or one.route.key != to.key]
        if not rows:
            return
        store, at = self._services.store, self._services.clock()
        with store.together():
            for one in rows:
                store.record_fallback(records.fallback(one, to=to, decision=self._decision, at=at))

    def _close(
        self, trial: Trial, *, bill: Bill | None, failure: Failure | None, reason: str
    ) -> Attempt:
        """Settle or release, and record, in one transaction."""
        trial.open = False
        route, services = trial.route, self._services
        kind = "ok" if failure is None else failure.kind
        tried = records.attempt(route, kind=kind, reason=reason, timing=trial.timing(), bill=bill)
        spent = None if bill is None else bill.nanos
        tokens = 0 if bill is None else records.tokens_of(bill.usage)
        at = services.clock()
        # One commit for money, breaker and records costs what one row costs, and keeps them equal.
        with services.store.together():
            trial.holding.close(spent=spent, tokens=tokens, failure=failure)
            if failure is None or failure.sent or bill is not None:
                # A usage that was guessed teaches nothing about guesses.
                guessed = bill is not None and bill.estimated
                row = records.outcome(
                    tried,
                    request=self._request,
                    decision=self._decision,
                    estimated=None if guessed else trial.plan.inputs,
                    at=at,
                )
                services.store.record_outcome(row)
            if failure is not None and failure.blame == "limited":
                services.store.record_rate_limit(
                    records.provider_limit(route, failure, decision=self._decision, at=at)
                )
        self.spent += spent or 0
        self._balancer.ended(route, ok=_says(failure))
        self.attempts.append(tried)
        if services.on_ended is not None:
            services.on_ended(tried, self._request, self._decision)
        return tried


def _says(failure: Failure | None) -> bool | None:
    """Say what an end tells of its route; None for nothing."""
    if failure is None:
        return True
    return None if failure.blame == "none" else False
