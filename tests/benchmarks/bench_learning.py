"""Measures safe learning: simulated years, recorded outcomes, and what learning costs in time.

    python tests/benchmarks/bench_learning.py [--seeds 20] [--first 0]
        [--outcomes FILE.jsonl --prices P.json]

Points of quality and share of money saved, beside the best single model; the bound is that the
learner never ends more than a point below it. FILE is as `mcp-router eval` reads it. What is known
beforehand is either the success of each model in general (all that a model's place in its line
tells), or that on each kind of work, weighed like 40 answers at most (as public evidence is).
"""

from __future__ import annotations

import argparse
import random
import sys
import timeit
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.belief.beta import Belief
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
    pooled,
    run_safe,
    spent,
    tested,
    year,
)
from tests.learning.test_pairs import judged

BOUND = -1.0
STEPS = (400, 800, 1_600, 3_200)
LATELY = 400

Taken = Sequence[tuple[str, Ask]]
Evidence = Mapping[tuple[str, str], Belief]


class Mark(NamedTuple):
    """Where a learner stands, in points and percent beside the best single model.

    `points` of quality are by the scores of the very requests and `typical` by the mean of all
    requests of their kind, which leaves their luck out; `saved` is since the start and `lately`
    over the last requests.
    """

    points: float
    typical: float
    saved: float
    lately: float


def beside(taken: Taken, usual: Taken) -> tuple[float, float]:
    """Return points of quality and percent of money saved beside the best single model."""
    one, other = spent(taken), spent(usual)
    return 100 * (one.quality - other.quality), 100 * (1 - one.cost / other.cost)


def years(seeds: range) -> bool:
    """Print simulated years; False where one is out of bounds."""
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for seed in seeds:
        stream = year(seed=seed)
        single = best_single(stream)
        usual = always(stream, single)
        for name, evidence in (("general", None), ("by task", tested(seed=seed))):
            learner = SafeLearner(STARTS, usual=single, evidence=evidence)
            rows[f"learner, {name}"].append(beside(run_safe(stream, learner, seed=seed), usual))
        rows["oracle"].append(beside(oracle(stream, single=single), usual))
        rows["random"].append(beside(at_random(stream, seed=seed), usual))
    print(f"{len(seeds)} simulated years of about 9,300 requests, half of them judged")
    for name, found in rows.items():
        points, saved = [one[0] for one in found], [one[1] for one in found]
        print(
            f"  {name:<16} {fmean(points):+6.2f} points (worst {min(points):+6.2f}),"
            f" saved {fmean(saved):5.1f} % ({min(saved):.1f} to {max(saved):.1f})"
        )
    return min(one[0] for name in rows if "learner" in name for one in rows[name]) >= BOUND


def known_by_kind(known: Sequence[Judged], starts: Mapping[str, float]) -> Evidence:
    """Return what is known of each model on each kind of work, pooled with what is in general."""
    found: dict[tuple[str, str], Belief] = {}
    for kind in {own.case.group for own in known}:
        cases = [own.case for own in known if own.case.group == kind]
        for model, start in starts.items():
            good = sum(case.scores[model] for case in cases)
            found[kind, model] = pooled(start, good=good, cases=len(cases))
    return found


def replay(requests: Sequence[Judged], *, seed: int, by_kind: bool) -> list[Mark]:
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
    evidence = known_by_kind(known, starts) if by_kind else None
    learner = SafeLearner(starts, usual=single, evidence=evidence)
    taken = [model for model, _ in run_safe(stream, learner, seed=seed)]
    typical = _means(rest)
    real = [Ask(0.0, one.case.group, one.case.scores, one.costs) for one in wanted]
    mean_ = [ask._replace(chances=typical[ask.task]) for ask in real]
    return [_mark(taken[:step], real, mean_, single=single) for step in STEPS]


def _mark(
    taken: Sequence[str], real: Sequence[Ask], typical: Sequence[Ask], *, single: str
) -> Mark:
    n, last = len(taken), len(taken) - LATELY
    points, saved = beside(list(zip(taken, real, strict=False)), always(real[:n], single))
    usual, _ = beside(list(zip(taken, typical, strict=False)), always(typical[:n], single))
    ending = list(zip(taken[last:], real[last:n], strict=True))
    return Mark(points, usual, saved, beside(ending, always(real[last:n], single))[1])


def _means(requests: Sequence[Judged]) -> dict[str, dict[str, float]]:
    kinds: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for one in requests:
        kinds[one.case.group].append(one.case.scores)
    return {
        kind: {model: fmean(one[model] for one in scores) for model in scores[0]}
        for kind, scores in kinds.items()
    }


def recorded(path: Path, prices: Path, *, seeds: range) -> bool:
    """Print what is learnt from recorded outcomes; False where an end is out of bounds."""
    found = outcomes(read_rows(path), rates=read_prices(prices))
    print(f"{path.name}: {len(found.requests):,} requests, {len(found.models)} models")
    within = [_runs(found.requests, seeds=seeds, by_kind=by_kind) for by_kind in (False, True)]
    return all(within)


def _runs(requests: Sequence[Judged], *, seeds: range, by_kind: bool) -> bool:
    runs = [replay(requests, seed=seed, by_kind=by_kind) for seed in seeds]
    print(f"  known beforehand: success {'by kind of work' if by_kind else 'in general'}")
    for at, step in enumerate(STEPS):
        marks = [run[at] for run in runs]
        points, typical = [one.points for one in marks], [one.typical for one in marks]
        print(
            f"  after {step:>5,}   {fmean(points):+6.2f} points (worst {min(points):+6.2f}),"
            f" luck aside {fmean(typical):+6.2f} (worst {min(typical):+6.2f}),"
            f" saved {fmean(one.saved for one in marks):5.1f} %,"
            f" of the last {LATELY} {fmean(one.lately for one in marks):5.1f} %"
        )
    return min(run[-1].points for run in runs) >= BOUND


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
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--outcomes", type=Path)
    parser.add_argument("--prices", type=Path)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    within = years(seeds)
    if options.outcomes and options.prices:
        within &= recorded(options.outcomes, options.prices, seeds=seeds)
    timings()
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
