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
from mcp_router.experiments.tally import Tally, by_score, rate, results

Metric = Literal["success", "score", "cost"]


class Rules(NamedTuple):
    """When an experiment ends and when an arm must stop; money in USD, None means no limit.

    `alpha` is the chance of a false claim over the whole life of the experiment, all arms and
    measures together. Success rates, or mean scores where `metric` says so, closer than `margin`
    count as the same; where it is cost, an arm wins only by being cheaper and no worse. There is
    no verdict before every arm has `least` outcomes. An arm stops when it surely fails more often
    than `max_failure_rate`, surely succeeds less often than the control (by the margin, where
    cost decides), has spent `allowance`, or surely costs more than `max_mean_cost` per call or
    than `max_cost_ratio` times the control.
    """

    alpha: float = 0.05
    margin: float = 0.05
    metric: Metric = "success"
    least: int = 0
    max_failure_rate: float | None = None
    allowance: float | None = None
    max_mean_cost: float | None = None
    max_cost_ratio: float | None = None


DEFAULT = Rules()


class Comparison(NamedTuple):
    """One arm against another: success rate, mean cost in USD and mean score, `arm` minus `other`.

    `cost` and `score` are None while too few are known.
    """

    arm: str
    other: str
    success: Interval
    cost: Interval | None
    score: Interval | None = None


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
    cost; where each has one of the two, the cheaper one does. Outcomes must be independent: count a
    unit that calls often once, or accept that its outcomes are taken for those of many.
    """
    pairs = _compared(tallies, alpha=rules.alpha)
    ripe = all(results(tally) >= rules.least for tally in tallies)
    for tally in tallies if ripe else ():
        duels = duels_of(tally.arm, pairs)
        if duels and all(_beats(duel, rules) for duel in duels):
            return Verdict("winner", tally.arm, pairs, _praise(tally.arm, duels, rules))
    if ripe and pairs and all(_alike(pair, rules) for pair in pairs):
        reason = f"{_measured(rules)} differ by less than {rules.margin:.0%}"
        return Verdict("same", None, pairs, reason)
    counts = ", ".join(f"{t.arm} {t.successes}/{results(t)}" for t in tallies)
    return Verdict("running", None, pairs, f"nothing is certain yet ({counts})")


def duels_of(arm: str, pairs: Sequence[Comparison]) -> list[Comparison]:
    """List the comparisons of one arm with each other one, seen from its side."""
    both = [*pairs, *map(_reversed, pairs)]
    return [pair for pair in both if pair.arm == arm]


def measure(pair: Comparison, rules: Rules) -> Interval | None:
    """Return the difference that decides how good an arm is; None while too little is known."""
    return pair.score if rules.metric == "score" else pair.success


def stops(tallies: Sequence[Tally], *, control: str, rules: Rules = DEFAULT) -> tuple[Stop, ...]:
    """Name the arms that must stop now, with the first reason for each."""
    base = next((tally for tally in tallies if tally.arm == control), None)
    # Each arm has four ways to be stopped by chance.
    alpha = rules.alpha / max(1, 4 * len(tallies))
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
    if control is not None and control.arm != tally.arm:
        yield from _against(tally, control, rules, alpha)


def _against(tally: Tally, control: Tally, rules: Rules, alpha: float) -> Iterator[str]:
    if rules.max_cost_ratio is not None:
        ours, theirs = (cost_interval(one, alpha=alpha / 2) for one in (tally, control))
        if ours and theirs and ours.low > rules.max_cost_ratio * theirs.high:
            yield f"it costs {rules.max_cost_ratio:g} times as much as {control.arm} or more"
    # The test is quick where the interval is not, and excludes zero exactly when that does.
    if equality_evidence(_pair(tally), _pair(control)) > -math.log(alpha):
        apart = difference_interval(_pair(tally), _pair(control), alpha=alpha)
        if apart.high < (-rules.margin if rules.metric == "cost" else 0):
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
            cost_difference(by_score(one), by_score(other), alpha=each),
        )
        for one, other in pairs
    )


def _reversed(pair: Comparison) -> Comparison:
    cost = None if pair.cost is None else _turned(pair.cost)
    score = None if pair.score is None else _turned(pair.score)
    return Comparison(pair.other, pair.arm, _turned(pair.success), cost, score)


def _turned(interval: Interval) -> Interval:
    return Interval(-interval.high, -interval.low)


def _beats(duel: Comparison, rules: Rules) -> bool:
    better = measure(duel, rules)
    if better is not None and better.low > 0 and rules.metric != "cost":
        # What is better by less than the margin counts as the same, and then the cheaper one wins.
        return not _undercuts(_reversed(duel), rules)
    return _undercuts(duel, rules)


def _undercuts(duel: Comparison, rules: Rules) -> bool:
    """Tell whether an arm is surely cheaper than the other, and surely no worse by the margin."""
    better = measure(duel, rules)
    if better is None or duel.cost is None:
        return False
    return better.low > -rules.margin and duel.cost.high < 0


def _alike(pair: Comparison, rules: Rules) -> bool:
    apart = measure(pair, rules)
    if apart is None or (rules.metric == "cost" and pair.cost is None):
        return False
    return -rules.margin < apart.low and apart.high < rules.margin


def _praise(arm: str, duels: Sequence[Comparison], rules: Rules) -> str:
    closest = min(duels, key=lambda duel: (measure(duel, rules) or duel.success).low)
    least = (measure(closest, rules) or closest.success).low
    if least > 0:
        verb = "scores higher" if rules.metric == "score" else "succeeds more often"
        return f"{arm} {verb} than {closest.other}, by {least:.1%} or more"
    return f"{arm} costs less than {closest.other} and is no worse"


def _measured(rules: Rules) -> str:
    return "mean scores" if rules.metric == "score" else "success rates"


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
