"""What was seen in one arm of an experiment, as running sums."""

from __future__ import annotations

import math
from typing import NamedTuple


class Tally(NamedTuple):
    """Counts of one arm; add to it with `added`.

    `priced` calls of known cost have the sum `cost` and the sum of squares `cost_squares`, in USD;
    an unknown cost is in no sum.
    """

    arm: str
    successes: int = 0
    failures: int = 0
    priced: int = 0
    cost: float = 0.0
    cost_squares: float = 0.0


def added(tally: Tally, *, ok: bool, cost_usd: float | None) -> Tally:
    """Return the tally with one more outcome."""
    priced = cost_usd is not None
    cost = cost_usd or 0.0
    return tally._replace(
        successes=tally.successes + ok,
        failures=tally.failures + (not ok),
        priced=tally.priced + priced,
        cost=tally.cost + cost,
        cost_squares=tally.cost_squares + cost * cost,
    )


def rate(tally: Tally) -> float | None:
    """Return the share of successes; None without outcomes."""
    calls = tally.successes + tally.failures
    return tally.successes / calls if calls else None


def mean_cost(tally: Tally) -> float | None:
    """Return the mean cost in USD; None where none is known."""
    return tally.cost / tally.priced if tally.priced else None


def cost_variance(tally: Tally) -> float:
    """Return the unbiased variance of the cost; infinite for fewer than two."""
    if tally.priced < 2:
        return math.inf
    mean = tally.cost / tally.priced
    # Rounding can leave a hair below zero where all costs are equal.
    return max(0.0, tally.cost_squares - tally.priced * mean * mean) / (tally.priced - 1)
