"""What one model would need for one request: tokens, cost, time and chance of success."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.belief.beta import mean
from mcp_router.catalog.demands import ABILITIES, ANY_TASK
from mcp_router.catalog.pricing import Buckets, total_of
from mcp_router.routing.complexity import length_ease, words_of
from mcp_router.routing.learnt import moved
from mcp_router.routing.posterior import Posterior, posterior
from mcp_router.routing.tokens import input_tokens
from mcp_router.types import Capability, Complexity, Family, Performance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.routing.situation import Situation
    from mcp_router.types import ModelInfo

PRIOR_OBSERVATIONS = 40
"""How many observed calls a prior weighs; ten lucky calls must not outvote it."""

# Length of English text in each family relative to o200k (measured on prose, code and logs;
# the Claude figures are reconstructions of its tokenizer, not counts from the provider).
_OUTPUT_RATIO = {
    Family.O200K: 1.0,
    Family.CL100K: 1.02,
    Family.DEEPSEEK: 1.06,
    Family.TEKKEN: 1.08,
    Family.CLAUDE: 1.18,
    Family.CLAUDE5: 1.5,
}
_THINKING_SHARE = {
    Complexity.SIMPLE: 0.3,
    Complexity.MEDIUM: 0.7,
    Complexity.COMPLEX: 1.0,
    Complexity.CRITICAL: 1.3,
}
# What a request asks for beats what its difficulty suggests.
_THINKING_ASKED: Mapping[str, float] = {"none": 0.0, "low": 0.3, "medium": 0.7, "high": 1.3}
_DEMAND = {
    Complexity.SIMPLE: 5.0,
    Complexity.MEDIUM: 7.0,
    Complexity.COMPLEX: 8.5,
    Complexity.CRITICAL: 9.5,
}


class Profile(NamedTuple):
    """One model's expected use for one request; costs are nano-dollars, None when unpriced."""

    model: ModelInfo
    input_tokens: int
    output_tokens: int
    thinking_tokens: int
    cost: int | None
    latency_ms: int
    latency_high_ms: int
    fit: float
    quality: float
    historical: float
    posterior: Posterior


class Demand(NamedTuple):
    """What a situation asks of every model alike, worked out once per decision."""

    situation: Situation
    inputs: Mapping[Family, int]
    outputs: Mapping[Family, int]
    preferences: tuple[tuple[Capability, float], ...]
    rating: float
    ease: float
    thinking_share: float
    unseen: Performance
    ungraded: dict[str, Suited]


class Suited(NamedTuple):
    """How well one model suits what is asked: what is believed of it, its mean, and its fit."""

    model: ModelInfo
    believed: Posterior
    quality: float
    fit: float


@lru_cache(maxsize=16)
def _ungraded(
    catalog: Catalog,
    task: str,
    complexity: Complexity,
    ease: float,
    prefers: tuple[Capability, ...],
) -> dict[str, Suited]:
    """Keep what public evidence says of the models of a catalogue, from request to request."""
    del catalog, task, complexity, ease, prefers
    return {}


def wanted(situation: Situation) -> dict[Capability, float]:
    """Weigh the ratings that a task goes by, with those that are preferred."""
    asked = dict(ABILITIES.get(situation.classification.task_type, ANY_TASK))
    for preferred in situation.constraints.prefers:
        # Each preference counts as much as all that the task itself asks for.
        asked[preferred] = asked.get(preferred, 0.0) + 1.0
    return asked


def demand_of(situation: Situation) -> Demand:
    """Work out what `situation` asks for: tokens by family, weights of ratings, difficulty."""
    kind = situation.classification
    ease = length_ease(words_of(situation.counts))
    asked = wanted(situation)
    whole = sum(asked.values())
    return Demand(
        situation=situation,
        inputs={family: input_tokens(situation.counts, family) for family in Family},
        outputs={
            family: math.ceil(kind.output_tokens * ratio) for family, ratio in _OUTPUT_RATIO.items()
        },
        preferences=tuple((name, weight / whole) for name, weight in asked.items()),
        rating=_DEMAND[kind.complexity],
        ease=ease,
        thinking_share=_THINKING_ASKED.get(
            situation.request.reasoning_effort or "", _THINKING_SHARE[kind.complexity]
        ),
        unseen=Performance(),
        ungraded=_ungraded(
            situation.catalog,
            kind.task_type,
            kind.complexity,
            ease,
            situation.constraints.prefers,
        ),
    )


def profile(model: ModelInfo, demand: Demand) -> Profile:
    """Estimate what `model` would use, take and achieve for this request."""
    situation = demand.situation
    performance = observed(model, situation) or demand.unseen
    inputs = math.ceil(demand.inputs[model.family] * performance.token_ratio)
    outputs, thinking = _outputs(model, demand)
    latency, high = _latency(model, performance, generated=outputs + thinking)
    suited = _suited(model, demand)
    cost = expected_cost(model, situation, inputs=inputs, outputs=outputs, thinking=thinking)
    return Profile(
        model,
        inputs,
        outputs,
        thinking,
        cost,
        latency,
        high,
        suited.fit,
        suited.quality,
        historical(suited.quality, performance),
        suited.believed,
    )


def _suited(model: ModelInfo, demand: Demand) -> Suited:
    state, kind = demand.situation.state, demand.situation.classification
    grades = state.grades.get(model.name, ())
    known = None if grades else demand.ungraded.get(model.name)
    # A row of the same name may be another, where somebody tries what would change.
    if known is None or known.model is not model:
        found = posterior(
            model, task=kind.task_type, complexity=kind.complexity, grades=grades, ease=demand.ease
        )
        known = Suited(model, found, mean(found.belief), _fit(model, demand))
        if not grades:
            demand.ungraded[model.name] = known
    if state.learnt is None:
        return known
    belief = moved(known.believed.belief, model=model.name, learnt=state.learnt)
    believed = known.believed._replace(belief=belief)
    return known._replace(believed=believed, quality=mean(belief))


def expected_cost(
    model: ModelInfo, situation: Situation, *, inputs: int, outputs: int, thinking: int
) -> int | None:
    """Price this request on `model` in nano-dollars.

    The warm prompt cache counts only for the conversation's current model, so that leaving it
    shows up as a dearer input everywhere else.
    """
    request = situation.request
    warm = request.current_model in (model.name, model.id)
    cached = min(request.cached_tokens, inputs) if warm else 0
    usage = Buckets(inputs - cached, cached, 0, thinking, outputs)
    return total_of(model, usage, now=situation.now)


def observed(model: ModelInfo, situation: Situation) -> Performance | None:
    """Look up what is known of `model` on this task type, else of the model in general."""
    known = situation.state.performance.get(model.name)
    if known is None:
        return None
    return known.get(situation.classification.task_type) or known.get("")


def historical(prior: float, performance: Performance) -> float:
    """Return the mean of a Beta posterior whose prior weighs `PRIOR_OBSERVATIONS` calls."""
    seen = performance.successes + performance.failures
    return (PRIOR_OBSERVATIONS * prior + performance.successes) / (PRIOR_OBSERVATIONS + seen)


def _outputs(model: ModelInfo, demand: Demand) -> tuple[int, int]:
    outputs, thinking = demand.outputs[model.family], 0
    if model.thinking_factor:
        thinking = math.ceil(outputs * model.thinking_factor * demand.thinking_share)
    room, limit = model.max_output, demand.situation.request.max_tokens
    if limit and limit < room:
        room = limit
    if outputs + thinking <= room:
        return outputs, thinking
    outputs = min(outputs, room)
    return outputs, min(thinking, room - outputs)


def _latency(model: ModelInfo, seen: Performance, *, generated: int) -> tuple[int, int]:
    prior = model.latency.first_token_ms + 1000 * generated / model.latency.tokens_per_second
    if seen.latency_p50_ms is None:
        return round(prior), round(2 * prior)
    trust = seen.calls / (seen.calls + PRIOR_OBSERVATIONS / 2)
    latency = trust * seen.latency_p50_ms + (1 - trust) * prior
    high = trust * (seen.latency_p95_ms or 2 * seen.latency_p50_ms) + (1 - trust) * 2 * prior
    return round(latency), max(round(latency), round(high))


def _fit(model: ModelInfo, demand: Demand) -> float:
    ratings, least, met = model.capabilities, demand.rating, 0.0
    for capability, weight in demand.preferences:
        rating = ratings[capability]
        met += weight if rating >= least else weight * rating / least
    return min(1.0, met)
