"""A running conversation: whether it stays with its model, and what is told of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import short_usd
from mcp_router.routing.rank import doubt
from mcp_router.types import Strategy

if TYPE_CHECKING:
    from mcp_router.routing.rank import Field, Ranked
    from mcp_router.routing.situation import Situation

SWITCH_GAIN = 0.03
"""The score that another model must gain to take over a running conversation.

The lost prompt cache is in its cost already. This covers what no score sees: a cold start, another
voice, and thoughts that the next provider may not read. By price alone it takes about a quarter of
the cost to gain as much with the default weights.
"""

SWITCH_SAVING = 0.25
"""The share of the cost that must be saved where the cheapest model is asked for."""


def keeper(field: Field, situation: Situation) -> Ranked | None:
    """Give the conversation's own model where it is not the best, and the best is not worth it.

    Nobody flaps: the model that takes over leads by the margin, so that it stays in its turn.
    """
    current = serving(field, situation)
    if current is None or current is field.ranked[0]:
        return None
    return None if _pays(field.ranked[0], current, field) else current


def serving(field: Field, situation: Situation) -> Ranked | None:
    """Find the conversation's current model among those who may run."""
    named = situation.request.current_model
    if named is None:
        return None
    by_name = (one for one in field.ranked if one.profile.model.name == named)
    by_id = (one for one in field.ranked if one.profile.model.id == named)
    return next(by_name, None) or next(by_id, None)


def conversation_reasons(winner: Ranked, field: Field, situation: Situation) -> tuple[str, ...]:
    """Say why a running conversation stays or moves on; nothing where none runs."""
    named = situation.request.current_model
    if named is None:
        return ()
    current = serving(field, situation)
    if current is None:
        gone = [one for one in field.rejected if one.model == named]
        why = f": {gone[0].reason}" if gone else ", which is no candidate"
        return (f"The conversation leaves {named}{why}.",)
    if current is not winner:
        return (_leaving(winner, current, field),)
    return (_staying(current, field, situation),)


def _pays(best: Ranked, current: Ranked, field: Field) -> bool:
    able = not current.band
    if not able and not best.band:
        return True
    if able and field.strategy is Strategy.COST_FIRST:
        asked, paid = best.profile.cost, current.profile.cost
        if asked is not None and paid is not None:
            return asked < paid * (1 - SWITCH_SAVING)
        if asked != paid:
            return True
    return best.score - current.score >= SWITCH_GAIN


def _staying(current: Ranked, field: Field, situation: Situation) -> str:
    cached = situation.request.cached_tokens
    warm = f", where {cached:,} tokens of its prompt are cached" if cached else ""
    told = f"The conversation stays with {current.profile.model.name}{warm}"
    best = max(field.ranked, key=lambda one: one.score)
    if best.score <= current.score:
        return f"{told}."
    ahead = f"{best.profile.model.name} scores {best.score - current.score:.3f} more"
    return f"{told}: {ahead}, and a switch must gain {SWITCH_GAIN:.2f}."


def _leaving(winner: Ranked, current: Ranked, field: Field) -> str:
    told = f"The conversation leaves {current.profile.model.name}"
    if current.band and not winner.band:
        return f"{told}: it is {doubt(current, floor=field.floor)}."
    asked, paid = winner.profile.cost, current.profile.cost
    if field.strategy is Strategy.COST_FIRST and asked is not None and paid is not None:
        return f"{told}: ${short_usd(asked)} instead of ${short_usd(paid)}, its cache counted."
    gain = winner.score - current.score
    if gain < SWITCH_GAIN:
        return f"{told}, as your own order comes first."
    return f"{told}: the gain of {gain:.3f} in score is more than the {SWITCH_GAIN:.2f} wanted."
