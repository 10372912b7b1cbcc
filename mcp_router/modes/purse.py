"""Money for several calls at once, set aside whole before the first of them starts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import BudgetExceededError
from mcp_router.execution.limits import with_limit
from mcp_router.execution.off_loop import off_loop
from mcp_router.execution.share import Price, priced
from mcp_router.modes.stage import narrowed, seconds_for
from mcp_router.money import to_nanos
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from mcp_router.execution.share import Quote
    from mcp_router.modes.seat import Seat
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.storage.budgets import BudgetRule
    from mcp_router.storage.ledger import Reservation

# A lease outlasts the deadline of the whole by this much, for a machine that is busy.
_GRACE_S = 15.0


class Fund(NamedTuple):
    """What was set aside: `limits` are one for each call that may start, in their order.

    `refused` is the budget that did not allow more; `helped` says whether there is money for
    what comes after the answers.
    """

    within: Reservation
    limits: tuple[int | None, ...]
    helped: bool
    refused: BudgetExceededError | None = None


def shared_out(prices: Sequence[Price], *, left: int | None) -> tuple[int, ...] | None:
    """Share `left` nano-dollars out among calls: at least the least each needs, at best the most.

    None if not even the least fits; without a limit each gets the most. What a call may get
    above its least is in proportion to what it could use.
    """
    most = tuple(one.most for one in prices)
    if left is None or sum(most) <= left:
        return most
    spare = left - sum(one.least for one in prices)
    if spare < 0:
        return None
    wanted = sum(one.most - one.least for one in prices)
    return tuple(one.least + spare * (one.most - one.least) // wanted for one in prices)


def request_limit(stage: Stage, job: Job) -> BudgetRule | None:
    """Find the tightest limit on this task as a whole, if there is any."""
    rules = with_limit(stage.store.rules, nanos=job.limits.nanos)
    limits = [one for one in rules if one.period == "request" and one.limit_nanos is not None]
    return min(limits, key=lambda one: one.limit_nanos or 0, default=None)


def quotes_of(stage: Stage, job: Job, names: Sequence[str]) -> list[Quote]:
    """Say what each model can use for the task of a job."""
    return [
        stage.executor.quote(
            job.request, decision=narrowed(job.decision, to=model.name, provider=model.provider)
        )
        for model in map(stage.catalog.resolve, names)
    ]


def whole_limit(stage: Stage, job: Job, quotes: Sequence[Quote]) -> int | None:
    """Return the nano-dollars that the whole task may cost by its own limits; None for no limit."""
    rule = request_limit(stage, job)
    limits = [rule.limit_nanos if rule else None, *(one.max_cost for one in quotes[:1])]
    return min((one for one in limits if one is not None), default=None)


def rest(limit: int | None, seats: Sequence[Seat]) -> int | None:
    """Return the nano-dollars of a limit that the attempts of some seats have left."""
    if limit is None:
        return None
    costs = [one.cost_usd for seat in seats for one in seat.share.attempts if one.cost_usd]
    return max(0, limit - sum(map(to_nanos, costs)))


@asynccontextmanager
async def set_aside(
    stage: Stage, job: Job, quotes: Sequence[Quote], *, helpers: int = 0
) -> AsyncGenerator[Fund]:
    """Reserve the most that several calls can cost, at once or not at all; give back the rest.

    Where the budget does not hold them all, answers are bounded first, then the last ones are
    left out. `helpers` are nano-dollars for what comes after, such as a judge.

    Raises:
        BudgetExceededError: not even one call fits.
        StorageError: the database failed.
    """
    database, ledger = stage.store.database, stage.store.ledger

    def give_back(fund: Fund) -> None:
        ledger.release(fund.within)

    reserve = partial(_reserve, stage, job, quotes, helpers=helpers)
    fund = await off_loop(database, reserve, undo=give_back)
    try:
        yield fund
    finally:
        await off_loop(database, partial(give_back, fund))


def _reserve(stage: Stage, job: Job, quotes: Sequence[Quote], *, helpers: int) -> Fund:
    now = stage.clock()
    prices = [priced(one, now=now) for one in quotes]
    own = left = whole_limit(stage, job, quotes)
    refused: BudgetExceededError | None = None
    for count, extra in _variants(len(prices), helpers):
        while (shares := shared_out(prices[:count], left=_minus(left, extra))) is not None:
            try:
                within = _held(stage, job, sum(shares) + extra)
            except BudgetExceededError as error:
                refused = error
                left = error.limit - error.spent - error.reserved
                continue
            bound = own is not None or refused is not None
            room = max(0, (own or 0) - sum(shares) - extra) // count if own is not None else 0
            limits = tuple(
                share + room if bound and price.most else None
                for share, price in zip(shares, prices, strict=False)
            )
            return Fund(within, limits, bool(extra) or not helpers, refused)
    raise refused or _too_dear(stage, job, prices, limit=own or 0)


def _variants(count: int, helpers: int) -> list[tuple[int, int]]:
    """List what to try: ever fewer models with their helpers, then without."""
    with_help = [(n, helpers) for n in range(count, 1, -1)] if helpers else []
    return [*with_help, *((n, 0) for n in range(count, 0, -1))]


def _minus(left: int | None, extra: int) -> int | None:
    return None if left is None else left - extra


def _held(stage: Stage, job: Job, amount: int) -> Reservation:
    return stage.store.ledger.reserve(
        amount,
        rules=with_limit(stage.store.rules, nanos=job.limits.nanos),
        purpose=Purpose(job.decision.decision_id, job.decision.model, job.request.tags),
        lease_s=seconds_for(stage, job) + _GRACE_S,
        now=to_ms(stage.clock()),
    )


def _too_dear(
    stage: Stage, job: Job, prices: Sequence[Price], *, limit: int
) -> BudgetExceededError:
    rule = request_limit(stage, job)
    named = rule is not None and rule.limit_nanos == limit
    return BudgetExceededError(
        budget=rule.name if rule and named else "max_cost_usd",
        limit=limit,
        spent=0,
        reserved=0,
        asked=min((one.least for one in prices), default=0),
        resets_at=None,
    )
