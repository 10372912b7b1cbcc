"""The decision itself: rank the candidates, apply the person's own order, and explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import NoCandidateError
from mcp_router.money import to_usd
from mcp_router.routing.conversation import conversation_reasons, keeper
from mcp_router.routing.counterfactuals import Order, counterfactuals
from mcp_router.routing.explain import headline, reasons, scored
from mcp_router.routing.impasse import way_out
from mcp_router.routing.learnt import Taken, learnt_reasons, take
from mcp_router.routing.profile import Profile, demand_of, expected_cost, profile
from mcp_router.routing.rank import (
    Field,
    Ranked,
    chance,
    doubt,
    fallbacks,
    in_given_order,
    rank,
)
from mcp_router.routing.score import PART_NAMES
from mcp_router.routing.situation import flat, without_texts
from mcp_router.types import Baseline, Decision, Estimate, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.routing.situation import Situation
    from mcp_router.types import ModelInfo

UNSURE_BELOW = 0.35
"""Below this confidence in the task type a configured default model is preferred."""

CLEAR_MARGIN = 0.05
"""A lead of this much in score counts as a clear win when confidence is told."""

CLEAR_SAVING = 0.25
"""Being cheaper than the next by this share counts as clear where the cheapest is asked for."""

CANDIDATES_TOLD = 12
"""How many candidates a decision tells with the parts of their scores; all when debugging."""

_RULES = {
    "chain": "First of your chain that fits",
    "task": "Your choice",
    "default": "Your default, since the task is unclear,",
    "kept": "Stays with the conversation's model",
    "switched": "As was learnt",
    "explored": "On trial",
}
_WITHOUT = {
    "chain": "if it came first in the chain",
    "task": "without your choice for this task",
    "default": "without your default model",
    "kept": "if the conversation began anew",
    "switched": "without what was learnt",
    "explored": "if no model were tried",
}


class _Preference(NamedTuple):
    rule: str
    models: tuple[ModelInfo, ...] = ()


def decide(situation: Situation, *, decision_id: str) -> Decision:
    """Choose a model for a situation and explain the choice.

    Pure: the same situation gives the same decision under any id.

    Raises:
        NoCandidateError: every model was ruled out; holds one reason for each.
        UnknownModelError: a chain, a task or the default names no model.
    """
    preference = _preference(situation)
    bound = preference.rule == "chain"
    field = rank(preference.models if bound else situation.catalog.models, situation)
    if not field.ranked:
        raise NoCandidateError(field.rejected, hint=way_out(field.rejected, situation))
    kept = keeper(field, situation) if preference.rule in ("score", "default") else None
    if kept is not None:
        preference = _Preference("kept", (kept.profile.model,))
    taken = take(field, situation) if preference.rule == "score" else None
    if taken is not None and taken.choice.kind != "usual":
        preference = _Preference(taken.choice.kind, (taken.model,))
    preferred = tuple(model.name for model in preference.models)
    ordered = in_given_order(field.ranked, first=preferred)
    winner, rest = ordered[0], ordered[1:]
    rule = (
        _RULES[preference.rule] if winner.profile.model.name in preferred else scored(winner, field)
    )
    told = [one for one in rest if one.profile.model.name in preferred]
    free = [one for one in rest if one.profile.model.name not in preferred]
    following = fallbacks([winner, *told, *free], fixed=1 + len(told))
    return _compose(
        winner,
        field=field._replace(ranked=tuple(ordered)),
        situation=situation,
        told=_Told(decision_id, rule, following, _order(preference, situation), taken),
    )


class _Told(NamedTuple):
    decision_id: str
    rule: str
    fallbacks: tuple[str, ...]
    order: Order
    taken: Taken | None


def _compose(winner: Ranked, *, field: Field, situation: Situation, told: _Told) -> Decision:
    kind, model = situation.classification, winner.profile.model
    told_whole = len(field.ranked) if situation.settings.debug else CANDIDATES_TOLD
    # One validation of plain rows takes half the time of building dozens of values one by one.
    return Decision.model_validate(
        {
            "decision_id": told.decision_id,
            "created_at": situation.now,
            "model": model.name,
            "provider": model.provider,
            "task_type": kind.task_type,
            "complexity": kind.complexity,
            "pattern": kind.pattern,
            "strategy": field.strategy,
            "confidence": _confidence(winner, field, kind.confidence),
            "reason": headline(winner, rule=told.rule, situation=situation),
            "reasons": (
                *reasons(winner, field, situation),
                *learnt_reasons(winner, situation, taken=told.taken),
                *conversation_reasons(winner, field, situation),
            ),
            "estimated": _estimate(winner.profile, situation),
            "fallbacks": told.fallbacks,
            "candidates": [_candidate(one, floor=field.floor) for one in field.ranked[:told_whole]],
            "others": {
                one.profile.model.name: round(one.score, 4) for one in field.ranked[told_whole:]
            },
            "rejected": field.rejected,
            "quality_floor": round(field.floor, 4),
            "counterfactuals": counterfactuals(field, situation, order=told.order),
            "classification": kind,
            "request": without_texts(situation.request),
            "counts": flat(situation.counts),
            "baseline": _baseline(winner, field, situation),
            "needs_key": _needed_key(model, situation),
            "warnings": (*_warnings(winner.profile, situation), *_unlikely(winner, field)),
            "learnt": told.taken.choice if told.taken is not None else None,
        }
    )


def _preference(situation: Situation) -> _Preference:
    settings, kind = situation.settings, situation.classification
    if situation.request.chain:
        return _Preference("chain", situation.catalog.chain(situation.request.chain))
    task = settings.tasks.get(kind.task_type)
    if task is not None and task.primary:
        return _Preference("task", situation.catalog.chain((task.primary, *task.fallbacks)))
    if settings.default_model and kind.confidence < UNSURE_BELOW:
        return _Preference("default", situation.catalog.chain((settings.default_model,)))
    return _Preference("score")


def _order(preference: _Preference, situation: Situation) -> Order:
    """Tell the person's own order, and how one does without it unless the default steps in."""
    names = tuple(model.name for model in preference.models)
    lifted = _WITHOUT.get(preference.rule, "")
    unsure = situation.classification.confidence < UNSURE_BELOW
    if preference.rule in ("task", "kept") and situation.settings.default_model and unsure:
        lifted = ""
    return Order(names, lifted, preference.rule)


def _estimate(chosen: Profile, situation: Situation) -> Estimate:
    """Range the estimate by half and double the output, which is what prompts do not tell."""

    def priced(factor: float) -> int | None:
        return expected_cost(
            chosen.model,
            situation,
            inputs=chosen.input_tokens,
            outputs=round(chosen.output_tokens * factor),
            thinking=round(chosen.thinking_tokens * factor),
        )

    low, high = priced(0.5), priced(2.0)
    return Estimate(
        cost_usd=None if chosen.cost is None else to_usd(chosen.cost),
        cost_low_usd=None if low is None else to_usd(low),
        cost_high_usd=None if high is None else to_usd(high),
        input_tokens=chosen.input_tokens,
        output_tokens=chosen.output_tokens + chosen.thinking_tokens,
        latency_ms=chosen.latency_ms,
        latency_low_ms=chosen.latency_ms // 2,
        latency_high_ms=chosen.latency_high_ms,
    )


def _candidate(one: Ranked, *, floor: float) -> dict[str, object]:
    """Write one candidate as the fields of a `Candidate`."""
    estimate, parts = one.profile, one.parts
    return {
        "model": estimate.model.name,
        "provider": estimate.model.provider,
        "score": round(one.score, 4),
        "parts": {name: round(part, 4) for name, part in zip(PART_NAMES, parts, strict=True)},
        "estimated_cost_usd": None if estimate.cost is None else to_usd(estimate.cost),
        "estimated_latency_ms": estimate.latency_ms,
        "quality": round(estimate.quality, 4),
        "chance": round(chance(one, floor=floor), 4),
        "input_tokens": estimate.input_tokens,
        "output_tokens": estimate.output_tokens + estimate.thinking_tokens,
    }


def _confidence(winner: Ranked, field: Field, understood: float) -> float:
    """Combine how sure the task type is with how clearly the winner leads.

    Only those who are about as sure to be good enough are rivals, as only they were compared.
    """
    rivals = [one for one in field.ranked if one is not winner and one.band <= winner.band]
    clear = min(1.0, max(0.0, _lead(winner, rivals, field.strategy)))
    return round(understood * (0.6 + 0.4 * clear), 4)


def _lead(winner: Ranked, rivals: Sequence[Ranked], strategy: Strategy) -> float:
    """Measure a lead in what the strategy goes by: 1 is clear, 0 or less none."""
    if not rivals:
        return 1.0
    if strategy is not Strategy.COST_FIRST or winner.band:
        return (winner.score - max(one.score for one in rivals)) / CLEAR_MARGIN
    paid = winner.profile.cost
    asked = min((one.profile.cost for one in rivals if one.profile.cost is not None), default=None)
    if paid is None or not asked:
        return 0.0 if asked == paid or paid is None else 1.0
    return (1 - paid / asked) / CLEAR_SAVING


def _baseline(winner: Ranked, field: Field, situation: Situation) -> Baseline | None:
    """Price the same request on the strongest model, or the one the settings name."""
    named = situation.settings.baseline
    model = situation.catalog.resolve(named) if named else _strongest(situation)
    cost = None if model is None else _cost_on(model, field, situation)
    if model is None or cost is None or winner.profile.cost is None:
        return None
    return Baseline(
        model=model.name, cost_usd=to_usd(cost), saved_usd=to_usd(cost - winner.profile.cost)
    )


def _cost_on(model: ModelInfo, field: Field, situation: Situation) -> int | None:
    """Price the request on a model, which mostly was done when it was ranked."""
    known = next((one.profile for one in field.ranked if one.profile.model is model), None)
    return (known or profile(model, demand_of(situation))).cost


def _strongest(situation: Situation) -> ModelInfo | None:
    today = situation.now.date()
    for model in situation.catalog.strongest_first:
        if model.retires_on is None or today < model.retires_on:
            return model
    return None


def _needed_key(model: ModelInfo, situation: Situation) -> str | None:
    if model.provider in situation.state.usable_providers:
        return None
    provider = situation.catalog.providers.get(model.provider)
    return None if provider is None else provider.api_key_env


def _unlikely(winner: Ranked, field: Field) -> tuple[str, ...]:
    """Warn where the best that may run is more likely not good enough than good enough."""
    if min(one.band for one in field.ranked) == 0 or chance(winner, floor=field.floor) >= 0.5:
        return ()
    return (f"{winner.profile.model.name} is {doubt(winner, floor=field.floor)}.",)


def _warnings(chosen: Profile, situation: Situation) -> tuple[str, ...]:
    model, told = chosen.model, list[str]()
    if model.retires_on is not None:
        days = (model.retires_on - situation.now.date()).days
        if days <= 60:
            successor = f" (successor: {model.successor})" if model.successor else ""
            told.append(f"{model.name} retires on {model.retires_on.isoformat()}{successor}.")
    if chosen.cost is None:
        told.append(f"The price of {model.name} is unknown; set it in the config.")
    if situation.classification.confidence < UNSURE_BELOW:
        told.append("The task type is unclear; name the task or set a default model.")
    return tuple(told)
