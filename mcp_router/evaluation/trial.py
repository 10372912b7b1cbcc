"""A fair trial: everything is learnt and tuned on one half of the requests and scored on the other.

Each half is scored once, so that every request counts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple

from mcp_router.evaluation.halves import Half, always, at_random, decided, ours, split
from mcp_router.evaluation.intervals import Line, compared
from mcp_router.evaluation.metrics import (
    Bin,
    Point,
    aiq,
    apgr,
    calibration_error,
    cpt,
    front,
    reliability,
    sharing_curve,
)
from mcp_router.evaluation.outcomes import Judged, Outcomes
from mcp_router.evaluation.policies import (
    STEPS,
    Choice,
    best_single,
    by_length,
    cheapest,
    choose,
    oracle,
    point,
    trades,
)

OURS, BEST = "ours", "best single model"

EQUAL = 0.01
"""How far below the best single model still counts as equal quality."""

Verdict = Literal["saves", "worse", "unsure", "nothing"]


class PairLine(NamedTuple):
    """How well an order by predicted need shares requests between two models; None: no gap."""

    weak: str
    strong: str
    apgr: float | None
    apgr_by_length: float | None
    cpt_50: float | None
    cpt_80: float | None


class Trial(NamedTuple):
    """All that a trial found.

    `front` and `single` are points of mean USD and score; `aiq` is ours over the costs of the pool,
    and that of the best mix of single models beside it. `verdict` is on ours.
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


def run_trial(outcomes: Outcomes, *, seed: int = 0) -> Trial:
    """Score our policy and those it has to beat; the same seed gives the same figures."""
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    best, weak = best_single(outcomes.requests), cheapest(outcomes.requests)
    halves = _halves(outcomes.requests, weak=weak, rng=rng)
    chosen = {
        name: _joined(halves, policy) for name, policy in _policies(best=best, weak=weak).items()
    }
    lines = compared(chosen, base=chosen[BEST], rng=rng)
    single = {one: point(_single(outcomes.requests, one)) for one in outcomes.models}
    hull = front([point(_joined(halves, partial(_traded, step=at))) for at in range(STEPS + 1)])
    bins = _bins(halves)
    return Trial(
        requests=len(outcomes.requests),
        best=best,
        verdict=verdict_on(lines[0]),
        lines=lines,
        front=tuple(hull),
        single=single,
        pair=_pair(halves, weak=weak, strong=best),
        bins=tuple(bins),
        ece=calibration_error(bins),
        aiq=_aiq(hull, single),
        aiq_single=_aiq(front([*single.values()]), single),
    )


def verdict_on(line: Line) -> Verdict:
    """Say whether a policy saves for certain, and whether its quality is equal for certain."""
    if line.saved.low <= 0:
        return "nothing"
    if line.gained.high < 0:
        return "worse"
    return "saves" if line.gained.low >= -EQUAL else "unsure"


def _halves(requests: Sequence[Judged], *, weak: str, rng: random.Random) -> tuple[Half, Half]:
    first, second = split(requests, rng=rng)
    return (
        decided(first, taught_by=second, weak=weak),
        decided(second, taught_by=first, weak=weak),
    )


def _aiq(hull: Sequence[Point], single: Mapping[str, Point]) -> float | None:
    costs = [one.cost for one in single.values()]
    return aiq(hull, low=min(costs), high=max(costs))


def _policies(*, best: str, weak: str) -> dict[str, Callable[[Half], Choice]]:
    return {
        OURS: lambda half: ours(half, half.trade),
        BEST: lambda half: always(half, best),
        "cheapest": lambda half: always(half, weak),
        "random mix": lambda half: at_random(half, weak=weak),
        "length only": lambda half: choose(
            half.requests, by_length(half.longest, weak=weak, strong=half.best)
        ),
        "oracle": lambda half: choose(half.requests, oracle),
    }


def _joined(halves: Sequence[Half], policy: Callable[[Half], Choice]) -> Choice:
    parts = [policy(half) for half in halves]
    return Choice(
        tuple(chain(*(part.costs for part in parts))),
        tuple(chain(*(part.scores for part in parts))),
    )


def _traded(half: Half, *, step: int) -> Choice:
    return ours(half, trades(half.unit)[step])


def _single(requests: Sequence[Judged], model: str) -> Choice:
    return choose(requests, lambda _: model)


def _bins(halves: Sequence[Half]) -> list[Bin]:
    told = [
        (chance, one.case.scores[model])
        for half in halves
        for one, predicted in zip(half.requests, half.predicted, strict=True)
        for model, chance in predicted.items()
    ]
    return reliability([chance for chance, _ in told], [score for _, score in told])


def _pair(halves: Sequence[Half], *, weak: str, strong: str) -> PairLine:
    requests = [one for half in halves for one in half.requests]
    predicted = [one for half in halves for one in half.predicted]
    lows = [one.case.scores[weak] for one in requests]
    highs = [one.case.scores[strong] for one in requests]
    curve = sharing_curve([one[strong] - one[weak] for one in predicted], lows, highs)
    by_words = sharing_curve([one.case.words for one in requests], lows, highs)
    return PairLine(
        weak, strong, apgr(curve), apgr(by_words), cpt(curve, share=0.5), cpt(curve, share=0.8)
    )
