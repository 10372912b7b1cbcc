from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.evaluation.metrics import (
    Point,
    aiq,
    apgr,
    calibration_error,
    cpt,
    front,
    reliability,
    sharing_curve,
)

WEAK, STRONG = [1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]
unit = st.floats(0, 1)
cases = st.lists(st.tuples(unit, st.sampled_from([0.0, 1.0]), unit), min_size=1, max_size=30)
points = st.lists(st.tuples(unit, unit).map(lambda p: Point(*p)), min_size=1, max_size=20)


def test_a_perfect_order_sends_those_who_gain_first() -> None:
    curve = sharing_curve([0, 1, 0, 1], WEAK, STRONG)
    assert curve == [0.5, 0.75, 1.0, 1.0, 1.0]
    assert apgr(curve) == pytest.approx(0.75)
    assert cpt(curve, share=0.5) == 0.25
    assert cpt(curve, share=1.0) == 0.5


def test_the_worst_order_recovers_a_quarter() -> None:
    assert apgr(sharing_curve([1, 0, 1, 0], WEAK, STRONG)) == pytest.approx(0.25)


def test_an_order_that_knows_nothing_is_chance() -> None:
    curve = sharing_curve([0.3] * 4, WEAK, STRONG)
    assert apgr(curve) == pytest.approx(0.5)
    assert cpt(curve, share=0.8) == 1.0


@given(cases)
def test_ties_count_the_same_in_any_order(rows: list[tuple[float, float, float]]) -> None:
    mixed = random.Random(1).sample(rows, len(rows))
    one, two = (sharing_curve(*map(list, zip(*form, strict=True))) for form in (rows, mixed))
    assert one == pytest.approx(two)


@given(cases)
def test_a_curve_runs_from_the_weak_model_to_the_strong(
    rows: list[tuple[float, float, float]],
) -> None:
    need, weak, strong = map(list, zip(*rows, strict=True))
    curve = sharing_curve(need, weak, strong)
    assert len(curve) == len(rows) + 1
    assert curve[0] == pytest.approx(sum(weak) / len(weak))
    assert curve[-1] == pytest.approx(sum(strong) / len(strong))


def test_without_a_gap_nothing_can_be_recovered() -> None:
    curve = sharing_curve([1, 2], [1.0, 1.0], [0.0, 1.0])
    assert apgr(curve) is None
    assert cpt(curve, share=0.5) is None


def test_a_front_leaves_out_what_is_dearer_and_no_better_than_a_mix() -> None:
    cheap, middling, strong, waste = Point(1, 0.5), Point(2, 0.55), Point(3, 0.9), Point(4, 0.8)
    assert front([waste, middling, strong, cheap]) == [cheap, strong]


@given(points)
def test_nothing_lies_above_the_front(given_points: list[Point]) -> None:
    hull = front(given_points)
    assert hull[0].cost == min(one.cost for one in given_points)
    assert hull[-1].quality == max(one.quality for one in given_points)
    for left, right in itertools.pairwise(hull):
        assert left.cost < right.cost
        assert left.quality < right.quality
        for one in given_points:
            if left.cost <= one.cost <= right.cost:
                part = (one.cost - left.cost) / (right.cost - left.cost)
                assert one.quality <= left.quality + part * (right.quality - left.quality) + 1e-9


def test_the_area_is_the_mean_quality_over_the_costs() -> None:
    hull = [Point(1, 0.5), Point(3, 0.9)]
    assert aiq(hull, low=1, high=3) == pytest.approx(0.7)
    assert aiq(hull, low=0, high=4) == pytest.approx((2 * 0.7 + 0.9) / 4)
    assert aiq(hull, low=2, high=2) is None


def test_a_calibrated_prediction_has_no_error() -> None:
    bins = reliability([0.25] * 4 + [1.0], [1, 0, 0, 0, 1])
    assert [one.size for one in bins] == [4, 1]
    assert calibration_error(bins) == 0


def test_an_overconfident_prediction_errs_by_the_gap() -> None:
    assert calibration_error(reliability([0.9, 0.9], [0, 1])) == pytest.approx(0.4)
    assert calibration_error([]) is None


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=50))
def test_the_bins_hold_every_prediction_once(rows: list[tuple[float, float]]) -> None:
    predicted, observed = map(list, zip(*rows, strict=True))
    bins = reliability(predicted, observed)
    assert sum(one.size for one in bins) == len(rows)
    error = calibration_error(bins)
    assert error is not None
    assert 0 <= error <= 1
