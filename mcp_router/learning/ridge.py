"""A ridge regression on hashed words: what one person's own outcomes say beyond a table.

Each example is a set of buckets, so that a row has the value 1 / sqrt(size) in each of them, and a
length. The normal equations are solved by conjugate gradients (Hestenes and Stiefel, 1952), which
needs a few passes over the rows and no matrix: 100 examples take milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter, mul
from typing import NamedTuple

_LENGTH = 0xFFFF
_LENGTH_SCALE = 0.3
_STEPS = 25
_ENOUGH = 1e-6

_Picker = Callable[[Sequence[float]], tuple[float, ...]]


class Example(NamedTuple):
    """The buckets of a request, how many words it has, and what is to be predicted for it."""

    buckets: frozenset[int]
    words: int
    target: float


class Ridge(NamedTuple):
    """Fitted weights by bucket; past the last bucket, at 65,535, that of the length."""

    weights: Mapping[int, float]
    length: float


class Rows(NamedTuple):
    """The matrix of some requests, as what picks the used columns of a row and the reverse.

    `length` is the mean of their lengths, which `lengths` are relative to.
    """

    buckets: Sequence[int]
    by_row: Sequence[_Picker]
    by_column: Sequence[_Picker]
    each: Sequence[float]
    lengths: Sequence[float]
    length: float


def arrange(requests: Sequence[tuple[frozenset[int], int]]) -> Rows:
    """Make rows of the buckets of requests and how many words they have."""
    length = _mean([_log(words) for _, words in requests])
    buckets = sorted(set[int]().union(*(own for own, _ in requests)))
    column = {bucket: at for at, bucket in enumerate(buckets)}
    held: list[list[int]] = [[] for _ in buckets]
    for index, (own, _) in enumerate(requests):
        for bucket in own:
            held[column[bucket]].append(index)
    return Rows(
        buckets=buckets,
        by_row=[_picker([column[bucket] for bucket in own]) for own, _ in requests],
        by_column=[_picker(rows) for rows in held],
        each=[each_of(own) for own, _ in requests],
        lengths=[_LENGTH_SCALE * (_log(words) - length) for _, words in requests],
        length=length,
    )


def fit(examples: Sequence[Example], *, penalty: float) -> Ridge:
    """Fit the targets, which should be centred, with `penalty` on the squared weights.

    The lengths are taken relative to their mean.
    """
    rows = arrange([(one.buckets, one.words) for one in examples])
    return fit_rows(rows, [one.target for one in examples], penalty=penalty)


def fit_rows(rows: Rows, targets: Sequence[float], *, penalty: float) -> Ridge:
    """Fit one target for each row, as `fit` does; many may be fitted to the same rows."""
    weights = [0.0] * (len(rows.buckets) + 1)
    left = _transposed(rows, targets)
    way, size = left, _dot(left, left)
    least = _ENOUGH * size
    for _ in range(_STEPS):
        if size <= least or not size:
            break
        image = _plus(_transposed(rows, _times(rows, way)), way, factor=penalty)
        step = size / _dot(way, image)
        weights = _plus(weights, way, factor=step)
        left = _plus(left, image, factor=-step)
        size, before = _dot(left, left), size
        way = _plus(left, way, factor=size / before)
    return Ridge(dict(zip((*rows.buckets, _LENGTH), weights, strict=True)), rows.length)


def predict(ridge: Ridge, buckets: Collection[int], *, words: int) -> float:
    """Return the fitted target of a request; 0 where nothing of it was ever seen."""
    sum_ = sum([ridge.weights.get(at, 0.0) for at in buckets])
    length = _LENGTH_SCALE * (_log(words) - ridge.length)
    return sum_ * each_of(buckets) + length * ridge.weights.get(_LENGTH, 0.0)


def _picker(indexes: Sequence[int]) -> _Picker:
    # A picker of one index returns no tuple; -1 holds a zero, which changes no sum.
    return itemgetter(-1, -1, *indexes)


def _times(rows: Rows, weights: Sequence[float]) -> list[float]:
    """Multiply the matrix of the rows by weights, that of the length last."""
    padded, last = [*weights[:-1], 0.0], weights[-1]
    return [
        each * sum(pick(padded)) + length * last
        for pick, each, length in zip(rows.by_row, rows.each, rows.lengths, strict=True)
    ]


def _transposed(rows: Rows, values: Sequence[float]) -> list[float]:
    """Multiply the transposed matrix by one value for each row."""
    padded = [*map(mul, values, rows.each), 0.0]
    return [*(sum(pick(padded)) for pick in rows.by_column), _dot(values, rows.lengths)]


def _plus(one: Sequence[float], other: Sequence[float], *, factor: float) -> list[float]:
    return [left + factor * right for left, right in zip(one, other, strict=True)]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(map(mul, one, other))


def each_of(row: Collection[int]) -> float:
    """Return the value of a row in each of its buckets, so that its squares add up to 1."""
    return 1.0 / math.sqrt(len(row) or 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _log(words: int) -> float:
    return math.log1p(words)
