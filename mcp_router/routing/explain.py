"""Why a decision fell as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import short_usd
from mcp_router.routing.complexity import length_ease, words_of
from mcp_router.routing.posterior import told
from mcp_router.routing.profile import wanted
from mcp_router.routing.rank import doubt
from mcp_router.routing.score import PART_NAMES
from mcp_router.types import Capability, Strategy

if TYPE_CHECKING:
    from mcp_router.routing.rank import Field, Ranked
    from mcp_router.routing.situation import Situation

# Only a length that moves the chances by some hundredths is worth a sentence.
_TOLD_EASE = -0.3


def headline(winner: Ranked, *, rule: str, situation: Situation) -> str:
    """Say in one line why this model was chosen."""
    kind, chosen = situation.classification, winner.profile
    price = "price unknown" if chosen.cost is None else f"about ${short_usd(chosen.cost)}"
    price = "free" if chosen.cost == 0 else price
    words = kind.task_type.replace("_", " ").removesuffix(" task")
    # "simple task" is a type of its own.
    task = f"{kind.complexity if words != kind.complexity else ''} {words} task".strip()
    return f"{rule} for a {task}: predicted quality {chosen.quality:.2f}, {price}."


def scored(winner: Ranked, field: Field) -> str:
    """Say by what rule the ranking put this model first."""
    if field.strategy is Strategy.COST_FIRST and not winner.band:
        return "Cheapest that is good enough"
    if any(one.score > winner.score for one in field.ranked):
        return "Best trade"
    return "Best score"


def reasons(winner: Ranked, field: Field, situation: Situation) -> tuple[str, ...]:
    """List what spoke for the winner: the task, its strongest parts, and who came second."""
    kind, chosen = situation.classification, winner.profile
    lines = [f"The task reads as {kind.task_type} ({kind.complexity}, {kind.pattern})"]
    lines[0] += f" with confidence {kind.confidence:.2f}"
    lines[0] += f": {', '.join(kind.cues[:4])}." if kind.cues else "."
    shares = sorted(
        zip(PART_NAMES, winner.parts, field.weights, strict=True), key=lambda s: -s[1] * s[2]
    )
    told = ", ".join(f"{name} {round(part, 4):.2f} x {weight:.2f}" for name, part, weight in shares)
    lines.append(f"Score {winner.score:.3f} under {field.strategy}: {told}.")
    lines.append(_strengths(winner, situation))
    if chosen.cost is not None:
        used = f"{chosen.input_tokens:,} tokens in, {chosen.output_tokens:,} out"
        hidden = f" and {chosen.thinking_tokens:,} of hidden reasoning"
        thinks = chosen.thinking_tokens > 0
        lines.append(f"About {used}{hidden if thinks else ''}: ${short_usd(chosen.cost)}.")
    return (*lines, *_length(situation), *_beaten(winner, field))


def _length(situation: Situation) -> list[str]:
    words = words_of(situation.counts)
    if length_ease(words) > _TOLD_EASE:
        return []
    return [f"At {words:,} words it counts as harder than most such tasks."]


def _strengths(winner: Ranked, situation: Situation) -> str:
    """Name the ratings that this task goes by, and what is believed of the model at such work."""
    model = winner.profile.model
    asked = wanted(situation)
    first = sorted(asked, key=lambda name: (-asked[name], name))
    rated = ", ".join(f"{Capability(name)} {model.capabilities[name]}" for name in first[:3])
    return f"{model.label} is rated {rated} of 10; quality {told(winner.profile.posterior)}."


def _standing(second: Ranked, field: Field) -> str:
    """Say what a candidate offers in what the strategy goes by."""
    cost = second.profile.cost
    if field.strategy is Strategy.COST_FIRST and not second.band and cost is not None:
        return f"at ${short_usd(cost)}"
    return f"with {second.score:.3f}"


def _beaten(winner: Ranked, field: Field) -> list[str]:
    lines: list[str] = []
    if len(field.ranked) > 1:
        second = next(one for one in field.ranked if one is not winner)
        lines.append(f"Next is {second.profile.model.name} {_standing(second, field)}.")
    if winner.band:
        lines.append(f"It is {doubt(winner, floor=field.floor)}.")
    low = [one for one in field.ranked if one.band]
    best = max(low, key=lambda one: one.score, default=None)
    if best is not None and best.score > winner.score and not winner.band:
        said = doubt(best, floor=field.floor)
        lines.append(f"{best.profile.model.name} scores {best.score:.3f} but is only {said}.")
    return lines
