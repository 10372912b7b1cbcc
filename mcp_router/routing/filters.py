"""Hard filters: each rules a model out and says why, or lets it pass."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.money import short_usd, to_nanos
from mcp_router.types import Capability, ModelInfo, Need, Rejection

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.routing.profile import Profile
    from mcp_router.routing.situation import Situation


CONTEXT_MARGIN = 1.15
"""Token estimates are off by 15 % at the 95th percentile, so a window must leave that much room."""

REQUIRED_RATING = 7
"""The rating a capability named in `requires` must reach."""


class Filters(NamedTuple):
    """The filters that may rule a model out in one situation, by name and in their order."""

    early: tuple[tuple[str, Callable[[ModelInfo, Situation], str | None]], ...]
    late: tuple[tuple[str, Callable[[Profile, Situation], str | None]], ...]


def filters_of(situation: Situation) -> Filters:
    """Pick the filters that have anything to compare with; asked once for all models."""
    rules, state = situation.constraints, situation.state
    needs = any(need in _HARD_NEEDS for need in situation.classification.needs)
    named = rules.models or rules.deny_models or rules.providers or rules.deny_providers
    idle = {
        "denied": not named,
        "unavailable": not state.blocked,
        "requires": not (needs or rules.requires or rules.min_capabilities),
        "max_cost": rules.max_cost_usd is None,
        "budget": state.budget_left_usd is None,
        "max_latency": rules.max_latency_ms is None,
        "min_quality": rules.min_quality is None,
    }
    return Filters(
        tuple(one for one in _EARLY if not idle.get(one[0])),
        tuple(one for one in _LATE if not idle.get(one[0])),
    )


def rejection_before_estimate(
    model: ModelInfo, situation: Situation, *, filters: Filters | None = None
) -> Rejection | None:
    """Apply the filters that need no token, cost or latency estimate."""
    for name, rule in _EARLY if filters is None else filters.early:
        reason = rule(model, situation)
        if reason is not None:
            return _rejection(model.name, name, reason)
    return None


def rejection_after_estimate(
    profile: Profile, situation: Situation, *, filters: Filters | None = None
) -> Rejection | None:
    """Apply the filters that compare an estimate with a limit."""
    for name, rule in _LATE if filters is None else filters.late:
        reason = rule(profile, situation)
        if reason is not None:
            return Rejection(model=profile.model.name, filter=name, reason=reason)
    return None


@lru_cache(maxsize=256)
def _rejection(model: str, rule: str, reason: str) -> Rejection:
    # The same few dozen at every request: made once, and so written once by the store.
    return Rejection(model=model, filter=rule, reason=reason)


def _retired(model: ModelInfo, situation: Situation) -> str | None:
    if model.retires_on is None or situation.now.date() < model.retires_on:
        return None
    successor = f"; its successor is {model.successor}" if model.successor else ""
    return f"retired on {model.retires_on.isoformat()}{successor}"


def _denied(model: ModelInfo, situation: Situation) -> str | None:
    rules = situation.constraints
    if model.name in rules.deny_models:
        return "you denied this model"
    if model.provider in rules.deny_providers:
        return f"you denied the provider {model.provider}"
    if rules.models and model.name not in rules.models:
        return "not among the models you allow"
    if rules.providers and model.provider not in rules.providers:
        return "not from a provider you allow"
    return None


def _credentials(model: ModelInfo, situation: Situation) -> str | None:
    state = situation.state
    if model.provider in state.usable_providers:
        return None
    provider = situation.catalog.providers[model.provider]
    if provider.api_key_env is None:
        return f"{provider.name} is not set up; add [providers.{provider.name}] to the config"
    if state.require_credentials:
        return f"no key for {provider.name}; set {provider.api_key_env}"
    return None


def _blocked(model: ModelInfo, situation: Situation) -> str | None:
    return situation.state.blocked.get(model.name)


def _requirements(model: ModelInfo, situation: Situation) -> str | None:
    needs = [need for need in situation.classification.needs if need in _HARD_NEEDS]
    for required in (*needs, *situation.constraints.requires):
        if isinstance(required, Need):
            if required not in model.features:
                return f"cannot do {required}, which this request needs"
        elif model.capabilities[required] < REQUIRED_RATING:
            rating = model.capabilities[required]
            return f"{required} is rated {rating}, required is {REQUIRED_RATING}"
    return _minimum_ratings(model, situation)


def _minimum_ratings(model: ModelInfo, situation: Situation) -> str | None:
    for name, least in situation.constraints.min_capabilities.items():
        if model.capabilities[Capability(name)] < least:
            return f"{name} is rated {model.capabilities[name]}, your minimum is {least}"
    return None


def _context(profile: Profile, situation: Situation) -> str | None:
    model, asked = profile.model, situation.constraints.min_context
    if asked is not None and model.context < asked:
        return f"holds {model.context:,} tokens, your minimum is {asked:,}"
    reserve = situation.request.max_tokens or profile.output_tokens + profile.thinking_tokens
    needed = round(profile.input_tokens * CONTEXT_MARGIN) + reserve
    if needed > model.context:
        return f"holds {model.context:,} tokens, this request may need {needed:,}"
    limit = situation.request.max_tokens
    if limit is not None and limit > model.max_output:
        return f"answers at most {model.max_output:,} tokens, asked for {limit:,}"
    return None


def _cost(profile: Profile, situation: Situation) -> str | None:
    limit = situation.constraints.max_cost_usd
    if limit is None:
        return None
    if profile.cost is None:
        return "its price is unknown, so max_cost_usd cannot be kept"
    if profile.cost > to_nanos(limit):
        return f"about ${short_usd(profile.cost)}, your limit is ${short_usd(to_nanos(limit))}"
    return None


def _budget(profile: Profile, situation: Situation) -> str | None:
    left = situation.state.budget_left_usd
    if left is None or profile.cost == 0:
        return None
    if profile.cost is None:
        refused = situation.settings.budget.on_unknown_price == "refuse"
        return "its price is unknown and a budget is set" if refused else None
    if profile.cost > to_nanos(left):
        return f"about ${short_usd(profile.cost)}, the budget has ${short_usd(to_nanos(left))} left"
    return None


def _latency(profile: Profile, situation: Situation) -> str | None:
    limit = situation.constraints.max_latency_ms
    if limit is None or profile.latency_ms <= limit:
        return None
    return f"about {profile.latency_ms:,} ms, your limit is {limit:,} ms"


def _quality(profile: Profile, situation: Situation) -> str | None:
    least = situation.constraints.min_quality
    if least is None or profile.quality >= least:
        return None
    return f"predicted quality {profile.quality:.2f}, your minimum is {least:.2f}"


# Code and long context are judged by ratings and by the window itself, and any model may think
# aloud; only these three fail outright when a model lacks them.
_HARD_NEEDS = frozenset({Need.VISION, Need.TOOLS, Need.JSON})

_EARLY = (
    ("retired", _retired),
    ("denied", _denied),
    ("credentials", _credentials),
    ("unavailable", _blocked),
    ("requires", _requirements),
)
_LATE = (
    ("context", _context),
    ("max_cost", _cost),
    ("budget", _budget),
    ("max_latency", _latency),
    ("min_quality", _quality),
)

FILTER_NAMES = tuple(name for name, _ in (*_EARLY, *_LATE))
"""The names of all filters in the order they are applied."""
