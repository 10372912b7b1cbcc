"""Chances of success seen through few trials: Beta posteriors, and which of two is worse."""

from __future__ import annotations

from typing import NamedTuple

from mcp_router.belief import beta, compare
from mcp_router.belief.beta import Belief
from mcp_router.reporting.values import Rate

INTERVAL = 0.90


class Trials(NamedTuple):
    """Successes, not necessarily whole, out of `of` trials."""

    successes: float
    of: int


def rate(trials: Trials) -> Rate:
    """Say how often something succeeds, with the central 90 % of its Beta(1+s, 1+f) posterior."""
    if trials.of <= 0:
        return Rate()
    believed = _believed(trials)
    value = min(1.0, max(0.0, trials.successes / trials.of))
    edge = (1 - INTERVAL) / 2
    # With all or none successful, the share seen lies outside of the central interval.
    low = min(value, beta.quantile(believed, edge))
    high = max(value, beta.quantile(believed, 1 - edge))
    return Rate(value=value, low=low, high=high, of=trials.of)


def chance_worse(challenger: Trials, *, than: Trials, by: float) -> float:
    """Return the chance that the challenger's true rate is lower by more than `by`."""
    return compare.chance_worse(_believed(challenger), than=_believed(than), by=by)


def mean(trials: Trials) -> float:
    """Return the posterior mean, (s + 1) / (n + 2)."""
    return (trials.successes + 1) / (trials.of + 2)


def _believed(trials: Trials) -> Belief:
    """Take in the trials on top of a uniform prior."""
    wins = min(max(trials.successes, 0.0), float(trials.of))
    return Belief(wins + 1, trials.of - wins + 1)
