"""What other choices would have cost and given, estimated from those that were made.

The doubly robust estimate of Dudík, Langford and Li (2011), "Doubly Robust Policy Evaluation and
Learning", with clipped weights: right where either the model of the marks or the chances are. The
effective sample size is that of Kish (1965), "Survey Sampling".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from mcp_router.belief.beta import mean
from mcp_router.evaluation.logged import Logged
from mcp_router.evaluation.policies import Choice
from mcp_router.learning.switching import Option, part_of, plan
from mcp_router.learning.table import Seen, Table, believed, tabulate

LEAST_SIZE = 30.0
"""Below this effective sample size an estimate is not enough evidence."""

LEAST_JUDGED = 20
"""How many judged answers a model needs before a policy may choose it."""

MOST_WEIGHT = 20.0
"""How often one choice may count at most."""

_FOLDS = 5


class Known(NamedTuple):
    """What other choices taught: marks by context and model, and real cost over expected cost."""

    table: Table
    start: float
    ratios: Mapping[str, float]
    counts: Mapping[str, int]


class Estimated(NamedTuple):
    """The estimate for each choice, and how many choices it is worth; `same` were the same."""

    choice: Choice
    size: float
    same: int


Pick = Callable[[Logged, Known], str]


def estimated(rows: Sequence[Logged], pick: Pick) -> Estimated:
    """Estimate a policy that picks from what the choices of the other folds taught."""
    models = folds(rows)
    picked = [pick(row, models[at % _FOLDS]) for at, row in enumerate(rows)]
    return estimate(rows, picked, known=models)


def estimate(rows: Sequence[Logged], picked: Sequence[str], *, known: Sequence[Known]) -> Estimated:
    """Estimate one model for each choice, "" for what was chosen whatever it was.

    `known` is by fold, as `folds` gives it.
    """
    costs: list[float] = []
    scores: list[float] = []
    weights: list[float] = []
    for at, (row, model) in enumerate(zip(rows, picked, strict=True)):
        if not model:
            costs.append(row.cost)
            scores.append(row.score)
            continue
        own = known[at % _FOLDS]
        cost, score = expected_cost(row, model, known=own), expected_score(row, model, known=own)
        if model == row.model:
            weight = min(1 / row.chance, MOST_WEIGHT)
            weights.append(weight)
            cost += weight * (row.cost - cost)
            score += weight * (row.score - score)
        costs.append(cost)
        scores.append(score)
    squares = sum(weight * weight for weight in weights)
    size = sum(weights) ** 2 / squares if squares else 0.0
    if not any(picked):
        size = float(len(rows))
    return Estimated(Choice(tuple(costs), tuple(scores)), size, len(weights))


def folds(rows: Sequence[Logged]) -> list[Known]:
    """Learn for each fold from the choices of the others."""
    return [
        _learnt([row for at, row in enumerate(rows) if at % _FOLDS != fold])
        for fold in range(_FOLDS)
    ]


def expected_score(row: Logged, model: str, *, known: Known) -> float:
    """Expect the mark of a model from its marks in the same context, pooled with all others."""
    return mean(believed(known.table, model, group=row.context, start=known.start))


def expected_cost(row: Logged, model: str, *, known: Known) -> float:
    """Expect a cost as it was estimated then, times what the model really cost over estimates."""
    return row.options[model] * known.ratios.get(model, known.ratios[""])


def best_single(row: Logged, known: Known) -> str:
    """Pick the model of the highest mark over all contexts, of those judged often enough, or ""."""

    def general(model: str) -> float:
        return mean(believed(known.table, model, group="", start=known.start))

    return max(_able(row, known), key=general, default="")


def cheapest(row: Logged, known: Known) -> str:
    """Pick the cheapest of the models judged often enough, or ""."""

    def cost(model: str) -> float:
        return expected_cost(row, model, known=known)

    return min(_able(row, known), key=cost, default="")


def safe(row: Logged, known: Known) -> str:
    """Pick as the safe learner does: a cheaper model where it is surely no worse than the best."""
    usual = best_single(row, known)
    if not usual:
        return ""
    options = {one: _option(row, one, known=known) for one in _able(row, known)}
    others = [one for name, one in options.items() if name != usual]
    found = plan(options[usual], others, part=_part(row.context, known))
    return found.ready or usual


def _able(row: Logged, known: Known) -> list[str]:
    return [one for one in row.options if known.counts.get(one, 0) >= LEAST_JUDGED]


def _option(row: Logged, model: str, *, known: Known) -> Option:
    belief = believed(known.table, model, group=row.context, start=known.start)
    cost = expected_cost(row, model, known=known)
    return Option(model, belief, known.counts.get(model, 0), cost)


def _part(context: str, known: Known) -> float:
    """Tell what part of all choices those of one context are."""
    rows = known.table.sums.values()
    here, whole = (sum(sum(row[group]) for row in rows if group in row) for group in (context, ""))
    return part_of(here, whole=whole)


def _learnt(rows: Sequence[Logged]) -> Known:
    spent: dict[str, float] = defaultdict(float)
    planned: dict[str, float] = defaultdict(float)
    for row in rows:
        for name in ("", row.model):
            spent[name] += row.cost
            planned[name] += row.options[row.model]
    ratios = {name: spent[name] / usd for name, usd in planned.items() if usd > 0}
    return Known(
        tabulate(Seen(row.context, row.model, row.score) for row in rows),
        fmean(row.score for row in rows) if rows else 0.5,
        {"": 1.0, **ratios},
        Counter(row.model for row in rows),
    )
