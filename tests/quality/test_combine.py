"""Without a judge the parts decide, in the shares that are documented, plus agreement."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality.combine import Contender, rank
from mcp_router.quality.completeness import completeness
from tests.quality.labelled import ask

parts = st.floats(0.0, 1.0)
contenders = st.lists(
    st.builds(
        Contender,
        st.sampled_from("abcd"),
        st.sampled_from(["4", "5", "four", "x y"]),
        parts,
        parts,
        parts,
    ),
    min_size=1,
    max_size=5,
)


@given(contenders, st.randoms(use_true_random=False))
def test_the_order_given_never_matters(given_ones: list[Contender], rng: random.Random) -> None:
    shuffled = rng.sample(given_ones, len(given_ones))
    one, other = given_ones[rank(given_ones)[0].place], shuffled[rank(shuffled)[0].place]
    assert (one.model, one.answer) == (other.model, other.answer)


@given(contenders)
def test_scores_fall_from_first_to_last_and_stay_within_bounds(given_ones: list[Contender]) -> None:
    scores = [standing.score for standing in rank(given_ones)]
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in scores)
    assert all(later <= sooner + 1e-8 for sooner, later in pairwise(scores))


@given(contenders, st.data())
def test_a_better_part_never_hurts(given_ones: list[Contender], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(given_ones) - 1))
    field = data.draw(st.sampled_from(["confidence", "capability", "completeness"]))
    better = [*given_ones]
    better[at] = better[at]._replace(**{field: 1.0})
    before = {standing.place: standing.score for standing in rank(given_ones)}
    after = {standing.place: standing.score for standing in rank(better)}
    assert after[at] >= before[at] - 1e-9


def test_the_shares_are_half_confidence_then_capability_then_completeness() -> None:
    def alone(confidence: float, capability: float, complete: float) -> float:
        return rank([Contender("a", "text", confidence, capability, complete)])[0].score

    whole = alone(1, 1, 1)
    assert alone(1, 0, 0) / whole == pytest.approx(0.5)
    assert alone(0, 1, 0) / whole == pytest.approx(0.3)
    assert alone(0, 0, 1) / whole == pytest.approx(0.2)


def test_agreement_decides_between_equals() -> None:
    equals = [
        Contender(name, text, 0.7) for name, text in (("a", "12"), ("b", "13"), ("c", "12.0"))
    ]
    standings = rank(equals)
    assert standings[0].agreement == 0.5
    assert equals[standings[-1].place].answer == "13"


def test_completeness_looks_at_points_length_and_the_end() -> None:
    request = ask("1. What causes tides?\n2. What causes earthquakes?")
    both = "Tides are caused by the moon and the sun. Earthquakes are caused by moving plates."
    half = "Tides are caused by the moon, mostly, and by the sun."
    assert completeness(request, both) == 1.0
    assert completeness(request, half) < 1.0
    assert completeness(request, both, finish_reason="length") == 0.5
    assert completeness(request, "") == 0.0
    assert completeness(request, "Moon.", others=(both, both)) < completeness(
        request, both, others=(both, half)
    )


@given(st.text(max_size=60), st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_completeness_is_a_share(prompt: str, answer: str, others: list[str]) -> None:
    assert 0.0 <= completeness(ask(prompt), answer, others=others) <= 1.0
