"""Whether a kind of work may go from the usual model to a cheaper one, and which one to try next.

What must not lose is all work together. So a switch is worth it where the money it saves outweighs
the quality it is expected to cost and the risk of being wrong about that; for a small part of the
work less certainty will do than for most of it, as errors on many small parts even out. Safe by two
more rules: the more quality was lost of what may be lost, the less may be lost for money and the
less is tried, until both rest ("conservative bandits": Wu et al., 2016); and what was logged must
not speak against a switch (`value_gap`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from mcp_router.belief.beta import Belief, deviation, mean

MARGIN = 0.03
"""How much quality a request may lose for its whole price; for half the price, half of that."""

CAUTION = 4.0
"""How many standard deviations a switch of all work must be worth it by; a tenth of it, a tenth."""

HELD = 0.5
"""What share of that caution is left for a switch that was made, so that it does not flutter."""

HOPE = 0.5
"""How many standard deviations better than expected a model that is tried may turn out to be."""

LOSS = 0.005
"""How much quality per request trying and switches may cost, over all that was decided."""

GAIN = 2.0
"""How many times `MARGIN` a request may lose, at most, after quality was gained."""

SCARCE = 0.5
"""Below what share left of the quality that may be lost fewer requests try a model."""

SHARE = 0.1
"""How many of the requests for which a model is worth trying do try it, at most."""

CONTROL = 0.1
"""How many of the requests of a switched kind stay with the usual model, to compare with."""

CHEAPER = 0.9
"""What share of the price a model may cost at most to be worth a change."""

LEAST_CASES = 5
"""How many answers of a model must have been judged before it is switched to."""

_HEAD_START = 40
_FEW = (10, 20)
_EXPECTED_WEIGHT = 30.0


class Option(NamedTuple):
    """A model that can do a request: what is believed of it, from how many cases, and its cost."""

    model: str
    belief: Belief
    cases: int
    cost: float


Kind = Literal["usual", "switched", "explored"]


class Plan(NamedTuple):
    """Which of the options takes a request, and why.

    Attributes:
        chosen: the option that takes it.
        kind: "usual", "switched" or "explored".
        propensity: the chance with which it was chosen.
        chance: how sure it is that the chosen one is no worse than the usual one.
        ready: the model that is sure enough to be switched to, "" where none is.
        ready_chance: how sure it is that this one is no worse.
        failed: the present switch is not sure enough any more.
    """

    chosen: Option
    kind: Kind
    propensity: float
    chance: float
    ready: str = ""
    ready_chance: float = 0.0
    failed: bool = False


class Change(NamedTuple):
    """A judged answer of a model that took the usual one's place, on one kind of work.

    `expected` is how much less quality it was expected to have, `lost` how much less it had.
    """

    kind: str
    expected: float
    lost: float


class Trial(NamedTuple):
    """A judged decision of the past: its model, the chance it had, and its mark from 0 to 1."""

    model: str
    propensity: float
    score: float


def not_worse(one: Belief, other: Belief, *, margin: float = MARGIN) -> float:
    """Return the chance that the rate of `one` is at least that of `other` less `margin`.

    Takes both as normal, which is exact to a hundredth from about ten observations on.
    """
    spread = math.hypot(deviation(one), deviation(other))
    return 0.5 * math.erfc(-(mean(one) - mean(other) + margin) / spread / math.sqrt(2))


def plan(
    usual: Option,
    others: Iterable[Option],
    *,
    switched: str = "",
    part: float = 1.0,
    share: float = 0.0,
    room: float = 1.0,
    draw: float = 0.5,
) -> Plan:
    """Choose among the usual model, the one that was switched to, and one worth trying.

    Args:
        usual: the model that is chosen without any of this.
        others: all others that can do the request.
        switched: the model this kind of work was switched to, "" if none.
        part: what part of all work this kind of it is, as `part_of` tells.
        share: how many of the requests worth it try another model; 0 tries none.
        room: what is left of the quality that may be lost, as `room_left` tells.
        draw: a number from 0 to below 1 that stands for chance; its highest tenth keeps requests
            of a switched kind with the usual model.
    """
    cheaper = _cheaper(usual, others)
    switch = next((one for one in cheaper if one.model == switched), None)
    doubt, margin = CAUTION * part, MARGIN * min(GAIN, room)
    held = switch is not None and _worth(switch, usual, doubt=HELD * doubt, margin=margin) > 0
    now = switch if switch is not None and held else usual
    ready = _ready(usual, cheaper, now=now, doubt=doubt, margin=margin)
    kept = Plan(
        chosen=now,
        kind="switched" if held else "usual",
        propensity=1.0,
        chance=_chance(now, usual),
        ready="" if ready is None else ready.model,
        ready_chance=0.0 if ready is None else _chance(ready, usual),
        failed=switch is not None and not held,
    )
    tries = share * min(1.0, room / SCARCE)
    tried = _worth_trying(usual, cheaper, now=now, margin=margin) if tries > 0 else None
    return _drawn(kept, usual, tried=tried, share=tries, draw=draw)


def part_of(decided: float, *, whole: float) -> float:
    """Return what part of all work a kind of it is, after so many of its decisions of the whole.

    Of a kind that little was seen of yet, half of all is assumed at first.
    """
    return (decided + _FEW[0]) / (whole + _FEW[1])


def lost(changes: Iterable[Change]) -> float:
    """Estimate how much quality all changes together cost.

    A few answers tell luck more than loss, so what was lost on a kind of work is shrunk to what
    was expected there.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for one in changes:
        known = sums[one.kind]
        known[:] = known[0] + 1, known[1] + one.expected, known[2] + one.lost
    return sum(
        (count * seen + _EXPECTED_WEIGHT * expected) / (count + _EXPECTED_WEIGHT)
        for count, expected, seen in sums.values()
    )


def is_safe(*, lost: float, decided: float) -> bool:
    """Tell whether trying and switches may go on after they lost so much over so many decisions."""
    return lost < _allowed(decided)


def room_left(changes: Sequence[Change], *, decided: float) -> float | None:
    """Tell what share of the quality that may be lost is left, None where changes must rest.

    1 before anything changed, more where quality was gained. Counts what was estimated or what
    came of the changes, bad luck and all, whichever is worse; they rest by the estimate alone.
    """
    estimated = lost(changes)
    if not is_safe(lost=estimated, decided=decided):
        return None
    worse = max(estimated, sum(one.lost for one in changes))
    return max(0.0, 1 - worse / _allowed(decided))


def value_gap(trials: Iterable[Trial], *, model: str, usual: str, starts: Sequence[float]) -> float:
    """Estimate from what was logged how much better `model` is than `usual`.

    The doubly robust estimate: right where either the expected marks `starts` of the two or the
    logged chances are. Dudík, Langford, Li (2011), "Doubly Robust Policy Evaluation and Learning".
    """
    expected = {model: starts[0], usual: starts[1]}
    logged = list(trials)
    gap = starts[0] - starts[1]
    for one in logged:
        if one.model in expected:
            correction = (one.score - expected[one.model]) / one.propensity / len(logged)
            gap += correction if one.model == model else -correction
    return gap


def _allowed(decided: float) -> float:
    """Return how much quality may be lost over so many decisions."""
    return LOSS * (decided + _HEAD_START)


def _cheaper(usual: Option, others: Iterable[Option]) -> list[Option]:
    """List those that cost enough less than the usual model, the cheapest first."""
    able = [one for one in others if one.cost <= CHEAPER * usual.cost and one.cost < usual.cost]
    return sorted(able, key=lambda one: one.cost)


def _chance(one: Option, usual: Option) -> float:
    return 1.0 if one is usual else not_worse(one.belief, usual.belief)


def _worth(one: Option, usual: Option, *, doubt: float, margin: float) -> float:
    """Return what a request is worth more with a cheaper model, less so many deviations."""
    gap = mean(one.belief) - mean(usual.belief)
    spread = math.hypot(deviation(one.belief), deviation(usual.belief))
    return margin * (1 - one.cost / usual.cost) + gap - doubt * spread


def _ready(
    usual: Option, cheaper: Sequence[Option], *, now: Option, doubt: float, margin: float
) -> Option | None:
    """Find the model that is worth most instead of the present one, None if that is worth most."""
    worths = {
        one.model: _worth(one, usual, doubt=HELD * doubt if one is now else doubt, margin=margin)
        for one in cheaper
        if one.cases >= LEAST_CASES or one is now
    }
    able = [one for one in cheaper if worths.get(one.model, 0.0) > 0]
    best = max(able, key=lambda one: worths[one.model], default=now)
    return None if best is now else best


def _worth_trying(
    usual: Option, cheaper: Sequence[Option], *, now: Option, margin: float
) -> Option | None:
    """Find the model that may turn out to be worth most, None if that is the present one."""
    worths = {one.model: _worth(one, usual, doubt=-HOPE, margin=margin) for one in cheaper}
    able = [one for one in cheaper if worths[one.model] > 0]
    best = max(able, key=lambda one: worths[one.model], default=now)
    return None if best is now else best


def _drawn(kept: Plan, usual: Option, *, tried: Option | None, share: float, draw: float) -> Plan:
    """Let the draw say whether a request tries a model, or stays to compare with."""
    tries, stays = share if tried is not None else 0.0, CONTROL if kept.kind == "switched" else 0.0
    if tried is not None and draw < tries:
        chance = _chance(tried, usual)
        return kept._replace(chosen=tried, kind="explored", propensity=tries, chance=chance)
    if stays and draw >= 1.0 - stays:
        return kept._replace(chosen=usual, kind="usual", propensity=stays, chance=1.0)
    return kept._replace(propensity=1.0 - tries - stays)
