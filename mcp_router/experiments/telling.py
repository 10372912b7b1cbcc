"""What an experiment has shown, in one sentence for people, and how much longer it may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.experiments.proportions import Interval
from mcp_router.experiments.tally import Tally, grown, mean_cost, mean_score, rate, results
from mcp_router.experiments.verdict import Verdict, duels_of, measure, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.experiments.verdict import Rules

_STEP = 1.1
_STEPS = 48


def sentence(tallies: Sequence[Tally], *, control: str, found: Verdict, rules: Rules) -> str:
    """Say in one sentence what is certain by now.

    Differences are in points of success, or of the score, with the interval they surely lie in.
    """
    if found.state == "running":
        return _waiting(tallies, rules=rules)
    if found.winner is None:
        points = f"{100 * rules.margin:g} points"
        return f"no difference that matters: all arms are the same within {points}"
    known = {tally.arm: tally for tally in tallies}
    others = [arm for arm in known if arm not in (found.winner, control)]
    rival = control if found.winner != control else others[0]
    told = "" if rival == control and len(known) == 2 else f" than {rival}"
    return f"{found.winner} is better{told}: " + ", ".join(
        part for part in _gains(known[found.winner], known[rival], found=found, rules=rules) if part
    )


def still_needed(tallies: Sequence[Tally], *, rules: Rules) -> int | None:
    """Estimate how many more results there must be, if all goes on as so far; None for too many.

    "Too many" is a hundred times as many as there are.
    """
    seen = sum(map(results, tallies))
    if not seen or not all(map(results, tallies)):
        return None

    def decided(step: int) -> bool:
        more = [grown(tally, by=_STEP**step) for tally in tallies]
        return verdict(more, rules=rules).state != "running"

    low, high = 0, _STEPS
    if not decided(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle + 1, high)
    return max(1, round(seen * (_STEP**low - 1)))


def points(value: float, interval: Interval | None) -> str:
    """Write a difference of rates: "+4.1 points (1.2 to 7.0)"."""
    told = f"{100 * value:+.1f} points"
    if interval is None:
        return told
    return f"{told} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def _waiting(tallies: Sequence[Tally], *, rules: Rules) -> str:
    short = [rules.least - results(tally) for tally in tallies if results(tally) < rules.least]
    more = still_needed(tallies, rules=rules)
    if more is None:
        if short:
            return f"no verdict yet: {sum(short):,} more results are needed at least"
        return "no verdict yet, and none in sight: the arms are too alike"
    return f"no verdict yet: about {_rounded(max(more, sum(short))):,} more results"


def _gains(one: Tally, other: Tally, *, found: Verdict, rules: Rules) -> tuple[str, str]:
    pair = next(duel for duel in duels_of(one.arm, found.comparisons) if duel.other == other.arm)
    middle = mean_score if rules.metric == "score" else rate
    better = points((middle(one) or 0.0) - (middle(other) or 0.0), measure(pair, rules))
    ours, theirs = mean_cost(one), mean_cost(other)
    if ours is None or not theirs:
        return better, ""
    change = ours / theirs - 1
    if round(100 * change) == 0:
        return better, "at the same cost"
    return better, f"{abs(change):.0%} {'cheaper' if change < 0 else 'dearer'}".replace("%", " %")


def _rounded(count: int) -> int:
    """Round to two digits, as it is a guess."""
    size = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // size) * size
