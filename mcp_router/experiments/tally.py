"""What was seen in one arm of an experiment, as running sums."""

from __future__ import annotations

import math
from typing import NamedTuple


class Tally(NamedTuple):
    """Counts of one arm; add to it with `added`.

    `priced` calls of known cost have the sum `cost` and the sum of squares `cost_squares`, in USD;
    an unknown cost is in no sum. `scored` calls have scores from 0 to 1, summed likewise.
    """

    arm: str
    successes: int = 0
    failures: int = 0
    priced: int = 0
    cost: float = 0.0
    cost_squares: float = 0.0
    scored: int = 0
    score: float = 0.0
    score_squares: float = 0.0


def added(tally: Tally, *, ok: bool, cost_usd: float | None, score: float | None = None) -> Tally:
    """Return the tally with one more outcome."""
    given = score or 0.0
    priced = cost_usd is not None
    cost = cost_usd or 0.0
    return tally._replace(
        successes=tally.successes + ok,
        failures=tally.failures + (not ok),
        priced=tally.priced + priced,
        cost=tally.cost + cost,
        cost_squares=tally.cost_squares + cost * cost,
        scored=tally.scored + (score is not None),
        score=tally.score + given,
        score_squares=tally.score_squares + given * given,
    )


def results(tally: Tally) -> int:
    """Return how many outcomes were counted."""
    return tally.successes + tally.failures


def by_score(tally: Tally) -> Tally:
    """Return a tally whose costs are the scores, for what compares means of costs."""
    return tally._replace(priced=tally.scored, cost=tally.score, cost_squares=tally.score_squares)


def grown(tally: Tally, *, by: float) -> Tally:
    """Return what a tally would be with so many times its outcomes and nothing else changed."""
    priced, scored = round(tally.priced * by), round(tally.scored * by)
    costs = priced / tally.priced if tally.priced else 0.0
    scores = scored / tally.scored if tally.scored else 0.0
    return Tally(
        tally.arm,
        round(tally.successes * by),
        round(tally.failures * by),
        priced,
        tally.cost * costs,
        tally.cost_squares * costs,
        scored,
        tally.score * scores,
        tally.score_squares * scores,
    )


def rate(tally: Tally) -> float | None:
    """Return the share of successes; None without outcomes."""
    calls = results(tally)
    return tally.successes / calls if calls else None


def mean_score(tally: Tally) -> float | None:
    """Return the mean score; None without any."""
    return tally.score / tally.scored if tally.scored else None


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
