"""What to tell when every model was ruled out: which rule stands in the way, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.routing.profile import demand_of, profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.routing.profile import Profile
    from mcp_router.routing.situation import Situation
    from mcp_router.types import Rejection

_ADVICE = {
    "denied": "Allow more models or providers",
    "credentials": "Set a key",
    "unavailable": "Try again later",
    "requires": "Require less",
    "context": "Send less at a time",
    "max_cost": "Raise max_cost_usd",
    "budget": "Raise the budget or add a free local model",
    "max_latency": "Raise max_latency_ms",
    "min_quality": "Lower min_quality",
}


def way_out(rejected: Sequence[Rejection], situation: Situation) -> str:
    """Advise what to relax, naming the model that misses the rule by least."""
    wanted = situation.constraints.models
    off = [model.name for model in situation.catalog.disabled if model.name in wanted]
    if wanted and len(off) == len(set(wanted)):
        return f"{', '.join(off)}: disabled in your settings; allow another model or enable it."
    asked = [one for one in rejected if one.model in wanted] or rejected
    current = [one for one in asked if one.filter != "retired"]
    if not current:
        told = "; ".join(f"{one.model}: {one.reason}" for one in asked[:3])
        return f"Ask for a current model. {told}." if told else "Ask for a current model."
    open_ = [one for one in current if one.filter != "denied"] or current
    names = [one.filter for one in open_]
    most = max(dict.fromkeys(names), key=names.count)
    example = _nearest([one for one in open_ if one.filter == most], situation)
    advice = _ADVICE[most]
    if most == "context" and "your minimum" in example.reason:
        advice = "Lower min_context"
    return f"{advice}. The nearest is {example.model}: {example.reason}."


def _nearest(rejected: Sequence[Rejection], situation: Situation) -> Rejection:
    demand = demand_of(situation)
    models = {model.name: model for model in situation.catalog.models}

    def miss(one: Rejection) -> float:
        return _distance(profile(models[one.model], demand), rule=one.filter)

    return min(rejected, key=miss)


def _distance(estimate: Profile, *, rule: str) -> float:
    """Measure how far a model is from passing a rule, in the rule's own unit."""
    if rule in {"max_cost", "budget"}:
        return float("inf") if estimate.cost is None else estimate.cost
    if rule == "max_latency":
        return estimate.latency_ms
    if rule == "context":
        return -estimate.model.context
    return -estimate.quality
