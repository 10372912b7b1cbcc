"""What a model is expected to cost on a request, from its words and what others cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from mcp_router.evaluation.outcomes import Judged
from mcp_router.learning.groups import Groups, guess
from mcp_router.learning.learner import Case

# However short a request is, it costs this share of what the cheapest group costs.
_LEAST = 0.2


class Usual(NamedTuple):
    """What is usual: mean words and mean USD by model for each group, and for all under "".

    `slopes` are USD that each further word costs, by model.
    """

    words: Mapping[str, float]
    costs: Mapping[str, Mapping[str, float]]
    slopes: Mapping[str, float]


def usual(requests: Sequence[Judged]) -> Usual:
    """Average the costs by group, and fit by least squares what a word costs within the groups."""
    held: dict[str, list[Judged]] = {"": list(requests)}
    for one in requests:
        if one.case.group:
            held.setdefault(one.case.group, []).append(one)
    words = {group: fmean(one.case.words for one in own) for group, own in held.items()}
    costs = {
        group: {model: fmean(one.costs[model] for one in own) for model in own[0].costs}
        for group, own in held.items()
    }
    longer = [one.case.words - words[one.case.group] for one in requests]
    spread = sum(more * more for more in longer)
    slopes = {
        model: sum(
            more * (one.costs[model] - costs[one.case.group][model])
            for more, one in zip(longer, requests, strict=True)
        )
        / (spread or 1.0)
        for model in requests[0].costs
    }
    return Usual(words, costs, slopes)


def expected(known: Usual, case: Case, *, groups: Groups) -> dict[str, float]:
    """Expect the costs of the groups that the words of a request speak for, and of its length."""
    likely = guess(groups, case.buckets) or {"": 1.0}
    longer = case.words - sum(share * known.words[group] for group, share in likely.items())
    return {
        model: max(
            sum(share * known.costs[group][model] for group, share in likely.items())
            + longer * slope,
            _LEAST * min(costs[model] for costs in known.costs.values()),
        )
        for model, slope in known.slopes.items()
    }
