"""Measures safe learning: simulated years, recorded outcomes, and what learning costs in time.

    python tests/benchmarks/bench_learning.py [--seeds 20] [--outcomes FILE.jsonl --prices P.json]

Points of quality and share of money saved, beside the best single model; the bound is that the
learner never ends more than a point below it. FILE is as `mcp-router eval` reads it.
"""

from __future__ import annotations

import argparse
import random
import sys
import timeit
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.evaluation.outcomes import Judged, outcomes, read_rows
from mcp_router.evaluation.policies import best_single as best_of
from mcp_router.evaluation.prices import read_prices
from mcp_router.learning.pairs import learn_pairs
from mcp_router.routing.sketch import packed, sketch
from mcp_router.types import Message, Request
from tests.learning.streams import (
    STARTS,
    Ask,
    SafeLearner,
    always,
    at_random,
    best_single,
    oracle,
    run_safe,
    spent,
    year,
)
from tests.learning.test_pairs import judged

BOUND = -1.0
STEPS = (400, 800, 1_600, 3_200)

Taken = Sequence[tuple[str, Ask]]


def beside(taken: Taken, usual: Taken) -> tuple[float, float]:
    """Return points of quality and percent of money saved beside the best single model."""
    one, other = spent(taken), spent(usual)
    return 100 * (one.quality - other.quality), 100 * (1 - one.cost / other.cost)


def years(seeds: int) -> bool:
    """Print simulated years; False where one is out of bounds."""
    rows: dict[str, list[tuple[float, float]]] = {"safe learner": [], "oracle": [], "random": []}
    for seed in range(seeds):
        stream = year(seed=seed)
        single = best_single(stream)
        usual = always(stream, single)
        learner = SafeLearner(STARTS, usual=single)
        rows["safe learner"].append(beside(run_safe(stream, learner, seed=seed), usual))
        rows["oracle"].append(beside(oracle(stream, single=single), usual))
        rows["random"].append(beside(at_random(stream, seed=seed), usual))
    print(f"{seeds} simulated years of about 9,300 requests, half of them judged")
    for name, found in rows.items():
        points, saved = [one[0] for one in found], [one[1] for one in found]
        print(
            f"  {name:<13} {fmean(points):+6.2f} points (worst {min(points):+6.2f}),"
            f" saved {fmean(saved):5.1f} % ({min(saved):.1f} to {max(saved):.1f})"
        )
    return min(one[0] for one in rows["safe learner"]) >= BOUND


def replay(requests: Sequence[Judged], *, seed: int) -> list[tuple[float, float]]:
    """Learn on a shuffled stream; a fifth of it is the public evidence that priors come from."""
    rng = random.Random(seed)
    shuffled = list(requests)
    rng.shuffle(shuffled)
    cut = max(200, len(shuffled) // 5)
    known, rest = shuffled[:cut], shuffled[cut:]
    models = list(requests[0].costs)
    starts = {one: fmean(own.case.scores[one] for own in known) for one in models}
    expected = {one: fmean(own.costs[one] for own in known) for one in models}
    single = best_of(known)
    wanted = (rest * (STEPS[-1] // len(rest) + 1))[: STEPS[-1]]
    stream = [Ask(0.0, one.case.group, one.case.scores, expected) for one in wanted]
    taken = run_safe(stream, SafeLearner(starts, usual=single), seed=seed)
    priced = [
        (model, ask._replace(costs=one.costs))
        for (model, ask), one in zip(taken, wanted, strict=True)
    ]
    usual = [(single, ask) for _, ask in priced]
    return [beside(priced[:step], usual[:step]) for step in STEPS]


def recorded(path: Path, prices: Path, *, seeds: int) -> bool:
    """Print what is learnt from recorded outcomes; False where an end is out of bounds."""
    found = outcomes(read_rows(path), rates=read_prices(prices))
    runs = [replay(found.requests, seed=seed) for seed in range(seeds)]
    print(f"{path.name}: {len(found.requests):,} requests, {len(found.models)} models")
    for at, step in enumerate(STEPS):
        points, saved = [run[at][0] for run in runs], [run[at][1] for run in runs]
        print(
            f"  after {step:>5,}   {fmean(points):+6.2f} points (worst {min(points):+6.2f}),"
            f" saved {fmean(saved):5.1f} %"
        )
    return min(run[-1][0] for run in runs) >= BOUND


def timings() -> None:
    """Print what learning takes: a sketch with each decision, and a fit now and then."""
    text = " ".join(f"word{n}" for n in range(170))
    request = Request(messages=(Message(role="user", content=text),))
    drawn = min(timeit.repeat(lambda: packed(sketch(request)), number=200, repeat=5)) / 200
    size = len(packed(sketch(request)))
    print(f"sketch of 1 KB: {drawn * 1e6:.0f} us, {size} bytes kept with a decision")
    for n in (100, 300, 600):
        cases = judged(n)
        took = min(timeit.repeat(lambda kept=cases: learn_pairs(kept), number=1, repeat=3))
        print(f"fit of a pair from {n} judged answers: {took * 1e3:.0f} ms")


def main() -> int:
    """Measure, and return 1 where the learner is out of its bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--outcomes", type=Path)
    parser.add_argument("--prices", type=Path)
    options = parser.parse_args()
    within = years(options.seeds)
    if options.outcomes and options.prices:
        within &= recorded(options.outcomes, options.prices, seeds=options.seeds)
    timings()
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
