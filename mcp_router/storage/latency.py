"""Percentiles from the histograms of latencies that the store keeps."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEPS = (10, 12, 16, 20, 25, 32, 40, 50, 63, 80)
BINS = (0, 1, 2, 3, 4, 5, 6, 8, *(step * 10**decade for decade in range(6) for step in _STEPS))
"""Lower ends of the bins in ms, the same as the table latency_bins."""


def percentile(histogram: Mapping[int, float], *, share: float) -> int | None:
    """Estimate the latency in ms that `share` of the calls stayed within; None without calls.

    `histogram` maps the lower end of a bin to a count or weight. Within a bin, calls are taken to
    be spread evenly on a logarithmic scale, so the estimate is off by at most one bin: a third.
    """
    total = sum(histogram.values())
    if total <= 0:
        return None
    wanted, passed = share * total, 0.0
    low = 0
    for low in sorted(histogram):
        count = histogram[low]
        if count > 0 and passed + count >= wanted:
            return _within(low, part=max(0.0, wanted - passed) / count)
        passed += count
    # Rounding of weights left the sum a hair short of the total.
    return _within(low, part=1.0)


def _within(low: int, *, part: float) -> int:
    place = bisect_right(BINS, low)
    if low == 0 or place == len(BINS):
        return low
    return round(low * math.pow(BINS[place] / low, min(part, 1.0)))
