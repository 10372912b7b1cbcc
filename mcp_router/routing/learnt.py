"""What learning changes in a decision: a switched task type, a model on trial, and the reasons."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.belief.beta import Belief, mean, prior
from mcp_router.learning.switching import CONTROL, Option, plan
from mcp_router.money import short_usd, to_nanos, to_usd
from mcp_router.routing.intake import fingerprint
from mcp_router.types import LearntChoice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from mcp_router.learning.switching import Plan
    from mcp_router.routing.rank import Field, Ranked
    from mcp_router.routing.situation import Situation
    from mcp_router.types import Learnt, ModelInfo


class Taken(NamedTuple):
    """The model that learning chose, and what a decision tells of it."""

    model: ModelInfo
    choice: LearntChoice


def moved(belief: Belief, *, model: str, learnt: Learnt | None) -> Belief:
    """Move what is believed of a model by what the words of the request tell of it."""
    lesson = None if learnt is None else learnt.lessons.get(model)
    if lesson is None:
        return belief
    return prior(mean(belief) + lesson.shift, weight=belief.good + belief.bad)


def take(field: Field, situation: Situation) -> Taken | None:
    """Say what learning makes of a ranking; None where it has no say.

    Whether a model is tried follows from the request and the state alone, not from chance.
    """
    learnt = situation.state.learnt
    usual = field.ranked[0]
    if learnt is None or usual.profile.cost is None:
        return None
    task = situation.classification.task_type
    switch = learnt.switches.get(task)
    trying = learnt.trying
    if switch is None and trying is None:
        return None
    applies = switch is not None and switch.usual == usual.profile.model.name
    asked = bool(situation.request.messages)
    share = trying.share if trying is not None and asked and trying.left_usd > 0 else 0.0
    planned = partial(
        plan,
        _option(usual),
        [_option(one) for one in field.ranked[1:] if _fits(one, situation)],
        switched=switch.model if switch is not None and applies else "",
        part=learnt.parts.get(task, learnt.parts.get("", 1.0)),
        room=learnt.room,
    )
    ranked = {one.profile.model.name: one for one in field.ranked}
    if share and trying is not None:
        # Whatever is drawn, as the chances told of the others depend on it, too.
        first = planned(share=share, draw=0.0)
        if first.kind == "explored" and _dear(ranked[first.chosen.model], trying.left_usd):
            # Too little is left for this one; a switch holds all the same.
            share = 0.0
    # A replay knows no text to draw from: it stays with what is not left to a draw.
    draw = _draw(situation, "" if trying is None else trying.seed) if asked else 0.5
    found = planned(share=share, draw=draw)
    model = ranked[found.chosen.model].profile.model
    return Taken(model, _choice(found, usual=usual, ranked=ranked))


def learnt_reasons(winner: Ranked, situation: Situation, *, taken: Taken | None) -> tuple[str, ...]:
    """Tell what learning had to do with a choice; empty where it had nothing to."""
    name = winner.profile.model.name
    learnt, lines = situation.state.learnt, list[str]()
    lesson = None if learnt is None else learnt.lessons.get(name)
    if lesson is not None and abs(lesson.shift) >= 0.005:
        lines.append(
            f"Learnt from {lesson.cases:,} of your outcomes: {lesson.shift:+.2f} for {name} on"
            " this kind of prompt."
        )
    if taken is not None and taken.choice.kind != "usual":
        lines.append(_changed(taken, cost=winner.profile.cost or 0))
    elif taken is not None and taken.choice.propensity == CONTROL:
        lines.append(
            f"One in ten requests of a switched task type stays with {name}, to compare the two."
        )
    return tuple(lines)


def _choice(found: Plan, *, usual: Ranked, ranked: Mapping[str, Ranked]) -> LearntChoice:
    return LearntChoice(
        kind=found.kind,
        usual=usual.profile.model.name,
        propensity=found.propensity,
        chance=found.chance,
        quality=ranked[found.chosen.model].profile.quality,
        usual_quality=usual.profile.quality,
        usual_cost_usd=to_usd(usual.profile.cost or 0),
        ready=found.ready,
        ready_quality=ranked[found.ready].profile.quality if found.ready else None,
        ready_chance=found.ready_chance,
        failed=found.failed,
    )


def _changed(taken: Taken, *, cost: int) -> str:
    choice = taken.choice
    prices = f"${short_usd(cost)} instead of ${short_usd(to_nanos(choice.usual_cost_usd))}"
    sure = f"{choice.chance:.0%} sure to be no worse than {choice.usual}"
    if choice.kind == "switched":
        return f"Learnt: {taken.model.name} is {sure} on such tasks, for {prices}."
    return (
        f"Tried within your allowance: {taken.model.name} is {sure}, for {prices};"
        f" {100 * choice.propensity:.3g}% of such requests try it."
    )


def _option(one: Ranked) -> Option:
    belief = one.profile.posterior
    cost = float("inf") if one.profile.cost is None else float(one.profile.cost)
    return Option(one.profile.model.name, belief.belief, belief.cases + belief.elsewhere, cost)


def _fits(one: Ranked, situation: Situation) -> bool:
    usable = one.profile.model.provider in situation.state.usable_providers
    return usable and one.profile.cost is not None


def _dear(one: Ranked, left: Decimal) -> bool:
    return one.profile.cost is None or to_usd(one.profile.cost) > left


def _draw(situation: Situation, seed: str) -> float:
    text = f"{seed} {fingerprint(situation.request)}".encode()
    return int.from_bytes(blake2b(text, digest_size=6).digest(), "big") / (1 << 48)
