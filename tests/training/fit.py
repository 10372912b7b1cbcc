"""Fits the weights: a softmax over hashed features beside the scores of the rules.

Stochastic gradient descent in a fixed order and in double precision without any library of linear
algebra, then rounding to bytes: the same data give the same bytes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcp_router.routing.features import Features, find_features
from mcp_router.routing.kinds import TEMPERATURE, type_scores
from mcp_router.routing.linear import hashed
from mcp_router.routing.tokens import request_counts
from mcp_router.types import Request, TaskType

KINDS = tuple(kind.value for kind in TaskType)

Array = NDArray[np.float64]


class Choices(NamedTuple):
    """What is chosen before fitting."""

    buckets: int = 1 << 13
    reach: float = 3.0
    rules: float = 1.6
    epochs: int = 12
    rate: float = 0.35
    decay: float = 1.2e-2
    batch: int = 64


class Row(NamedTuple):
    """One example as numbers: buckets with their values, the rules' scores, the task type."""

    buckets: NDArray[np.int64]
    values: Array
    rules: Array
    kind: int


class Model(NamedTuple):
    """Fitted weights: one row per bucket, one bias per task type."""

    table: Array
    bias: Array


def features_of(request: Request) -> Features:
    """Find the features of a request as the router does."""
    return find_features(request, counts=request_counts(request))


def row(request: Request, *, kind: str, choices: Choices) -> Row:
    """Turn a request into numbers."""
    features = features_of(request)
    found = hashed(features, buckets=choices.buckets)
    words, cues = sorted(found.words), sorted(found.cues)
    reach = choices.reach / max(1, len(words)) ** 0.5
    scores = type_scores(features.evidence)
    return Row(
        np.array([*words, *cues], dtype=np.int64),
        np.array([reach] * len(words) + [1.0] * len(cues)),
        np.array([scores[name] for name in KINDS]),
        KINDS.index(kind),
    )


def fit(rows: Sequence[Row], weights: Sequence[float], *, choices: Choices, seed: int = 7) -> Model:
    """Fit weights to rows that count `weights` each; the average over the later half of steps."""
    table = np.zeros((choices.buckets, len(KINDS)))
    bias = np.zeros(len(KINDS))
    mean_table, mean_bias, averaged = np.zeros_like(table), np.zeros_like(bias), 0
    order = list(range(len(rows)))
    rng = random.Random(seed)
    steps = choices.epochs * -(-len(rows) // choices.batch)
    step = 0
    for _ in range(choices.epochs):
        rng.shuffle(order)
        for start in range(0, len(order), choices.batch):
            picked = order[start : start + choices.batch]
            rate = choices.rate * (1 - step / steps)
            gradient, index, change = _gradient(
                [rows[at] for at in picked],
                np.array([weights[at] for at in picked]),
                table=table,
                bias=bias,
                rules=choices.rules,
            )
            table *= 1 - rate * choices.decay
            np.subtract.at(table, index, rate * change)
            bias -= 0.1 * rate * gradient.sum(axis=0) / len(picked)
            step += 1
        if step * 2 >= steps:
            mean_table += table
            mean_bias += bias
            averaged += 1
    return Model(mean_table / averaged, mean_bias / averaged)


def scores(rows: Sequence[Row], model: Model, *, rules: float) -> Array:
    """Score rows under fitted weights."""
    index, starts, values = _flat(rows)
    linear = np.add.reduceat(model.table[index] * values[:, None], starts, axis=0)
    return linear + model.bias + rules * np.array([one.rules for one in rows])


def softmax(raw: Array) -> Array:
    """Turn scores into probabilities, row by row."""
    odds = np.exp(raw - raw.max(axis=1, keepdims=True))
    shares: Array = odds / odds.sum(axis=1, keepdims=True)
    return shares


def balanced(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Weigh examples of (source, type) so that common ones count less; the mean is 1."""
    sizes = Counter(pairs)
    types = Counter(kind for _, kind in pairs)
    raw = [sizes[pair] ** -0.4 * types[pair[1]] ** -0.3 for pair in pairs]
    mean = sum(raw) / len(raw)
    return [one / mean for one in raw]


def packed(model: Model, *, choices: Choices, temperature: float) -> bytes:
    """Write weights as `mcp_router.routing.linear` reads them.

    `temperature` is what the scores of the fit are to be divided by; the router itself divides
    them by a temperature of its own.
    """
    scale = float(np.abs(model.table).max()) / 127
    whole = np.rint(model.table / scale).astype(np.int64).clip(-127, 127)
    temperature /= TEMPERATURE
    head = {
        "kinds": KINDS,
        "buckets": choices.buckets,
        "scale": round(scale / temperature, 9),
        "reach": choices.reach,
        "rules": round(choices.rules / temperature, 6),
        "bias": [round(float(one) / temperature, 6) for one in model.bias],
    }
    return json.dumps(head).encode() + b"\n" + (whole + 128).astype(np.uint8).tobytes()


def _gradient(
    rows: Sequence[Row], weights: Array, *, table: Array, bias: Array, rules: float
) -> tuple[Array, NDArray[np.int64], Array]:
    """Compute the gradient per row, the buckets that change, and by how much."""
    index, starts, values = _flat(rows)
    raw = np.add.reduceat(table[index] * values[:, None], starts, axis=0) + bias
    errors = softmax(raw + rules * np.array([one.rules for one in rows]))
    errors[np.arange(len(rows)), [one.kind for one in rows]] -= 1
    errors *= weights[:, None]
    sizes = np.diff(np.append(starts, len(index)))
    return errors, index, np.repeat(errors, sizes, axis=0) * values[:, None]


def _flat(rows: Sequence[Row]) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    sizes = [len(one.buckets) for one in rows]
    starts = np.cumsum([0, *sizes[:-1]])
    index = np.concatenate([one.buckets for one in rows])
    return index, starts, np.concatenate([one.values for one in rows])
