"""What the outcomes say of each model on each task type; old ones count less and less.

An outcome weighs 2^(-age / 30 days). Stored weights grow from a fixed day instead and are scaled
down when read ("forward decay", Cormode et al., 2009): sums stay right in whatever order, and under
whatever clock, the outcomes arrive.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage.latency import percentile
from mcp_router.storage.queries import query
from mcp_router.types import Performance

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection

HALF_LIFE = timedelta(days=30)
LANDMARK = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_HALVINGS = 900.0

Key = tuple[str, str]
Sums = tuple[float, ...]
Histogram = dict[int, float]


class _Known(NamedTuple):
    """Weighted sums and histograms of latency per model and task type."""

    sums: dict[Key, Sums]
    total: dict[Key, Histogram]
    first_token: dict[Key, Histogram]


class PerformanceReader:
    """Reads what is known per model and task type, and keeps what was summed up long ago.

    Summaries change only once in 128 outcomes; between that, only the latest rows are read again.
    """

    def __init__(self) -> None:
        self._folds = -1
        self._old = _Known({}, {}, {})
        self._percentiles: dict[Key, tuple[int | None, ...]] = {}

    def read(self, connection: Connection, *, now: datetime) -> dict[str, dict[str, Performance]]:
        """Return what is known per model, then task type; "" is all task types."""
        (folds,) = connection.execute("SELECT folds FROM summary_state").fetchone()
        if folds != self._folds:
            self._old = _read(connection, suffix="")
            self._percentiles = {key: _percentiles(self._old, key=key) for key in self._old.sums}
            self._folds = folds
        fresh = _read(connection, suffix="_fresh")
        present = weight(now)
        known: dict[str, dict[str, Performance]] = {}
        for key in self._old.sums | fresh.sums:
            model, task = key
            sums, percentiles = self._both(key, fresh=fresh)
            tasks = known.setdefault(model, {})
            tasks[task] = _performance(sums, percentiles=percentiles, present=present)
        return known

    def _both(self, key: Key, *, fresh: _Known) -> tuple[Sums, tuple[int | None, ...]]:
        old = self._old
        if key not in fresh.sums:
            return old.sums[key], self._percentiles[key]
        if key not in old.sums:
            return fresh.sums[key], _percentiles(fresh, key=key)
        sums = tuple(map(add, old.sums[key], fresh.sums[key]))
        merged = _Known(
            {},
            {key: _added(old.total.get(key, {}), fresh.total.get(key, {}))},
            {key: _added(old.first_token.get(key, {}), fresh.first_token.get(key, {}))},
        )
        return sums, _percentiles(merged, key=key)


def weight(moment: datetime) -> float:
    """Weigh an outcome of this moment: 1 on the landmark, twice as much 30 days later."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    halvings = (aware - LANDMARK) / HALF_LIFE
    return math.pow(2.0, max(-_MOST_HALVINGS, min(halvings, _MOST_HALVINGS)))


def _read(connection: Connection, *, suffix: str) -> _Known:
    known = _Known({}, {}, {})
    for model, task, *sums in connection.execute(query("performance" + suffix)):
        known.sums[model, task] = tuple(sums)
    latencies = connection.execute(query("performance_latencies" + suffix))
    for model, task, measure, low, amount in latencies:
        histograms = known.total if measure == "total" else known.first_token
        histograms.setdefault((model, task), {})[low] = amount
    return known


def _added(one: Histogram, other: Histogram) -> Histogram:
    return {low: one.get(low, 0.0) + other.get(low, 0.0) for low in one | other}


def _percentiles(known: _Known, *, key: Key) -> tuple[int | None, ...]:
    total, first_token = known.total.get(key, {}), known.first_token.get(key, {})
    return (
        percentile(total, share=0.50),
        percentile(total, share=0.95),
        percentile(first_token, share=0.95),
    )


def _performance(sums: Sums, *, percentiles: tuple[int | None, ...], present: float) -> Performance:
    calls, successes, failures, used, estimated = sums
    latency_p50, latency_p95, first_token_p95 = percentiles
    # What is taken out of a sum again may leave a rounding error below zero.
    return Performance(
        successes=max(0.0, successes / present),
        failures=max(0.0, failures / present),
        calls=int(calls),
        latency_p50_ms=latency_p50,
        latency_p95_ms=latency_p95,
        first_token_p95_ms=first_token_p95,
        token_ratio=used / estimated if estimated > 0 else 1.0,
    )
