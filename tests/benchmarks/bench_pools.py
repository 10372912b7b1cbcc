"""Measures what learnt choices are worth in random pools of the models of recorded outcomes.

    python tests/benchmarks/bench_pools.py [--outcomes FILE.jsonl --prices P.json] [--pools 12]

Files are as `mcp-router eval` reads them; without one it takes the bundled sample. One pool tells
little of how near to the best single model a trade-off ends: each of several sizes is drawn several
times, and each pool is halved in three ways. A model is predicted without the others, so that what
a half teaches is learnt once for all pools of it. Prints the share that ends within a point of the
best single model, and the means.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.evaluation.expected import expected, usual
from mcp_router.evaluation.halves import split
from mcp_router.evaluation.outcomes import Judged, outcomes, read_rows
from mcp_router.evaluation.policies import aim, best_single, chosen, point
from mcp_router.evaluation.prices import read_prices
from mcp_router.evaluation.sample import SAMPLES, read_sample
from mcp_router.evaluation.trial import EQUAL
from mcp_router.learning.learner import chances, foretell, learn, unseen
from mcp_router.learning.trade import Weighed, by_trade, cheapest_equal

SIZES = (3, 5, 8, 12)
SPLITS = 3
START = 0.5

Figures = Mapping[str, float]


class Foreseen(NamedTuple):
    """A request, what its models are predicted to score, and what they are expected to cost."""

    request: Judged
    predicted: Figures
    costs: Figures

    def within(self, pool: Sequence[str]) -> Foreseen:
        """Leave out all models but those of a pool."""
        case = self.request.case
        request = self.request._replace(
            case=case._replace(scores=_of(case.scores, pool)),
            costs=_of(self.request.costs, pool),
        )
        return Foreseen(request, _of(self.predicted, pool), _of(self.costs, pool))


class Half(NamedTuple):
    """What taught, each request predicted by the others, and what is decided by it."""

    taught_by: list[Foreseen]
    decided: list[Foreseen]


class Ended(NamedTuple):
    """Where a pool ended in one way to halve it: the share saved, and the mean score gained."""

    saved: float
    gained: float


def halves(requests: Sequence[Judged], *, rng: random.Random) -> tuple[Half, Half]:
    """Halve the requests, and let each half teach the other."""
    first, second = ([requests[at] for at in places] for places in split(requests, rng=rng))
    return _taught(first, taught_by=second), _taught(second, taught_by=first)


def ended(pair: tuple[Half, Half], *, pool: Sequence[str]) -> Ended:
    """Decide both halves within a pool, beside the single model that is best on all of them."""
    decided, costs, scores = list[Judged](), 0.0, 0.0
    for half in pair:
        told = [one.within(pool) for one in half.taught_by]
        asked = [one.within(pool) for one in half.decided]
        best = aim([one.request for one in told])
        weighed = [Weighed(one.predicted, one.costs, one.request.case.scores) for one in told]
        unit = fmean(one.request.costs[best] for one in told)
        trade = cheapest_equal(weighed, best=best, unit=unit)
        for one in asked:
            model = best if trade is None else by_trade(one.predicted, one.costs, trade=trade)
            costs += one.request.costs[model]
            scores += one.request.case.scores[model]
        decided += [one.request for one in asked]
    single = point(chosen(decided, [best_single(decided)] * len(decided)))
    n = len(decided)
    return Ended(1 - costs / n / single.cost, scores / n - single.quality)


def main() -> int:
    """Print the figures of each size of pool, and of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=Path)
    parser.add_argument("--prices", type=Path)
    parser.add_argument("--pools", type=int, default=12)
    parser.add_argument("--seed", type=int, default=77)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    if options.outcomes and options.prices:
        found = outcomes(read_rows(options.outcomes), rates=read_prices(options.prices))
    else:
        sample = read_sample(SAMPLES[0])
        found = outcomes(sample.rows, rates=sample.rates)
    pairs = [halves(found.requests, rng=rng) for _ in range(SPLITS)]
    every: list[Ended] = []
    for size in (size for size in SIZES if size < len(found.models)):
        pools = [rng.sample(found.models, size) for _ in range(options.pools)]
        here = [ended(pair, pool=pool) for pool in pools for pair in pairs]
        _tell(f"{size} models", here)
        every += here
    _tell("all", every)
    return 0


def _tell(what: str, found: Sequence[Ended]) -> None:
    near = fmean(one.gained >= -EQUAL for one in found)
    saved, gained = fmean(one.saved for one in found), fmean(one.gained for one in found)
    print(
        f"{what:10} {len(found):4} halvings: {near:.0%} within a point,"
        f" saved {saved:.1%} at {100 * gained:+.2f} points",
        flush=True,
    )


def _taught(requests: Sequence[Judged], *, taught_by: Sequence[Judged]) -> Half:
    cases = [one.case for one in taught_by]
    starts = dict.fromkeys(taught_by[0].costs, START)
    told = foretell(cases, starts=starts)
    learner = learn(cases, starts=starts, told=told)
    costs = partial(expected, usual(taught_by), groups=learner.groups)
    blind = unseen(cases, learner=learner, told=told)
    return Half(
        list(map(Foreseen, taught_by, blind, map(costs, cases))),
        [
            Foreseen(one, chances(learner, one.case._replace(group="")), costs(one.case))
            for one in requests
        ],
    )


def _of(values: Figures, pool: Sequence[str]) -> dict[str, float]:
    return {model: values[model] for model in pool}


if __name__ == "__main__":
    sys.exit(main())
