"""Success by group and model, pooled: a small group leans on the model's figures for all groups.

The means of an empirical Bayes estimate with fixed weights of the pools: Efron and Morris (1975),
"Data Analysis Using Stein's Estimator and its Generalizations".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mcp_router.belief.beta import Belief, after, mean, prior

GROUP_WEIGHT = 10.0
"""How many observations a model's general figure weighs within a group."""

GENERAL_WEIGHT = 20.0
"""How many observations the prior of a model weighs against all that was seen of it."""


class Seen(NamedTuple):
    """One judged answer: the kind of request, the model, a score from 0 to 1 and its weight."""

    group: str
    model: str
    score: float
    weight: float = 1.0


class Table(NamedTuple):
    """Sums of scores and of weights by model, then group; "" is all groups of a model."""

    sums: Mapping[str, Mapping[str, Belief]]


def tabulate(seen: Iterable[Seen]) -> Table:
    """Add up what was seen."""
    sums: dict[str, dict[str, Belief]] = defaultdict(dict)
    for one in seen:
        row = sums[one.model]
        for group in {"", one.group}:
            known = row.get(group, Belief(0.0, 0.0))
            good, bad = one.weight * one.score, one.weight * (1 - one.score)
            row[group] = after(known, good=good, bad=bad)
    return Table(sums)


def believed(table: Table, model: str, *, group: str, start: float) -> Belief:
    """Return the belief in a model for a group, which starts at the mean `start`."""
    row = table.sums.get(model, {})
    all_ = row.get("", Belief(0.0, 0.0))
    general = after(prior(start, weight=GENERAL_WEIGHT), good=all_.good, bad=all_.bad)
    here = row.get(group, Belief(0.0, 0.0)) if group else Belief(0.0, 0.0)
    return after(prior(mean(general), weight=GROUP_WEIGHT), good=here.good, bad=here.bad)
