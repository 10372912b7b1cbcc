from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.belief.beta import mean
from mcp_router.learning.table import Seen, believed, tabulate

rows = st.lists(
    st.builds(
        Seen,
        group=st.sampled_from(["a", "b"]),
        model=st.sampled_from(["m", "n"]),
        score=st.floats(0, 1),
        weight=st.floats(0.1, 1),
    ),
    max_size=30,
)


def rate(seen: list[Seen], *, group: str, start: float = 0.5, model: str = "m") -> float:
    return mean(believed(tabulate(seen), model, group=group, start=start))


def test_a_model_nobody_saw_keeps_its_prior() -> None:
    assert rate([], group="a", start=0.8) == pytest.approx(0.8)


def test_a_few_lucky_answers_do_not_outvote_the_prior() -> None:
    assert rate([Seen("a", "m", 1.0)] * 3, group="a", start=0.5) < 0.7


def test_many_answers_do() -> None:
    assert rate([Seen("a", "m", 1.0)] * 300, group="a", start=0.5) > 0.95


def test_what_went_wrong_in_one_group_counts_most_there() -> None:
    seen = [Seen("a", "m", 0.0)] * 40 + [Seen("b", "m", 1.0)] * 40
    assert rate(seen, group="a") < 0.25
    assert rate(seen, group="b") > 0.75
    assert rate(seen, group="new") == pytest.approx(0.5, abs=0.01)


def test_one_models_outcomes_say_nothing_of_another() -> None:
    assert rate([Seen("a", "n", 1.0)] * 99, group="a", start=0.4) == pytest.approx(0.4)


@given(rows, st.floats(0.01, 0.99))
def test_a_belief_stays_between_what_was_seen_and_the_prior(seen: list[Seen], start: float) -> None:
    scores = [one.score for one in seen if one.model == "m"] + [start]
    found = rate(seen, group="a", start=start)
    assert min(scores) - 1e-9 <= found <= max(scores) + 1e-9


@given(rows)
def test_the_order_of_outcomes_does_not_matter(seen: list[Seen]) -> None:
    assert rate(seen, group="a") == pytest.approx(rate(seen[::-1], group="a"))
