"""The confidence means what it says, measured on answers that its weights were not fitted to."""

from __future__ import annotations

from mcp_router.quality.assess import INTERCEPT, THRESHOLD, WEIGHTS
from tests.quality import calibration
from tests.quality.labelled import labelled


def test_the_confidence_is_calibrated_on_the_half_it_was_not_fitted_to() -> None:
    data = calibration.rows(1)
    always = sum(row.weight * row.good for row in data)
    assert calibration.brier(data) < 0.14 < always * (1 - always)
    assert calibration.calibration_error(data) < 0.08


def test_the_weights_in_use_are_near_those_that_a_fit_gives() -> None:
    intercept, weights = calibration.fit(calibration.rows(0))
    assert abs(intercept - INTERCEPT) < 0.5
    for name in ("truncated", "refusal", "hedging", "repetition", "language", "json", "code"):
        assert abs(weights[name] - WEIGHTS[name]) < 1.0, name


def test_few_good_answers_are_escalated_and_few_visibly_bad_ones_pass() -> None:
    data = calibration.rows(1)
    answers = [one for one in labelled() if one.half == 1]
    below = [row.confidence < THRESHOLD for row in data]
    good = [low for low, one in zip(below, answers, strict=True) if one.good]
    kinds = {"good", "wrong"}
    damaged = [low for low, one in zip(below, answers, strict=True) if one.kind not in kinds]
    # One good answer in six was written to look bad.
    assert sum(good) / len(good) <= 0.15
    assert 1 - sum(damaged) / len(damaged) <= 0.05


def test_a_clean_answer_that_is_wrong_cannot_be_told_from_a_good_one() -> None:
    wrong = [
        row for row, one in zip(calibration.rows(1), _half(), strict=True) if one.kind == "wrong"
    ]
    assert sum(row.confidence > THRESHOLD for row in wrong) / len(wrong) > 0.9


def _half() -> list[object]:
    return [one for one in labelled() if one.half == 1]
