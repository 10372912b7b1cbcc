"""Intervals for success rates hold under constant watching, and narrow down to the truth."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.experiments.proportions import (
    difference_interval,
    equality_evidence,
    rate_interval,
)

ALPHA = 0.05
LIMIT = -math.log(ALPHA)
counts = st.tuples(st.integers(0, 300), st.integers(0, 300))


def watched(rng: random.Random, one: float, other: float, *, most: int) -> int | None:
    """Draw a pair of outcomes at a time, look each time; say after how many a claim was made."""
    first, second = [0, 0], [0, 0]
    for at in range(1, most + 1):
        first[rng.random() >= one] += 1
        second[rng.random() >= other] += 1
        if equality_evidence((first[0], first[1]), (second[0], second[1])) > LIMIT:
            return at
    return None


@pytest.mark.parametrize("chance", [0.05, 0.5, 0.9])
def test_equal_arms_are_rarely_called_different_though_one_looks_each_time(chance: float) -> None:
    rng = random.Random(11)
    runs = 150
    false = sum(watched(rng, chance, chance, most=250) is not None for _ in range(runs))
    assert false <= ALPHA * runs


@pytest.mark.parametrize(("one", "other", "within"), [(0.9, 0.7, 400), (0.6, 0.3, 250)])
def test_real_differences_are_found(one: float, other: float, within: int) -> None:
    rng = random.Random(12)
    found = [watched(rng, one, other, most=within) for _ in range(60)]
    assert sum(at is not None for at in found) >= 0.9 * len(found)


def test_the_true_rate_hardly_ever_leaves_its_interval() -> None:
    rng = random.Random(13)
    runs, left = 60, 0
    for _ in range(runs):
        chance, wins = rng.random(), 0
        for at in range(1, 80):
            wins += rng.random() < chance
            if not _holds(wins, at - wins, chance):
                left += 1
                break
    assert left <= ALPHA * runs


def _holds(wins: int, losses: int, chance: float) -> bool:
    low, high = rate_interval(wins, losses, alpha=ALPHA)
    return low <= chance <= high


@given(counts, st.floats(0.001, 0.5))
def test_an_interval_contains_what_was_seen(seen: tuple[int, int], alpha: float) -> None:
    low, high = rate_interval(*seen, alpha=alpha)
    assert 0.0 <= low <= high <= 1.0
    if sum(seen):
        assert low <= seen[0] / sum(seen) <= high
    wider = rate_interval(*seen, alpha=alpha / 2)
    assert wider.low <= low + 1e-9
    assert wider.high >= high - 1e-9


@given(counts)
def test_the_mirror_image_has_the_mirrored_interval(seen: tuple[int, int]) -> None:
    one, other = rate_interval(*seen), rate_interval(*seen[::-1])
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)
    assert one.high == pytest.approx(1 - other.low, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(counts, counts)
def test_the_interval_of_a_difference_and_the_test_agree(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    low, high = difference_interval(one, other, alpha=ALPHA)
    assert -1.0 <= low <= high <= 1.0
    evidence = equality_evidence(one, other)
    if abs(evidence - LIMIT) > 0.02:
        assert (evidence > LIMIT) == (low > 0 or high < 0)
    back = difference_interval(other, one, alpha=ALPHA)
    assert back.low == pytest.approx(-high, abs=1e-6)
    assert back.high == pytest.approx(-low, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(counts, counts)
def test_no_pair_of_rates_within_the_joint_set_lies_outside_the_interval(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    low, high = difference_interval(one, other, alpha=ALPHA)
    grid = [at / 40 for at in range(1, 40)]
    for first in grid:
        for second in grid:
            if _joint(one, first) + _joint(other, second) <= LIMIT:
                assert low - 1e-6 <= first - second <= high + 1e-6


def _joint(seen: tuple[int, int], chance: float) -> float:
    """The mixture over the likelihood, written out anew."""

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    mixture = log_beta(seen[0] + 0.5, seen[1] + 0.5) - log_beta(0.5, 0.5)
    return mixture - seen[0] * math.log(chance) - seen[1] * math.log(1 - chance)


def test_nothing_seen_says_nothing() -> None:
    assert rate_interval(0, 0) == (0.0, 1.0)
    assert difference_interval((0, 0), (0, 0)) == (-1.0, 1.0)
    assert equality_evidence((0, 0), (0, 0)) == 0.0


def test_an_interval_narrows_with_what_is_seen() -> None:
    widths = [
        rate_interval(9 * n, n).high - rate_interval(9 * n, n).low for n in (1, 10, 100, 1_000)
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.03
