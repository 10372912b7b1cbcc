"""A fair trial: everything is learnt and tuned on one half of the requests and scored on the other.

Each half is scored once, so that every request counts, and the halves are drawn several times.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from mcp_router.evaluation.halves import Half, always, at_random, ours
from mcp_router.evaluation.intervals import Line, compared
from mcp_router.evaluation.metrics import (
    Bin,
    Point,
    aiq,
    calibration_error,
    front,
    reliability,
)
from mcp_router.evaluation.outcomes import Judged, Outcomes
from mcp_router.evaluation.pairs import PairLine, pair_line, usual_pair
from mcp_router.evaluation.policies import (
    Choice,
    best_single,
    by_length,
    cheapest,
    choose,
    chosen,
    oracle,
    point,
)
from mcp_router.evaluation.splits import Policy, Split, Spread, averaged, splits, spread
from mcp_router.evaluation.types import Confusion, confusion
from mcp_router.learning.trade import STEPS, trades

LEARNER, BEST, RULE = "learner", "best single model", "rule"
BUILT_IN = (LEARNER, BEST, "cheapest", "random mix", "length only", "oracle")

EQUAL = 0.01
"""How far below the best single model still counts as equal quality."""

Verdict = Literal["saves", "worse", "unsure", "nothing"]


class Asked(NamedTuple):
    """What a trial is asked for.

    Attributes:
        seed: draws the halves and the samples; the same one gives the same figures.
        splits: in how many ways the requests are halved.
        policy: what the verdict is on: one of `BUILT_IN`, `RULE` or a model.
        pair: the strong and the weak model of APGR and CPT; the best and the cheapest unless said.
        rule: the model that a rule chooses for each request.
    """

    seed: int = 0
    splits: int = 1
    policy: str = LEARNER
    pair: tuple[str, str] | None = None
    rule: tuple[str, ...] = ()


_USUAL = Asked()


class Trial(NamedTuple):
    """All that a trial found.

    `lines` begin with the policy that the verdict is on. `front` and `single` are points of mean
    USD and score; `aiq` is the learner's over the costs of the pool, and that of the best mix of
    single models beside it. `latencies` are the median and 95th percentile in milliseconds by
    policy, where answers were timed.
    """

    requests: int
    best: str
    verdict: Verdict
    lines: tuple[Line, ...]
    front: tuple[Point, ...]
    single: Mapping[str, Point]
    pair: PairLine
    bins: tuple[Bin, ...]
    ece: float | None
    aiq: float | None
    aiq_single: float | None
    splits: int = 1
    spread: Spread | None = None
    types: Confusion | None = None
    latencies: Mapping[str, tuple[float, float]] = {}


def run_trial(outcomes: Outcomes, *, asked: Asked = _USUAL) -> Trial:
    """Score the policy that is asked for beside those it has to beat."""
    requests, rng = outcomes.requests, random.Random(asked.seed)  # noqa: S311 - keeps no secret
    best, weak = best_single(requests), cheapest(requests)
    found = splits(requests, count=asked.splits, weak=weak, rng=rng)
    policies = _policies(best=best, weak=weak)
    named = {name: averaged(found, one) for name, one in policies.items()}
    base = named[BEST]
    named |= _fixed(asked, requests)
    ordered = {asked.policy: named.pop(asked.policy), **named}
    lines = compared(ordered, base=base, rng=rng)
    trial = _measured(outcomes, found=found, pair=asked.pair or usual_pair(requests))
    return trial._replace(
        verdict=verdict_on(lines[0]),
        lines=lines,
        splits=asked.splits,
        spread=spread(found, policies[LEARNER], base=base),
        latencies=_latencies(ordered),
    )


def _measured(outcomes: Outcomes, *, found: Sequence[Split], pair: tuple[str, str]) -> Trial:
    """Measure everything but the policies."""
    requests = outcomes.requests
    single = {one: point(chosen(requests, [one] * len(requests))) for one in outcomes.models}
    hull = front([point(averaged(found, partial(_traded, step=at))) for at in range(STEPS + 1)])
    bins = _bins(found)
    return Trial(
        requests=len(requests),
        best=best_single(requests),
        verdict="nothing",
        lines=(),
        front=tuple(hull),
        single=single,
        pair=pair_line(found, pair),
        bins=tuple(bins),
        ece=calibration_error(bins),
        aiq=_aiq(hull, single),
        aiq_single=_aiq(front([*single.values()]), single),
        types=confusion(one.task for one in requests if one.task is not None),
    )


def verdict_on(line: Line) -> Verdict:
    """Say whether a policy saves for certain, and whether its quality is equal for certain."""
    if line.saved.low <= 0:
        return "nothing"
    if line.gained.high < 0:
        return "worse"
    return "saves" if line.gained.low >= -EQUAL else "unsure"


def _policies(*, best: str, weak: str) -> dict[str, Policy]:
    return {
        LEARNER: lambda half: ours(half, half.trade),
        BEST: lambda half: always(half, best),
        "cheapest": lambda half: always(half, weak),
        "random mix": lambda half: at_random(half, weak=weak),
        "length only": lambda half: choose(
            half.requests, by_length(half.longest, weak=weak, strong=half.best)
        ),
        "oracle": lambda half: choose(half.requests, oracle),
    }


def _fixed(asked: Asked, requests: Sequence[Judged]) -> dict[str, Choice]:
    """Choose as a rule or one model does, which learn nothing."""
    if asked.policy == RULE:
        return {RULE: chosen(requests, asked.rule)}
    if asked.policy in BUILT_IN:
        return {}
    return {asked.policy: chosen(requests, [asked.policy] * len(requests))}


def _aiq(hull: Sequence[Point], single: Mapping[str, Point]) -> float | None:
    costs = [one.cost for one in single.values()]
    return aiq(hull, low=min(costs), high=max(costs))


def _traded(half: Half, *, step: int) -> Choice:
    return ours(half, trades(half.unit)[step])


def _latencies(choices: Mapping[str, Choice]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for name, one in choices.items():
        if one.latencies:
            ordered = sorted(one.latencies)
            found[name] = (ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100])
    return found


def _bins(found: Sequence[Split]) -> list[Bin]:
    told = [
        (chance, one.case.scores[model])
        for one_split in found
        for half in one_split.halves
        for one, predicted in zip(half.requests, half.predicted, strict=True)
        for model, chance in predicted.items()
    ]
    return reliability([chance for chance, _ in told], [score for _, score in told])
