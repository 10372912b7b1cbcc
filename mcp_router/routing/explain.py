"""Why a decision fell as it did, and what would have to change for another model to win."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import short_usd
from mcp_router.routing.rank import Ranked, sort_key
from mcp_router.routing.score import PART_NAMES, strategy_weights, total
from mcp_router.types import Capability, Strategy

if TYPE_CHECKING:
    from mcp_router.routing.rank import Field
    from mcp_router.routing.situation import Situation

MAX_COUNTERFACTUALS = 6
_RULES_A_CALLER_CAN_RELAX = frozenset(
    {"max_cost", "max_latency", "min_quality", "requires", "denied", "budget"}
)


def headline(winner: Ranked, *, rule: str, situation: Situation) -> str:
    """Say in one line why this model was chosen."""
    kind, chosen = situation.classification, winner.profile
    price = "price unknown" if chosen.cost is None else f"about ${short_usd(chosen.cost)}"
    task = f"{kind.complexity} {kind.task_type.replace('_', ' ').removesuffix(' task')} task"
    return f"{rule} for a {task}: predicted quality {chosen.quality:.2f}, {price}."


def reasons(winner: Ranked, field: Field, situation: Situation) -> tuple[str, ...]:
    """List what spoke for the winner: the task, its strongest parts, and who came second."""
    kind, chosen = situation.classification, winner.profile
    lines = [f"The task reads as {kind.task_type} ({kind.complexity}, {kind.pattern})"]
    lines[0] += f" with confidence {kind.confidence:.2f}"
    lines[0] += f": {', '.join(kind.cues[:4])}." if kind.cues else "."
    shares = sorted(
        zip(PART_NAMES, winner.parts, field.weights, strict=True), key=lambda s: -s[1] * s[2]
    )
    told = ", ".join(f"{name} {part:.2f} x {weight:.2f}" for name, part, weight in shares)
    lines.append(f"Score {winner.score:.3f} under {field.strategy}: {told}.")
    lines.append(_strengths(winner))
    if chosen.cost is not None:
        used = f"{chosen.input_tokens:,} tokens in, {chosen.output_tokens:,} out"
        hidden = f" and {chosen.thinking_tokens:,} of hidden reasoning"
        thinks = chosen.thinking_tokens > 0
        lines.append(f"About {used}{hidden if thinks else ''}: ${short_usd(chosen.cost)}.")
    return (*lines, *_beaten(winner, field))


def counterfactuals(winner: Ranked, field: Field, situation: Situation) -> tuple[str, ...]:
    """Say what would have to change for others to win: a weight, the strategy, a constraint."""
    found = [*_by_strategy(winner, field, situation), *_by_weight(winner, field)]
    found += _by_rule(winner, field)
    return tuple(dict.fromkeys(found))[:MAX_COUNTERFACTUALS]


def _strengths(winner: Ranked) -> str:
    model = winner.profile.model
    rated = sorted(model.capabilities.items(), key=lambda item: (-item[1], item[0]))
    best = ", ".join(f"{Capability(name)} {rating}" for name, rating in rated[:3])
    basis = model.quality.basis
    return f"{model.label} is rated {best} of 10; quality {model.quality.value:.2f} from {basis}."


def _beaten(winner: Ranked, field: Field) -> list[str]:
    lines: list[str] = []
    if len(field.ranked) > 1:
        second = next(one for one in field.ranked if one is not winner)
        lines.append(f"Next is {second.profile.model.name} with {second.score:.3f}.")
    low = [one for one in field.ranked if one.profile.quality < field.floor]
    best = max(low, key=lambda one: one.score, default=None)
    if best is not None and best.score > winner.score and winner.profile.quality >= field.floor:
        lines.append(
            f"{best.profile.model.name} scores {best.score:.3f} but promises quality"
            f" {best.profile.quality:.2f}, less than the {field.floor:.2f} wanted here."
        )
    return lines


def _by_strategy(winner: Ranked, field: Field, situation: Situation) -> list[str]:
    lines: list[str] = []
    able = [one for one in field.ranked if one.profile.quality >= field.floor] or field.ranked
    for strategy in Strategy:
        if strategy is field.strategy:
            continue
        weights = strategy_weights(strategy, balanced=situation.settings.weights)
        again = (Ranked(one.profile, one.parts, total(one.parts, weights)) for one in able)
        best = min(again, key=sort_key(strategy, floor=field.floor))
        if best.profile.model.name != winner.profile.model.name:
            lines.append(f"{best.profile.model.name} would win with strategy {strategy}.")
    return lines


def _by_weight(winner: Ranked, field: Field) -> list[str]:
    """Solve, for the runners-up, the weight of one part at which they draw level."""
    lines: list[str] = []
    able = [one for one in field.ranked if one.profile.quality >= field.floor]
    for rival in [one for one in able if one is not winner][:3]:
        found = [
            (needed - weight, name, weight, needed)
            for name, weight, needed in _level_weights(winner, rival, field)
        ]
        if found:
            _, name, weight, needed = min(found)
            lines.append(
                f"{rival.profile.model.name} would win with weight {name} above"
                f" {needed:.2f} instead of {weight:.2f}."
            )
    return lines


def _level_weights(winner: Ranked, rival: Ranked, field: Field) -> list[tuple[str, float, float]]:
    behind = winner.score - rival.score
    levels: list[tuple[str, float, float]] = []
    for index, (name, weight) in enumerate(zip(PART_NAMES, field.weights, strict=True)):
        ahead = rival.parts[index] - winner.parts[index]
        rest = behind + weight * ahead
        if ahead <= 0 or rest < 0 or weight >= 1:
            continue
        # The other weights shrink together: w * ahead = (1 - w) / (1 - weight) * rest.
        scaled = rest / (1 - weight)
        needed = scaled / (ahead + scaled)
        if weight <= needed < 1:
            levels.append((name, weight, needed))
    return levels


def _by_rule(winner: Ranked, field: Field) -> list[str]:
    relaxable = [r for r in field.rejected if r.filter in _RULES_A_CALLER_CAN_RELAX]
    return [
        f"{rejection.model} could win without {rejection.filter}: {rejection.reason}."
        for rejection in relaxable[:2]
        if rejection.model != winner.profile.model.name
    ]
