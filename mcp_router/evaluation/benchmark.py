"""What a benchmark found: quality, cost and latency of each model, and which are efficient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.evaluation.intervals import Range

if TYPE_CHECKING:
    from mcp_router.workflows.benchmark import Sample

_Z = 1.959964
"""The two-sided 95 % quantile of the normal distribution."""


class Standing(NamedTuple):
    """How one model did on one kind of task, "" for all.

    `quality` is from 0 to 1 with a 95 % interval, None without marks; `cost_usd` is per answer,
    None where a price is unknown; `efficient` says that no other model is at least as good and as
    cheap, and better in one of the two.
    """

    model: str
    kind: str
    answers: int
    failed: int
    quality: Range | None
    cost_usd: Decimal | None
    latency_p50_ms: int | None
    efficient: bool = False


def standings(
    samples: Sequence[Sample], *, models: Sequence[str], failed: Sequence[str] = ()
) -> tuple[Standing, ...]:
    """Sum up a benchmark: every model over all tasks, best first, and then by kind of task.

    `failed` names the model of each call that gave no answer; it counts among all tasks only.
    """
    kinds = sorted({one.kind for one in samples})
    found = [*_ranked(samples, "", models=models, failed=failed)]
    if len(kinds) > 1:
        for kind in kinds:
            found += _ranked([one for one in samples if one.kind == kind], kind, models=models)
    return tuple(found)


def wilson(score: float, *, size: int) -> Range:
    """Return a mean of `size` marks from 0 to 1 with its 95 % interval.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference"; for
    marks between 0 and 1 it is on the wide side, as those vary less than yes and no.
    """
    shrink = 1 + _Z * _Z / size
    middle = (score + _Z * _Z / (2 * size)) / shrink
    half = _Z / shrink * math.sqrt(score * (1 - score) / size + _Z * _Z / (4 * size * size))
    return Range(score, max(0.0, min(score, middle - half)), min(1.0, max(score, middle + half)))


def _ranked(
    samples: Iterable[Sample], kind: str, *, models: Sequence[str], failed: Sequence[str] = ()
) -> list[Standing]:
    rows = list(samples)
    each = [
        _standing([one for one in rows if one.model == model], model, kind, failed.count(model))
        for model in models
    ]
    there = [one for one in each if one.answers or one.failed]
    marked = [one._replace(efficient=_is_efficient(one, there)) for one in there]
    return sorted(marked, key=_order)


def _standing(rows: Sequence[Sample], model: str, kind: str, failed: int) -> Standing:
    scores = [one.score for one in rows if one.score is not None]
    costs = [one.cost_usd for one in rows]
    known = [one for one in costs if one is not None]
    priced = bool(rows) and len(known) == len(costs)
    return Standing(
        model,
        kind,
        len(rows),
        failed,
        wilson(sum(scores) / len(scores), size=len(scores)) if scores else None,
        sum(known, Decimal(0)) / len(rows) if priced else None,
        round(median(one.latency_ms for one in rows)) if rows else None,
    )


def _is_efficient(one: Standing, others: Sequence[Standing]) -> bool:
    if one.quality is None or one.cost_usd is None:
        return False
    return not any(_beats(other, one.quality.value, one.cost_usd) for other in others)


def _beats(other: Standing, quality: float, cost: Decimal) -> bool:
    if other.quality is None or other.cost_usd is None:
        return False
    at_least = other.quality.value >= quality and other.cost_usd <= cost
    return at_least and (other.quality.value > quality or other.cost_usd < cost)


def _order(one: Standing) -> tuple[float, Decimal, str]:
    quality = -1.0 if one.quality is None else one.quality.value
    return -quality, Decimal("Infinity") if one.cost_usd is None else one.cost_usd, one.model
