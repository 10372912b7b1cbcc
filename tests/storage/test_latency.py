"""Percentiles from a histogram are at most one bin off."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.storage.latency import BINS, percentile

if TYPE_CHECKING:
    from mcp_router.storage.sqlite import SqliteStore

times = st.lists(st.integers(1, 6_000_000), min_size=1, max_size=200)


def histogram(latencies: list[int]) -> dict[int, float]:
    return dict(Counter(BINS[bisect_right(BINS, latency) - 1] for latency in latencies))


@given(times, st.floats(0.01, 1.0))
def test_an_estimate_lies_in_the_bin_of_the_true_percentile(
    latencies: list[int], share: float
) -> None:
    place = next(i for i in range(1, len(latencies) + 1) if i >= share * len(latencies))
    exact = sorted(latencies)[place - 1]
    estimate = percentile(histogram(latencies), share=share)
    assert estimate is not None
    low = BINS[bisect_right(BINS, exact) - 1]
    assert low <= estimate <= max(low + 1, low * 1.5)
    assert exact < 10 or exact / 1.34 <= estimate <= exact * 1.34


@given(times)
def test_a_higher_share_never_takes_less_time(latencies: list[int]) -> None:
    known = histogram(latencies)
    estimates = [percentile(known, share=share / 20) or 0 for share in range(1, 21)]
    assert estimates == sorted(estimates)


def test_without_calls_there_is_no_percentile() -> None:
    assert percentile({}, share=0.5) is None
    assert percentile({100: 0.0}, share=0.5) is None


def test_weights_far_below_one_count_like_any_others() -> None:
    tiny = {100: 1e-200, 1_000: 3e-200}
    assert percentile(tiny, share=0.5) == percentile({100: 1, 1_000: 3}, share=0.5)


def test_the_database_sorts_into_the_same_bins(store: SqliteStore) -> None:
    with store.database.reading() as connection:
        found = connection.execute("SELECT from_ms FROM latency_bins ORDER BY 1").fetchall()
    assert tuple(low for (low,) in found) == BINS
