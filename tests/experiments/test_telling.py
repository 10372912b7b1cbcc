"""One sentence says what is certain, and how much longer it may take."""

from __future__ import annotations

import re

from mcp_router.experiments.tally import Tally, grown, results
from mcp_router.experiments.telling import sentence, still_needed
from mcp_router.experiments.verdict import Rules, verdict


def tally(name: str, good: int, bad: int, *, cost: float = 0.0, score: float = 0.0) -> Tally:
    """A tally whose costs and scores vary a little around their means."""
    calls = good + bad
    squares = calls * cost * cost * 1.01
    marks = calls * score * score * 1.01
    return Tally(name, good, bad, calls, calls * cost, squares, calls, calls * score, marks)


def told(*tallies: Tally, rules: Rules | None = None) -> str:
    rules = rules or Rules()
    found = verdict(tallies, rules=rules)
    return sentence(tallies, control="a", found=found, rules=rules)


def test_the_winner_is_told_with_points_interval_and_price() -> None:
    said = told(tally("a", 800, 200, cost=0.010), tally("b", 900, 100, cost=0.0062))
    found = re.fullmatch(
        r"b is better: \+10\.0 points \((\d+\.\d) to (\d+\.\d)\), 38 % cheaper", said
    )
    assert found is not None
    assert 0 < float(found[1]) < 10 < float(found[2])


def test_a_control_that_wins_is_told_against_whom() -> None:
    said = told(tally("a", 900, 100, cost=0.01), tally("b", 800, 200, cost=0.01))
    assert said.startswith("a is better than b: +10.0 points (")
    assert said.endswith("at the same cost")


def test_a_difference_in_scores_decides_where_they_are_the_metric() -> None:
    arms = tally("a", 900, 100, score=0.6), tally("b", 900, 100, score=0.8)
    assert verdict(arms).state != "winner"
    rules = Rules(metric="score")
    assert verdict(arms, rules=rules).winner == "b"
    assert told(*arms, rules=rules).startswith("b is better: +20.0 points (")


def test_where_cost_decides_a_dearer_arm_never_wins() -> None:
    arms = tally("a", 800, 200, cost=0.010), tally("b", 900, 100, cost=0.02)
    assert verdict(arms).winner == "b"
    assert verdict(arms, rules=Rules(metric="cost")).winner is None
    cheaper = tally("a", 9_000, 1_000, cost=0.010), tally("b", 9_000, 1_000, cost=0.008)
    assert verdict(cheaper, rules=Rules(metric="cost")).winner == "b"


def test_arms_that_are_surely_alike_are_told_so() -> None:
    said = told(tally("a", 9_500, 500, cost=0.01), tally("b", 9_490, 510, cost=0.01))
    assert said == "no difference that matters: all arms are the same within 5 points"


def test_before_the_least_sample_there_is_no_verdict() -> None:
    arms = tally("a", 400, 100), tally("b", 480, 20)
    assert verdict(arms, rules=Rules(least=500)).winner == "b"
    assert verdict(arms, rules=Rules(least=501)).winner is None
    assert told(Tally("a"), Tally("b"), rules=Rules(least=50)) == (
        "no verdict yet: 100 more results are needed at least"
    )


def test_the_guess_of_what_is_missing_holds_if_all_goes_on_as_before() -> None:
    arms = tally("a", 80, 20), tally("b", 88, 12)
    rules = Rules(margin=0.02)
    more = still_needed(arms, rules=rules)
    assert more is not None
    assert re.fullmatch(r"no verdict yet: about [\d,]+ more results", told(*arms, rules=rules))
    seen = sum(map(results, arms))
    later = [grown(one, by=1.1 * (seen + more) / seen) for one in arms]
    assert verdict(later, rules=rules).state == "winner"


def test_arms_too_alike_to_tell_apart_are_told_so() -> None:
    arms = tally("a", 80, 20), tally("b", 80, 20)
    assert told(*arms, rules=Rules(margin=0.0)) == (
        "no verdict yet, and none in sight: the arms are too alike"
    )
