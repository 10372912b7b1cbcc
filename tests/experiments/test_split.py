"""The split is stable, fair, and moves nobody without need."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.experiments.split import Arm, assign

names = st.text(st.characters(codec=None), min_size=1, max_size=6)
arms = st.lists(
    st.builds(Arm, names, st.floats(0.01, 100.0)),
    min_size=1,
    max_size=6,
    unique_by=lambda a: a.name,
)
UNITS = [f"unit-{at}" for at in range(4_000)]


@given(names, names, arms, st.randoms(use_true_random=False))
def test_a_unit_always_meets_the_same_arm_in_whatever_order_they_are_named(
    unit: str, experiment: str, chosen: list[Arm], rng: object
) -> None:
    first = assign(unit, experiment=experiment, arms=chosen)
    assert first in {arm.name for arm in chosen}
    assert assign(unit, experiment=experiment, arms=chosen[::-1]) == first


@given(names, arms.filter(lambda a: len(a) > 1), st.data())
def test_stopping_an_arm_moves_only_its_own_units(
    unit: str, chosen: list[Arm], data: st.DataObject
) -> None:
    stopped = data.draw(st.sampled_from(chosen))
    before = assign(unit, experiment="e", arms=chosen)
    after = assign(unit, experiment="e", arms=[arm for arm in chosen if arm is not stopped])
    assert after == before or before == stopped.name
    zeroed = [arm._replace(weight=0.0) if arm is stopped else arm for arm in chosen]
    assert assign(unit, experiment="e", arms=zeroed) == after


@given(names, arms, st.data(), st.floats(1.0, 50.0))
def test_more_weight_only_draws_units_towards_an_arm(
    unit: str, chosen: list[Arm], data: st.DataObject, factor: float
) -> None:
    at = data.draw(st.integers(0, len(chosen) - 1))
    more = [*chosen]
    more[at] = Arm(chosen[at].name, chosen[at].weight * factor)
    before = assign(unit, experiment="e", arms=chosen)
    after = assign(unit, experiment="e", arms=more)
    assert after in {before, chosen[at].name}


def test_arms_get_their_shares() -> None:
    chosen = [Arm("a", 5), Arm("b", 3), Arm("c", 2)]
    counts = Counter(assign(unit, experiment="e", arms=chosen) for unit in UNITS)
    for arm in chosen:
        expected = len(UNITS) * arm.weight / 10
        # Four standard deviations of a binomial count.
        assert abs(counts[arm.name] - expected) < 4 * (expected * (1 - arm.weight / 10)) ** 0.5


def test_experiments_split_independently() -> None:
    halves = [Arm("a"), Arm("b")]
    both = Counter(
        (assign(u, experiment="one", arms=halves), assign(u, experiment="two", arms=halves))
        for u in UNITS
    )
    assert all(abs(count - len(UNITS) / 4) < 120 for count in both.values())


@pytest.mark.parametrize(
    "chosen", [[], [Arm("a", 0)], [Arm("a"), Arm("a")], [Arm("a", -1)], [Arm("a", float("inf"))]]
)
def test_arms_that_cannot_be_split_are_refused(chosen: list[Arm]) -> None:
    with pytest.raises(ValueError, match="arm"):
        assign("u", experiment="e", arms=chosen)
