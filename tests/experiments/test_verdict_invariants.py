"""A verdict is about the arms, not their names or order, and stricter rules never say more."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mcp_router.experiments.means import cost_difference
from mcp_router.experiments.proportions import difference_interval
from mcp_router.experiments.tally import Tally, added, grown, results
from mcp_router.experiments.verdict import (
    Comparison,
    Rules,
    Verdict,
    duels_of,
    measure,
    stops,
    verdict,
)

few = settings(max_examples=25, deadline=None)
counts = st.tuples(st.integers(0, 3_000), st.integers(0, 600))
amounts = st.sampled_from([0.0, 0.001, 0.01, 0.2])


def tally(name: str, seen: tuple[int, int], cost: float) -> Tally:
    calls = sum(seen)
    squares = 1.3 * calls * cost * cost
    marks = 0.9 * seen[0] + 0.1 * seen[1], 0.81 * seen[0] + 0.01 * seen[1]
    return Tally(name, *seen, calls, calls * cost, squares, calls, *marks)


arms = st.lists(st.tuples(counts, amounts), min_size=2, max_size=3).map(
    lambda made: [tally("abc"[at], *one) for at, one in enumerate(made)]
)
rules = st.builds(
    Rules,
    alpha=st.sampled_from([0.01, 0.05]),
    margin=st.sampled_from([0.0, 0.03, 0.1]),
    metric=st.sampled_from(["success", "score", "cost"]),
    least=st.sampled_from([0, 50]),
    max_failure_rate=st.none() | st.sampled_from([0.1, 0.5]),
    allowance=st.none() | st.sampled_from([0.5, 20.0]),
    max_mean_cost=st.none() | st.sampled_from([0.005, 0.1]),
    max_cost_ratio=st.none() | st.sampled_from([1.5, 10.0]),
)


def is_undercut(duel: Comparison, given_rules: Rules) -> bool:
    better = measure(duel, given_rules)
    assert better is not None
    assert duel.cost is not None
    return 0 < better.low <= better.high < given_rules.margin and duel.cost.low > 0


def said(found: Verdict) -> tuple[str, str | None]:
    return found.state, found.winner


@few
@given(arms, rules)
@example(
    [tally("a", (98, 2), 0.001), tally("b", (464, 42), 0.0)], Rules(margin=0.1, metric="score")
)
def test_the_order_of_the_arms_decides_nothing(found: list[Tally], given_rules: Rules) -> None:
    there, back = verdict(found, rules=given_rules), verdict(found[::-1], rules=given_rules)
    assert said(there) == said(back)
    stopped = {one.arm for one in stops(found, control="a", rules=given_rules)}
    assert {one.arm for one in stops(found[::-1], control="a", rules=given_rules)} == stopped


@few
@given(arms, rules)
def test_other_names_get_the_same_verdict(found: list[Tally], given_rules: Rules) -> None:
    names = dict(zip("abc", ("zeta", "alpha", "mid"), strict=True))
    renamed = [one._replace(arm=names[one.arm]) for one in found]
    state, winner = said(verdict(found, rules=given_rules))
    again = verdict(renamed, rules=given_rules)
    assert said(again) == (state, None if winner is None else names[winner])


@few
@given(arms, rules, st.integers(1, 5_000))
def test_to_wait_for_more_results_never_brings_a_verdict_forward(
    found: list[Tally], given_rules: Rules, more: int
) -> None:
    patient = given_rules._replace(least=given_rules.least + more)
    later = verdict(found, rules=patient)
    assert later.state == "running" or said(later) == said(verdict(found, rules=given_rules))
    if any(results(one) < patient.least for one in found):
        assert later.state == "running"


@few
@given(arms, rules)
def test_to_be_surer_never_names_a_winner_sooner(found: list[Tally], given_rules: Rules) -> None:
    surer = verdict(found, rules=given_rules._replace(alpha=given_rules.alpha / 5))
    sooner = verdict(found, rules=given_rules)
    if surer.winner is not None and sooner.winner != surer.winner:
        # Another one is cheaper, and only by now surely no worse by the margin.
        duels = duels_of(surer.winner, sooner.comparisons)
        assert any(is_undercut(duel, given_rules) for duel in duels)
    for wide, narrow in zip(surer.comparisons, sooner.comparisons, strict=True):
        assert wide.success.low <= narrow.success.low + 1e-6
        assert wide.success.high >= narrow.success.high - 1e-6


@few
@given(arms, rules)
def test_tighter_guard_rails_stop_no_fewer_arms(found: list[Tally], given_rules: Rules) -> None:
    tight = given_rules._replace(
        max_failure_rate=(given_rules.max_failure_rate or 1.0) / 2,
        allowance=(given_rules.allowance or 1e9) / 2,
        max_mean_cost=(given_rules.max_mean_cost or 1e9) / 2,
        max_cost_ratio=(given_rules.max_cost_ratio or 1e9) / 2,
    )
    before = {one.arm for one in stops(found, control="a", rules=given_rules)}
    assert before <= {one.arm for one in stops(found, control="a", rules=tight)}


@few
@given(arms, rules, st.floats(0, 1))
def test_an_arm_that_spends_more_is_not_let_go_on(
    found: list[Tally], given_rules: Rules, more: float
) -> None:
    first, *rest = found
    dearer = [first._replace(cost=first.cost + more), *rest]
    broke = given_rules._replace(allowance=0.25)
    stopped = {one.arm for one in stops(dearer, control="b", rules=broke)}
    assert (first.arm in stopped) or first.cost + more < 0.25


@few
@given(counts, counts, st.sampled_from([0.2, 0.05, 0.001]))
def test_a_difference_lies_in_its_interval_and_turns_with_the_arms(
    one: tuple[int, int], other: tuple[int, int], alpha: float
) -> None:
    assume(sum(one) and sum(other))
    found = difference_interval(one, other, alpha=alpha)
    apart = one[0] / sum(one) - other[0] / sum(other)
    assert -1 <= found.low <= apart + 1e-9
    assert apart - 1e-9 <= found.high <= 1
    back = difference_interval(other, one, alpha=alpha)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=1e-6)
    wider = difference_interval(one, other, alpha=alpha / 10)
    assert wider.low <= found.low + 1e-6
    assert wider.high >= found.high - 1e-6


@few
@given(st.lists(st.tuples(st.booleans(), amounts, st.floats(0, 1)), min_size=1, max_size=40))
def test_a_tally_of_all_is_the_same_in_any_order_and_grows_evenly(
    outcomes: list[tuple[bool, float, float]],
) -> None:
    def summed(rows: list[tuple[bool, float, float]]) -> Tally:
        found = Tally("a")
        for ok, cost, score in rows:
            found = added(found, ok=ok, cost_usd=cost, score=score)
        return found

    whole = summed(outcomes)
    assert summed(outcomes[::-1])[1:] == pytest.approx(whole[1:])
    assert summed(outcomes * 3)[1:] == pytest.approx(grown(whole, by=3)[1:])


@few
@given(st.integers(100, 900), st.integers(100, 900), st.floats(0.001, 0.1), st.floats(0.001, 0.1))
def test_costs_differ_by_what_lies_within_their_interval(
    one: int, other: int, cost: float, price: float
) -> None:
    arms = [tally("a", (one, 0), cost), tally("b", (other, 0), price)]
    found = cost_difference(*arms)
    back = cost_difference(*arms[::-1])
    assert found is not None
    assert back is not None
    assert found.low <= cost - price <= found.high
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
