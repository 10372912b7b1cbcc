from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.learning.ridge import Example, Ridge, fit, predict

examples = st.lists(
    st.builds(
        Example,
        buckets=st.frozensets(st.integers(0, 12), min_size=1, max_size=5),
        words=st.integers(1, 300),
        target=st.floats(-1, 1),
    ),
    min_size=1,
    max_size=12,
)


def loss(ridge: Ridge, rows: list[Example], *, penalty: float) -> float:
    misses = sum((predict(ridge, one.buckets, words=one.words) - one.target) ** 2 for one in rows)
    return misses + penalty * sum(value * value for value in ridge.weights.values())


def test_it_tells_words_that_go_well_from_words_that_do_not() -> None:
    rows = [Example(frozenset({1, 9}), 20, 0.4), Example(frozenset({2, 9}), 20, -0.4)] * 20
    ridge = fit(rows, penalty=1.0)
    assert predict(ridge, {1, 9}, words=20) > 0.2
    assert predict(ridge, {2, 9}, words=20) < -0.2
    assert predict(ridge, {9}, words=20) == pytest.approx(0, abs=1e-6)


def test_what_was_never_seen_is_predicted_as_average() -> None:
    ridge = fit([Example(frozenset({1}), 20, 0.5)] * 5, penalty=1.0)
    assert predict(ridge, {77}, words=20) == pytest.approx(0)


def test_length_counts() -> None:
    rows = [Example(frozenset({3}), words, 0.3 if words > 50 else -0.3) for words in (10, 200)] * 9
    ridge = fit(rows, penalty=0.5)
    assert predict(ridge, {3}, words=400) > 0.1 > -0.1 > predict(ridge, {3}, words=5)


def test_one_example_gives_the_closed_form() -> None:
    # One row r with |r| = 1 and target t: w = r t / (1 + penalty).
    ridge = fit([Example(frozenset({1, 2, 3, 4}), 10, 0.8)], penalty=3.0)
    assert predict(ridge, {1, 2, 3, 4}, words=10) == pytest.approx(0.8 / 4)


def test_nothing_to_learn_from_predicts_nothing() -> None:
    assert predict(fit([], penalty=1.0), {1}, words=3) == 0
    still = fit([Example(frozenset({1}), 5, 0.0)] * 3, penalty=1.0)
    assert predict(still, {1}, words=5) == 0


@given(examples, st.floats(0.3, 20))
@settings(max_examples=60)
def test_no_nearby_weights_fit_better(rows: list[Example], penalty: float) -> None:
    ridge = fit(rows, penalty=penalty)
    least = loss(ridge, rows, penalty=penalty)
    for at in ridge.weights:
        for shift in (-0.01, 0.01):
            moved = {**ridge.weights, at: ridge.weights[at] + shift}
            assert loss(ridge._replace(weights=moved), rows, penalty=penalty) >= least - 1e-6


@given(examples)
@settings(max_examples=30)
def test_a_heavier_penalty_shrinks(rows: list[Example]) -> None:
    def norm(penalty: float) -> float:
        weights = fit(rows, penalty=penalty).weights.values()
        return math.sqrt(sum(value * value for value in weights))

    assert norm(30.0) <= norm(1.0) + 1e-6
