"""What routing saved, net, against always using one model.

Method. The tasks that were run are taken by kind (task type and complexity). Where the baseline
itself was run at least 5 times on a kind, always using it would have cost its mean cost per call
times the tasks; n tasks seen through m calls of variance v give a variance of n^2 v / m + n v, and
90 % of a normal distribution the range. On other kinds the mean tokens of the answers are put at
the baseline's prices of today: an estimate without a range, since nothing tells how far another
model's answers would differ. The baseline is taken never to fail, which favours it. What was
spent holds everything: answers, failed attempts, judges and experiments, also what was heard of a
task that the caller gave up, for which the baseline is not charged.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.catalog.pricing import Buckets, cost_of
from mcp_router.money import to_usd
from mcp_router.reporting.values import SavedPart, Savings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from mcp_router.storage.analysis import Answered, OutcomeGroup
    from mcp_router.types import ModelInfo

LEAST_CALLS = 5
_NINETY = 1.6449

Kind = tuple[str, str]


class _Sum(NamedTuple):
    """Tasks of some kinds: what they cost, and would have at the baseline, in nano-dollars."""

    tasks: int
    spent: int
    baseline: int
    variance: float


def savings(
    groups: Sequence[OutcomeGroup],
    *,
    tasks: Sequence[Answered],
    baseline: ModelInfo | None,
    now: datetime,
) -> Savings:
    """Compare what the tasks of a span of time cost with always using `baseline`.

    Where nothing was run, or all of it was given up, no baseline is named or its price is unknown,
    `reason` says so.
    """
    if baseline is None:
        return Savings(reason="no baseline model is named")
    if not any(one.tasks for one in tasks):
        reason = "every task was given up" if tasks else "nothing was run through the router"
        return Savings(reason=reason, baseline=baseline.name)
    spent = _spent(groups)
    own = {_kind(group): group for group in groups if group.model == baseline.name}
    observed: list[_Sum] = []
    estimated: list[_Sum] = []
    for one in tasks:
        group, paid = own.get(_kind(one)), spent.get(_kind(one), 0)
        if group is not None and group.priced >= LEAST_CALLS:
            observed.append(_from_outcomes(one, group=group, spent=paid))
        elif (price := _price(one, baseline=baseline, now=now)) is not None:
            estimated.append(_Sum(one.tasks, paid, price, 0.0))
    if not observed and not estimated:
        return Savings(reason=f"the price of {baseline.name} is unknown", baseline=baseline.name)
    return _compared(observed, estimated, name=baseline.name, overhead=_overhead(groups, tasks))


def _compared(
    observed: Sequence[_Sum], estimated: Sequence[_Sum], *, name: str, overhead: int
) -> Savings:
    whole = _total([*observed, *estimated])
    saved = whole.baseline - whole.spent
    return Savings(
        baseline=name,
        tasks=whole.tasks,
        spent_usd=to_usd(whole.spent),
        baseline_usd=to_usd(whole.baseline),
        saved_usd=to_usd(saved),
        overhead_usd=to_usd(overhead),
        return_on_overhead=saved / overhead if overhead else None,
        observed=_part(observed, ranged=True),
        estimated=_part(estimated, ranged=False),
    )


def _from_outcomes(one: Answered, *, group: OutcomeGroup, spent: int) -> _Sum:
    mean = group.cost / group.priced
    squares = group.cost_squares - group.priced * mean**2
    variance = max(0.0, squares) / (group.priced - 1)
    spread = one.tasks**2 * variance / group.priced + one.tasks * variance
    return _Sum(one.tasks, spent, _share(group.cost, one.tasks, of=group.priced), spread)


def _price(one: Answered, *, baseline: ModelInfo, now: datetime) -> int | None:
    if not one.answers:
        # Paid for in vain by every model tried; the baseline is not charged for it.
        return 0
    # The mean, not the sum: the size of a request decides on the tier of its price.
    usage = Buckets(*(_share(tokens, 1, of=one.answers) for tokens in one[4:]))
    cost = cost_of(baseline, usage, now=now)
    return None if cost is None else sum(cost) * one.tasks


def _share(total: int, times: int, *, of: int) -> int:
    return (2 * total * times + of) // (2 * of)


def _spent(groups: Iterable[OutcomeGroup]) -> dict[Kind, int]:
    spent: dict[Kind, int] = {}
    for group in groups:
        paid = group.cost + group.judging_cost
        spent[_kind(group)] = spent.get(_kind(group), 0) + paid
    return spent


def _overhead(groups: Iterable[OutcomeGroup], tasks: Iterable[Answered]) -> int:
    run = {_kind(one) for one in tasks}
    return sum(one.failed_cost + one.judging_cost for one in groups if _kind(one) in run)


def _kind(one: OutcomeGroup | Answered) -> Kind:
    return one.task_type, one.complexity


def _total(sums: Iterable[_Sum]) -> _Sum:
    tasks, spent, baseline, variance = zip(*sums, strict=True)
    return _Sum(sum(tasks), sum(spent), sum(baseline), math.fsum(variance))


def _part(sums: Sequence[_Sum], *, ranged: bool) -> SavedPart | None:
    if not sums:
        return None
    whole = _total(sums)
    saved = whole.baseline - whole.spent
    reach = round(_NINETY * math.sqrt(whole.variance))
    return SavedPart(
        tasks=whole.tasks,
        spent_usd=to_usd(whole.spent),
        baseline_usd=to_usd(whole.baseline),
        saved_usd=to_usd(saved),
        low_usd=to_usd(saved - reach) if ranged else None,
        high_usd=to_usd(saved + reach) if ranged else None,
    )
