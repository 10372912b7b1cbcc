"""The words of prompts tell two models apart, where they do so on judgements never seen before."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.learning.pairs import LEAST, Judged, learn_pairs, shifts


def judged(
    n: int, *, seed: int = 1, gap: float = 0.8, models: Sequence[str] = ("a", "b")
) -> list[Judged]:
    """Judgements where bucket 1 makes the first model good, and bucket 2 the others."""
    rng = random.Random(seed)
    found: list[Judged] = []
    for _ in range(n):
        model, word = rng.choice(models), rng.choice((1, 2))
        better = (word == 1) == (model == models[0])
        chance = 0.5 + (gap / 2 if better else -gap / 2)
        buckets = frozenset({word, *(rng.randrange(10, 1024) for _ in range(6))})
        found.append(Judged("x", buckets, 10, model, float(rng.random() < chance)))
    return found


def test_words_that_matter_are_learnt_and_move_the_models_apart() -> None:
    (pair,) = learn_pairs(judged(300))
    assert (pair.one, pair.other, pair.cases, pair.helps) == ("a", "b", 300, True)
    assert pair.gain > pair.noise > 0
    moved = shifts([pair], frozenset({1}), words=10)
    assert moved["a"].by > 0.05
    assert moved["b"].by == pytest.approx(-moved["a"].by)
    assert moved["a"].cases == 300
    assert shifts([pair], frozenset({2}), words=10)["a"].by < -0.05


def test_words_that_tell_nothing_stay_without_effect() -> None:
    used = [pair.helps for seed in range(20) for pair in learn_pairs(judged(200, seed=seed, gap=0))]
    assert sum(used) <= 3
    (pair,) = learn_pairs(judged(200, seed=4, gap=0))
    assert pair.helps or shifts([pair], frozenset({1}), words=10) == {}


def test_nothing_is_learnt_from_few_judgements() -> None:
    assert learn_pairs(judged(LEAST - 1)) == []
    assert learn_pairs([]) == []


def test_one_model_alone_or_one_that_was_hardly_judged_makes_no_pair() -> None:
    assert learn_pairs(judged(200, models=("a",))) == []
    few = [*judged(200, models=("a",)), *judged(20, models=("b",))]
    assert learn_pairs(few) == []


@pytest.mark.parametrize("mark", [0.0, 1.0])
def test_judgements_that_all_say_the_same_teach_nothing(mark: float) -> None:
    same = [one._replace(score=mark) for one in judged(200)]
    assert not any(pair.helps for pair in learn_pairs(same))


@pytest.mark.parametrize("mark", [math.nan, math.inf, -1.0, 2.0])
def test_marks_that_are_no_marks_are_left_out(mark: float) -> None:
    spoilt = [one._replace(score=mark) for one in judged(500, seed=9)]
    assert learn_pairs([*spoilt, *judged(300)]) == learn_pairs(judged(300))
    assert learn_pairs(spoilt) == []


def test_at_most_five_models_are_paired() -> None:
    many = [f"m{n}" for n in range(9)]
    assert len(learn_pairs(judged(900, models=many))) == 10


def test_learning_takes_milliseconds() -> None:
    cases = judged(150)
    began = time.process_time()
    learn_pairs(cases)
    assert time.process_time() - began < 0.5


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            Judged,
            st.sampled_from(["x", "y"]),
            st.frozensets(st.integers(0, 1023), max_size=5),
            st.integers(0, 65_535),
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from([0.0, 0.5, 1.0, math.nan]),
        ),
        max_size=200,
    )
)
def test_whatever_was_judged_no_model_moves_by_more_than_all(cases: list[Judged]) -> None:
    for moved in shifts(learn_pairs(cases), frozenset({1, 2}), words=3).values():
        assert -1 <= moved.by <= 1
