"""What an attempt may cost at most, and what it did cost; nano-dollars, None where unpriced."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.catalog.pricing import TOKENS_PER_RATE, cost_of, rates_at
from mcp_router.routing.tokens import count, estimate
from mcp_router.types import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mcp_router.types import ModelInfo

# Estimates are off by 15 % at the 95th percentile and by more on odd text; the constant covers
# what providers wrap around short prompts.
_MARGIN_PERCENT = 130
_MARGIN_TOKENS = 32
# What a provider adds to the prompt to explain tools: 264 to 530 tokens for Claude, by model and
# tool choice (its tool use overview).
_TOOL_TOKENS = 600
# Each of the five buckets of a usage is rounded half up.
_ROUNDING = 3


class Ceiling(NamedTuple):
    """The most an attempt can use: prompt tokens with their margin, and answer tokens."""

    inputs: int
    outputs: int


class Bill(NamedTuple):
    """What is charged for an attempt; `estimated` where the provider did not report the usage."""

    usage: Usage
    nanos: int | None
    estimated: bool = False


def ceiling(
    model: ModelInfo, *, inputs: int, max_tokens: int | None, tools: bool = False
) -> Ceiling:
    """Bound what a request of about `inputs` tokens can use at a model.

    Reasoning counts within `max_tokens` on every wire.
    """
    outputs = min(max_tokens or model.max_output, model.max_output)
    extra = _MARGIN_TOKENS + (_TOOL_TOKENS if tools else 0)
    return Ceiling(_with_margin(inputs) + extra, outputs)


def worst_case(model: ModelInfo, most: Ceiling, *, now: datetime) -> int | None:
    """Price the most an attempt can use at the highest rates that can apply to it."""
    if model.local and not model.prices:
        return 0
    low = rates_at(model, now=now, prompt_tokens=0)
    high = rates_at(model, now=now, prompt_tokens=most.inputs)
    if low is None or high is None:
        return None
    tiers = (low, high)
    into = max(max(one.input, one.cache_read or 0, one.cache_write or 0) for one in tiers)
    out = max(one.output for one in tiers)
    nanos = most.inputs * into + most.outputs * out
    return -(-nanos // TOKENS_PER_RATE) + _ROUNDING if nanos else 0


def affordable(model: ModelInfo, most: Ceiling, *, nanos: int, now: datetime) -> int:
    """Say how many answer tokens an amount pays for after the prompt; 0 or less for none."""
    inputs = worst_case(model, most._replace(outputs=0), now=now) or 0
    both = worst_case(model, most, now=now) or 0
    if both <= inputs:
        return most.outputs
    return (nanos - inputs - _ROUNDING) * most.outputs // (both - inputs)


def bill(model: ModelInfo, usage: Usage, *, now: datetime, estimated: bool = False) -> Bill:
    """Price a usage at the rates in force when the request was sent."""
    cost = cost_of(model, usage, now=now)
    return Bill(usage, None if cost is None else sum(cost), estimated)


def assumed_usage(model: ModelInfo, *, inputs: int, texts: Iterable[str]) -> Usage:
    """Guess a usage that was not reported, on the dear side, from the prompt and the answer."""
    outputs = sum(estimate(count(text), model.family) for text in texts)
    return Usage(
        input_tokens=_with_margin(inputs),
        output_tokens=_with_margin(outputs) if outputs else 0,
    )


def at_least(usage: Usage, *, outputs: int) -> Usage:
    """Raise the output of a usage that was reported before the answer broke off."""
    if usage.output_tokens + usage.reasoning_tokens >= outputs:
        return usage
    return usage.model_copy(update={"output_tokens": outputs - usage.reasoning_tokens})


def _with_margin(tokens: int) -> int:
    return -(-tokens * _MARGIN_PERCENT // 100)
