"""What an experiment has shown so far, and which arms must stop; may be asked after every call."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from mcp_router.experiments.means import cost_difference, cost_interval
from mcp_router.experiments.proportions import (
    Interval,
    difference_interval,
    equality_evidence,
    rate_interval,
)
from mcp_router.experiments.tally import Tally, rate


class Rules(NamedTuple):
    """When an experiment ends and when an arm must stop; money in USD, None means no limit.

    `alpha` is the chance of a false claim over the whole life of the experiment, all arms and
    measures together. Success rates closer than `margin` count as the same. An arm stops when it
    surely fails more often than `max_failure_rate`, surely succeeds less often than the control,
    has spent `allowance`, or surely costs more than `max_mean_cost` per call.
    """

    alpha: float = 0.05
    margin: float = 0.05
    max_failure_rate: float | None = None
    allowance: float | None = None
    max_mean_cost: float | None = None


DEFAULT = Rules()


class Comparison(NamedTuple):
    """One arm against another: success rate and mean cost in USD of `arm` minus `other`.

    `cost` is None while too few costs are known.
    """

    arm: str
    other: str
    success: Interval
    cost: Interval | None


class Stop(NamedTuple):
    """An arm that must get no more traffic, and why."""

    arm: str
    reason: str


class Verdict(NamedTuple):
    """The state of an experiment: running, a `winner`, or the same within the margin."""

    state: Literal["running", "winner", "same"]
    winner: str | None
    comparisons: tuple[Comparison, ...]
    reason: str


def verdict(tallies: Sequence[Tally], *, rules: Rules = DEFAULT) -> Verdict:
    """Say what is certain by now: who wins, that all are the same, or nothing yet.

    An arm beats another with a higher success rate, or, being no worse by the margin, with a lower
    cost. Outcomes must be independent: count a unit that calls often once, or accept that its
    outcomes are taken for those of many.
    """
    pairs = _compared(tallies, alpha=rules.alpha)
    both = [*pairs, *map(_reversed, pairs)]
    for tally in tallies:
        duels = [pair for pair in both if pair.arm == tally.arm]
        if duels and all(_beats(duel, rules.margin) for duel in duels):
            return Verdict("winner", tally.arm, pairs, _praise(tally.arm, duels))
    if pairs and all(_alike(pair, rules.margin) for pair in pairs):
        reason = f"success rates differ by less than {rules.margin:.0%}"
        return Verdict("same", None, pairs, reason)
    counts = ", ".join(f"{t.arm} {t.successes}/{t.successes + t.failures}" for t in tallies)
    return Verdict("running", None, pairs, f"nothing is certain yet ({counts})")


def stops(tallies: Sequence[Tally], *, control: str, rules: Rules = DEFAULT) -> tuple[Stop, ...]:
    """Name the arms that must stop now, with the first reason for each."""
    base = next((tally for tally in tallies if tally.arm == control), None)
    # Each arm has three ways to be stopped by chance.
    alpha = rules.alpha / max(1, 3 * len(tallies))
    found = ((t.arm, next(_reasons(t, base, rules, alpha), "")) for t in tallies)
    return tuple(Stop(arm, reason) for arm, reason in found if reason)


def _reasons(tally: Tally, control: Tally | None, rules: Rules, alpha: float) -> Iterator[str]:
    if rules.allowance is not None and tally.cost >= rules.allowance:
        yield f"it has spent its allowance of ${rules.allowance:g}"
    if rules.max_failure_rate is not None:
        failing = rate_interval(tally.failures, tally.successes, alpha=alpha).low
        if failing > rules.max_failure_rate:
            yield f"it fails in {failing:.0%} of calls or more"
    if rules.max_mean_cost is not None:
        costs = cost_interval(tally, alpha=alpha)
        if costs is not None and costs.low > rules.max_mean_cost:
            yield f"it costs ${costs.low:.4g} per call or more"
    if control is None or control.arm == tally.arm:
        return
    # The test is quick where the interval is not, and excludes zero exactly when that does.
    if equality_evidence(_pair(tally), _pair(control)) > -math.log(alpha):
        apart = difference_interval(_pair(tally), _pair(control), alpha=alpha)
        if apart.high < 0:
            yield f"it succeeds less often than {control.arm}, by {-apart.high:.1%} or more"


def _compared(tallies: Sequence[Tally], *, alpha: float) -> tuple[Comparison, ...]:
    pairs = list(combinations(tallies, 2))
    # Bonferroni over all pairs, and over success and cost.
    each = alpha / max(1, 2 * len(pairs))
    return tuple(
        Comparison(
            one.arm,
            other.arm,
            difference_interval(_pair(one), _pair(other), alpha=each),
            cost_difference(one, other, alpha=each),
        )
        for one, other in pairs
    )


def _reversed(pair: Comparison) -> Comparison:
    cost = None if pair.cost is None else Interval(-pair.cost.high, -pair.cost.low)
    success = Interval(-pair.success.high, -pair.success.low)
    return Comparison(pair.other, pair.arm, success, cost)


def _beats(duel: Comparison, margin: float) -> bool:
    if duel.success.low > 0:
        return True
    return duel.success.low > -margin and duel.cost is not None and duel.cost.high < 0


def _alike(pair: Comparison, margin: float) -> bool:
    return -margin < pair.success.low and pair.success.high < margin


def _praise(arm: str, duels: Sequence[Comparison]) -> str:
    closest = min(duels, key=lambda duel: duel.success.low)
    if closest.success.low > 0:
        return (
            f"{arm} succeeds more often than {closest.other}, by {closest.success.low:.1%} or more"
        )
    return f"{arm} costs less than {closest.other} and is no worse"


def _pair(tally: Tally) -> tuple[int, int]:
    return tally.successes, tally.failures


def success_rates(tallies: Sequence[Tally], *, alpha: float = 0.05) -> dict[str, Interval]:
    """Bound the success rate of each arm, for a report; together they hold with 1 - alpha."""
    each = alpha / max(1, len(tallies))
    return {
        tally.arm: rate_interval(tally.successes, tally.failures, alpha=each)
        for tally in tallies
        if rate(tally) is not None
    }
