"""How well an order by predicted need shares requests between a weak and a strong model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from mcp_router.evaluation.metrics import apgr, cpt, sharing_curve
from mcp_router.evaluation.outcomes import Judged
from mcp_router.evaluation.policies import best_single, cheapest
from mcp_router.evaluation.splits import Split


class PairLine(NamedTuple):
    """The figures of one pair, by the learner's order and by length; None: there is no gap."""

    weak: str
    strong: str
    apgr: float | None
    apgr_by_length: float | None
    cpt_50: float | None
    cpt_80: float | None


def usual_pair(requests: Sequence[Judged]) -> tuple[str, str]:
    """Take the best single model as the strong one, and the cheapest of the others as the weak."""
    strong = best_single(requests)
    rest = [
        one._replace(costs={name: usd for name, usd in one.costs.items() if name != strong})
        for one in requests
    ]
    return strong, cheapest(rest)


def pair_line(found: Sequence[Split], pair: tuple[str, str]) -> PairLine:
    """Order the requests of all splits by how much better the strong model is predicted to be."""
    strong, weak = pair
    halves = [*chain(*(one.halves for one in found))]
    requests = [*chain(*(half.requests for half in halves))]
    predicted = [*chain(*(half.predicted for half in halves))]
    lows = [one.case.scores[weak] for one in requests]
    highs = [one.case.scores[strong] for one in requests]
    curve = sharing_curve([one[strong] - one[weak] for one in predicted], lows, highs)
    by_words = sharing_curve([one.case.words for one in requests], lows, highs)
    return PairLine(
        weak, strong, apgr(curve), apgr(by_words), cpt(curve, share=0.5), cpt(curve, share=0.8)
    )
