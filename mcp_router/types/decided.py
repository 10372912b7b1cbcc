"""What is decided: the understanding of a request, candidates, the decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from mcp_router.money import Usd
from mcp_router.types.asked import Request
from mcp_router.types.learnt import LearntChoice
from mcp_router.types.words import Complexity, Need, Pattern, Score, Strategy, Tokens, Value


class Classification(Value):
    """What the router understood of a request.

    `input_tokens` counts text, media, tools and stated context with the o200k family;
    `probabilities` are the likeliest task types, best first; `cues` say what spoke for them.
    """

    task_type: str
    complexity: Complexity
    pattern: Pattern
    needs: tuple[Need, ...] = ()
    input_tokens: Tokens
    output_tokens: Tokens
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    confidence: Score
    language: str = "en"
    probabilities: tuple[tuple[str, Score], ...] = ()
    cues: tuple[str, ...] = ()


class Parts(Value):
    """The five parts of a score, each on an absolute scale from 0 to 1."""

    capability: Score
    cost: Score
    quality: Score
    latency: Score
    historical: Score


class Candidate(Value):
    """A model that passed every filter, with its score and what it is expected to cost and take.

    `quality` is the expected chance of a good answer, and `chance` how sure it is that the true one
    reaches the quality floor of the decision.
    """

    model: str
    provider: str
    score: Score
    parts: Parts
    estimated_cost_usd: Usd | None
    estimated_latency_ms: int
    quality: Score
    chance: Score | None = None
    input_tokens: Tokens
    output_tokens: Tokens


class Rejection(Value):
    """A model that was ruled out, the filter that did it, and why."""

    model: str
    filter: str
    reason: str


class Estimate(Value):
    """What the chosen model is expected to use; ranges are 10th to 90th percentile guesses."""

    cost_usd: Usd | None
    cost_low_usd: Usd | None = None
    cost_high_usd: Usd | None = None
    input_tokens: Tokens
    output_tokens: Tokens
    latency_ms: int
    latency_low_ms: int = 0
    latency_high_ms: int = 0


class Baseline(Value):
    """What always using one strong model would have cost, and the difference."""

    model: str
    cost_usd: Usd
    saved_usd: Decimal


class Decision(Value):
    """Which model should do a task, why, at what cost, and what comes next if it fails.

    `candidates` are the best dozen, best first, with the parts of their scores; `others` maps
    every other model that passed to its score, so that nobody is missing from the ranking and a
    stored decision stays small. `request` is what was asked without its texts, and `counts` what
    was counted in them (the byte classes of the text, messages, media tokens, context tokens), so
    that a decision can be made again under other settings though no prompt is kept. `learnt` is
    what learning did to it, None where it had no say. `experiments`
    names the arm of each experiment that it was made under.
    """

    decision_id: str
    created_at: datetime
    model: str
    provider: str
    task_type: str
    complexity: Complexity
    pattern: Pattern
    strategy: Strategy
    confidence: Score
    reason: str
    reasons: tuple[str, ...]
    estimated: Estimate
    fallbacks: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    others: Mapping[str, Score] = {}
    rejected: tuple[Rejection, ...]
    quality_floor: Score | None = None
    counterfactuals: tuple[str, ...]
    classification: Classification
    request: Request
    counts: tuple[Tokens, ...] = ()
    baseline: Baseline | None = None
    needs_key: str | None = None
    warnings: tuple[str, ...] = ()
    cached: bool = False
    prompt_hash: str = ""
    learnt: LearntChoice | None = None
    experiments: Mapping[str, str] = {}
