"""What an attempt holds while it runs: a breaker's permit, limiter tokens and reserved money."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from mcp_router.errors import (
    BudgetExceededError,
    LostDatabaseError,
    RouterError,
    UnpricedModelError,
)
from mcp_router.execution.costs import Ceiling, affordable, worst_case
from mcp_router.storage.breaker import Permit
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.limiter import RateKey, RateLimits
from mcp_router.storage.periods import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mcp_router.execution.policy import Failure
    from mcp_router.execution.routes import Route
    from mcp_router.execution.services import Services
    from mcp_router.storage.budgets import BudgetRule
    from mcp_router.storage.circuit import State
    from mcp_router.storage.ledger import Reservation
    from mcp_router.storage.limiter import Taken

# A lease outlasts the sign of life that prolongs it by this much, for a machine that is busy.
_GRACE = 0.25
_LEAST_ANSWER = 256
_NO_LIMITS = RateLimits()


class Terms(NamedTuple):
    """What an attempt needs before it may begin.

    `expected_tokens` is what the rate limiter counts. `may_shorten` allows a lower limit on the
    answer, not below `least_answer` tokens, where a budget does not hold the longest one.
    """

    route: Route
    most: Ceiling
    purpose: Purpose
    rules: Sequence[BudgetRule]
    expected_tokens: int
    may_shorten: bool
    least_answer: int
    allow_unpriced: bool
    seconds: float
    forced: bool = False


class Refusal(NamedTuple):
    """Why an attempt may not begin now, and seconds until it might."""

    cause: Literal["breaker", "limiter"]
    state: State
    wait: float


class _Refused(Exception):
    """Undoes what was taken before the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.cause)


def shortest_answer(expected: int) -> int:
    """Return the tokens below which an answer is not shortened, where `expected` ones are."""
    return max(_LEAST_ANSWER, 2 * expected)


class Holding:
    """Taken whole or not at all, and given back exactly once, by `close`."""

    def __init__(
        self,
        services: Services,
        *,
        permit: Permit,
        taken: Taken | None,
        reservation: Reservation,
        began: datetime,
        most: Ceiling,
    ) -> None:
        self._services = services
        self._permit = permit
        self._taken = taken
        self._reservation = reservation
        self._prolong_at = time.monotonic() + services.lease / 3
        self._tokens = 0
        self.began = began
        self.most = most

    @classmethod
    def take(cls, services: Services, terms: Terms) -> Holding | Refusal:
        """Ask breaker, limiter and ledger in one transaction.

        Raises:
            BudgetExceededError: a budget leaves no room.
            UnpricedModelError: the price is unknown and a budget holds.
            StorageError: the database failed.
        """
        now = services.clock()
        if services.store.database.remote:
            return cls._take_shared(services, terms, now=now)
        # An error within rolls back what was taken before it: the permit and the tokens.
        try:
            with services.store.database.transaction():
                permit = _permit(services, terms, now=to_ms(now))
                taken = _tokens(services, terms, now=to_ms(now))
                reservation, most = _money(services, terms, now=now)
        except _Refused as refused:
            return refused.refusal
        held = cls(
            services, permit=permit, taken=taken, reservation=reservation, began=now, most=most
        )
        held._tokens = terms.expected_tokens if taken else 0
        return held

    @classmethod
    def _take_shared(cls, services: Services, terms: Terms, *, now: datetime) -> Holding | Refusal:
        """Ask one after the other, the money last, as all machines queue for it.

        What was taken before a refusal is given back; were this process killed meanwhile, a probe
        is given up and tokens drain by themselves.
        """
        permit, taken = Permit(terms.route.key, since=to_ms(now)), None
        try:
            permit = _permit(services, terms, now=to_ms(now))
            taken = _tokens(services, terms, now=to_ms(now))
        except _Refused as refused:
            services.breaker.cancel(permit)
            return refused.refusal
        except LostDatabaseError:
            # The ledger says below whether calls go on all the same.
            pass
        try:
            reservation, most = _money(services, terms, now=now)
        except RouterError:
            with suppress(LostDatabaseError):
                services.breaker.cancel(permit)
                if taken is not None:
                    services.limiter.give_back(
                        taken, now=to_ms(now), tokens=terms.expected_tokens, requests=1
                    )
            raise
        held = cls(
            services, permit=permit, taken=taken, reservation=reservation, began=now, most=most
        )
        held._tokens = terms.expected_tokens if taken else 0
        return held

    def keep(self) -> None:
        """Give a sign of life, which prolongs the lease now and then; cheap to call often."""
        if time.monotonic() >= self._prolong_at:
            self.prolong()

    def prolong(self) -> None:
        """Prolong the lease from now on."""
        services = self._services
        self._prolong_at = time.monotonic() + services.lease / 3
        now = to_ms(services.clock())

        def extend() -> None:
            lease = services.lease * (1 + _GRACE)
            services.store.ledger.extend(self._reservation, lease_s=lease, now=now)

        self._soon(extend)

    def close(self, *, spent: int | None, tokens: int, failure: Failure | None) -> None:
        """Settle or release, and tell the breaker; belongs in one transaction with the records.

        Args:
            spent: nano-dollars that are owed; None gives all of the money back.
            tokens: how many tokens were used in all.
            failure: what went wrong; None for a success.

        Raises:
            StorageError: the database failed.
        """
        services, now = self._services, to_ms(self._services.clock())
        if spent is None:
            services.store.ledger.release(self._reservation)
        else:
            services.store.ledger.settle(self._reservation, spent, now=now)
        self._report(failure, now=now)
        if self._taken is not None and tokens < self._tokens:
            left = partial(services.limiter.give_back, self._taken, tokens=self._tokens - tokens)
            self._soon(partial(left, now=now))

    def _soon(self, work: Callable[[], object]) -> None:
        """Do it now, or in the background where the database is far away."""
        outbox = self._services.store.database.outbox
        if outbox is None:
            work()
        else:
            outbox.later(work)

    def _report(self, failure: Failure | None, *, now: int) -> None:
        breaker, permit = self._services.breaker, self._permit
        if failure is None:
            self._soon(partial(breaker.success, permit, now=now))
            return
        pause = None if failure.cooldown is None else round(failure.cooldown * 1000)
        if failure.blame == "limited":
            breaker.limited(permit, now=now, retry_after_ms=pause)
        elif failure.blame == "failure":
            breaker.failure(permit, now=now, retry_after_ms=pause)
        else:
            self._soon(partial(breaker.cancel, permit))


def _permit(services: Services, terms: Terms, *, now: int) -> Permit:
    key = terms.route.key
    if terms.forced:
        return services.breaker.override(key, now=now)
    permit = services.breaker.acquire(key, now=now)
    if permit is None:
        verdict = services.breaker.verdict(key, now=now)
        wait = max(0.0, (verdict.until - now) / 1000)
        raise _Refused(Refusal("breaker", verdict.state, wait))
    return permit


def _tokens(services: Services, terms: Terms, *, now: int) -> Taken | None:
    limits = services.limits.get(terms.route.model.name, _NO_LIMITS)
    if limits == _NO_LIMITS:
        return None
    key = RateKey(terms.route.provider, terms.route.model.name)
    taken = services.limiter.take(key, limits=limits, now=now, tokens=terms.expected_tokens)
    if taken.wait_ms:
        raise _Refused(Refusal("limiter", "closed", taken.wait_ms / 1000))
    return taken


def _money(services: Services, terms: Terms, *, now: datetime) -> tuple[Reservation, Ceiling]:
    amount = _amount(services, terms, terms.most, now=now)
    try:
        return _reserve(services, terms, amount, now=now), terms.most
    except BudgetExceededError as refused:
        shorter = _shortened(terms, refused, now=now)
        if shorter is None:
            raise
    amount = _amount(services, terms, shorter, now=now)
    return _reserve(services, terms, amount, now=now), shorter


def _amount(services: Services, terms: Terms, most: Ceiling, *, now: datetime) -> int:
    amount = worst_case(terms.route.model, most, now=now)
    if amount is not None:
        return amount
    rules = services.store.ledger.governing(terms.rules, tags=terms.purpose.tags)
    bound = any(rule.limit_nanos is not None for rule in rules)
    if bound and not terms.allow_unpriced:
        raise UnpricedModelError(terms.route.model.name)
    return 0


def _shortened(terms: Terms, refused: BudgetExceededError, *, now: datetime) -> Ceiling | None:
    """Find the longest answer that what is left of the budget pays for."""
    if not terms.may_shorten:
        return None
    left = refused.limit - refused.spent - refused.reserved
    outputs = affordable(terms.route.model, terms.most, nanos=left, now=now)
    if outputs < terms.least_answer:
        return None
    return terms.most._replace(outputs=min(outputs, terms.most.outputs))


def _reserve(services: Services, terms: Terms, amount: int, *, now: datetime) -> Reservation:
    return services.store.ledger.reserve(
        amount,
        rules=terms.rules,
        purpose=terms.purpose,
        lease_s=min(terms.seconds, services.lease) + _GRACE * services.lease,
        now=to_ms(now),
    )
