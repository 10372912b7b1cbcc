"""Mean costs under constant watching: an interval for their difference, valid at every moment.

A mixture of sequential likelihood ratios over normally distributed differences, with the variances
estimated. It rests on the central limit theorem, so it says nothing before `FIRST` calls of each
arm, and holds as nearly as means of that many costs are normal. Sources: Robbins (1970); Johari,
Pekelis, Walsh (2017/2022), "Always valid inference"; Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas
(2024), "Time-uniform central limit theory and asymptotic confidence sequences".
"""

from __future__ import annotations

import math

from mcp_router.experiments.proportions import Interval
from mcp_router.experiments.tally import Tally, cost_variance

FIRST = 100
"""Costs are skewed: a few long answers make most of them."""

# The interval is tightest after so many calls of each arm, and little wider elsewhere.
_TUNED = 500


def cost_difference(one: Tally, other: Tally, *, alpha: float = 0.05) -> Interval | None:
    """Bound the mean cost in USD of `one` minus that of `other`; None while it is too early."""
    if min(one.priced, other.priced) < FIRST:
        return None
    spreads = cost_variance(one), cost_variance(other)
    variance = spreads[0] / one.priced + spreads[1] / other.priced
    apart = one.cost / one.priced - other.cost / other.priced
    return _around(apart, variance=variance, spread=sum(spreads), alpha=alpha)


def cost_interval(tally: Tally, *, alpha: float = 0.05) -> Interval | None:
    """Bound the mean cost in USD of one arm; None while it is too early."""
    if tally.priced < FIRST:
        return None
    spread = cost_variance(tally)
    middle = tally.cost / tally.priced
    return _around(middle, variance=spread / tally.priced, spread=spread, alpha=alpha)


def _around(middle: float, *, variance: float, spread: float, alpha: float) -> Interval:
    if variance <= 0.0:
        return Interval(middle, middle)
    # Optimal for `_TUNED` calls of each: Waudby-Smith et al., appendix on tuning.
    factor = -2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))
    prior = factor * spread / _TUNED
    total = variance + prior
    evidence = math.log(1 / alpha) + math.log(total / variance) / 2
    radius = math.sqrt(2 * variance * total / prior * evidence)
    return Interval(middle - radius, middle + radius)
