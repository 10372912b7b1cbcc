"""Success rates under constant watching: intervals and tests that hold at every moment at once.

For n outcomes of a coin with chance p, the Beta-Bernoulli mixture over all other chances divided by
the likelihood of p is a martingale, and by Ville's inequality it exceeds 1/alpha, ever, with chance
alpha at most. So the p where it stays below form an interval that may be looked at after every
outcome; no sample size is fixed, and no outcome is too few. Two arms multiply. Sources: Robbins
(1970); Howard, Ramdas, McAuliffe, Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic
confidence sequences"; Ramdas, Gruenwald, Vovk, Shafer (2023), "Game-theoretic statistics and safe
anytime-valid inference".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

# Jeffreys' prior: tight near 0 and 1, where success rates lie.
_PRIOR = 0.5
_STEPS = 40


class Interval(NamedTuple):
    """Where a value lies with the confidence that was asked for."""

    low: float
    high: float


def rate_interval(successes: int, failures: int, *, alpha: float = 0.05) -> Interval:
    """Bound a success rate so that at no moment, with chance 1 - alpha, it lies outside."""
    seen, limit = (successes, failures), -math.log(alpha)
    return Interval(_edge(seen, limit, end=0.0), _edge(seen, limit, end=1.0))


def equality_evidence(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Weigh the evidence against two arms having the same success rate, as a natural logarithm.

    Arms are (successes, failures). The chance that it ever exceeds -log(alpha) while the rates are
    equal is alpha at most, however often one looks: the infimum over the common rate, reached at
    the pooled one, of the product of both martingales.
    """
    successes, failures = one[0] + other[0], one[1] + other[1]
    pooled = successes / (successes + failures) if successes + failures else 0.5
    return _evidence(*one, pooled) + _evidence(*other, pooled)


def difference_interval(
    one: tuple[int, int], other: tuple[int, int], *, alpha: float = 0.05
) -> Interval:
    """Bound the success rate of `one` minus that of `other`, valid at every moment at once.

    The projection of the joint set in which the product of both martingales stays below 1/alpha:
    the evidence allowed is split between the arms in the way that reaches furthest.
    """
    limit = -math.log(alpha)

    def furthest(first: tuple[int, int], second: tuple[int, int]) -> float:
        floors = _least(*first), _least(*second)
        room = limit - sum(floors)

        def reach(share: float) -> float:
            high = _edge(first, floors[0] + share * room, end=1.0)
            return high - _edge(second, floors[1] + (1 - share) * room, end=0.0)

        return _highest(reach)

    return Interval(-furthest(other, one), furthest(one, other))


def _evidence(successes: int, failures: int, chance: float) -> float:
    """Compute the logarithm of the martingale of one arm at a chance."""
    mixture = _log_beta(_PRIOR + successes, _PRIOR + failures) - _log_beta(_PRIOR, _PRIOR)
    return mixture - _times_log(successes, chance) - _times_log(failures, 1.0 - chance)


def _least(successes: int, failures: int) -> float:
    total = successes + failures
    return _evidence(successes, failures, successes / total) if total else 0.0


def _edge(seen: tuple[int, int], limit: float, *, end: float) -> float:
    """Find how far towards `end` (0 or 1) the evidence stays within the limit; it is convex."""
    total = sum(seen)
    if not total or _evidence(*seen, end) <= limit:
        return end
    inside, outside = seen[0] / total, end
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if _evidence(*seen, middle) <= limit:
            inside = middle
        else:
            outside = middle
    return outside


def _highest(function: Callable[[float], float]) -> float:
    """Find the maximum of a concave function on 0..1 by golden sections."""
    ratio = (math.sqrt(5) - 1) / 2
    low, high = 0.0, 1.0
    left, right = high - ratio, ratio
    at_left, at_right = function(left), function(right)
    best = max(function(0.0), function(1.0), at_left, at_right)
    for _ in range(25):
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
        best = max(best, at_left, at_right)
    return best


def _times_log(count: int, chance: float) -> float:
    if not count:
        return 0.0
    return count * math.log(chance) if chance > 0.0 else -math.inf


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)
