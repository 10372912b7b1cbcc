"""Whether a kind of work may go from the usual model to a cheaper one, and which one to try next.

Safe by three rules: a switch needs a high chance of being no worse, and ends when that chance
falls; trying stops while it has cost more quality than allowed ("conservative bandits": Wu et al.,
2016); and what was logged must not speak against a switch (`value_gap`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from mcp_router.belief.beta import Belief, deviation, mean

MARGIN = 0.03
"""How much worse on one kind of work still counts as no worse; all work together loses less."""

SURE = 0.75
"""The chance of being no worse from which a kind of work is switched."""

BACK = 0.5
"""The chance of being no worse below which it is switched back."""

LOSS = 0.005
"""How much quality per request trying may cost, over everything that was decided."""

SHARE = 0.3
"""How many of the requests for which a model is worth trying do try it, at most."""

CONTROL = 0.1
"""How many of the requests of a switched kind stay with the usual model, to compare with."""

CHEAPER = 0.9
"""What share of the price a model may cost at most to be worth a change."""

_HEAD_START = 40
_LEAST_CASES = 20


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
    share: float = 0.0,
    draw: float = 0.5,
) -> Plan:
    """Choose among the usual model, the one that was switched to, and one worth trying.

    Args:
        usual: the model that is chosen without any of this.
        others: all others that can do the request.
        switched: the model this kind of work was switched to, "" if none.
        share: how many of the requests worth it try another model; 0 tries none.
        draw: a number from 0 to below 1 that stands for chance; its highest tenth keeps requests
            of a switched kind with the usual model.
    """
    cheaper = sorted(
        (one for one in others if one.cost <= CHEAPER * usual.cost), key=lambda one: one.cost
    )
    chances = {one.model: not_worse(one.belief, usual.belief) for one in cheaper}
    switch = next((one for one in cheaper if one.model == switched), None)
    held = switch is not None and chances[switched] >= BACK
    now = switch if switch is not None and held else usual
    ready = _ready(cheaper, now=now, chances=chances)
    kept = Plan(
        chosen=now,
        kind="switched" if held else "usual",
        propensity=1.0,
        chance=chances.get(now.model, 1.0),
        ready=ready,
        ready_chance=chances.get(ready, 0.0),
        failed=switch is not None and not held,
    )
    tried = _worth_trying(usual, cheaper, now=now, chances=chances) if share > 0 else None
    tries, stays = share if tried is not None else 0.0, CONTROL if held else 0.0
    if tried is not None and draw < tries:
        chance = chances[tried.model]
        return kept._replace(chosen=tried, kind="explored", propensity=tries, chance=chance)
    if held and draw >= 1.0 - stays:
        return kept._replace(chosen=usual, kind="usual", propensity=stays, chance=1.0)
    return kept._replace(propensity=1.0 - tries - stays)


def is_safe(*, lost: float, decided: float) -> bool:
    """Tell whether trying and switches may go on after they lost so much over so many decisions."""
    return lost < LOSS * (decided + _HEAD_START)


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


def _ready(cheaper: Sequence[Option], *, now: Option, chances: Mapping[str, float]) -> str:
    """Name the cheapest model below the present cost that is sure enough to be no worse."""
    return next(
        (
            one.model
            for one in cheaper
            if one.cost < now.cost and chances[one.model] >= SURE and one.cases >= _LEAST_CASES
        ),
        "",
    )


def _worth_trying(
    usual: Option, cheaper: Sequence[Option], *, now: Option, chances: Mapping[str, float]
) -> Option | None:
    """Find the model of the highest expected saving among those that could still be good enough."""
    least = mean(usual.belief) - MARGIN
    possible = [
        one
        for one in cheaper
        if one.cost <= CHEAPER * now.cost and mean(one.belief) + deviation(one.belief) >= least
    ]
    return max(
        possible, key=lambda one: chances[one.model] * (1 - one.cost / now.cost), default=None
    )
