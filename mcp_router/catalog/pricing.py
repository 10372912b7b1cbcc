"""Prices: which rates hold for a request, and what it costs to the nano-dollar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from mcp_router.types import ModelInfo, Price, Rates, Usage

TOKENS_PER_RATE = 1_000_000


class Cost(NamedTuple):
    """Nano-dollars by bucket; `sum(cost)` is the total."""

    input: int
    cache_read: int
    cache_write: int
    reasoning: int
    output: int


class Buckets(NamedTuple):
    """Expected tokens in the buckets of a `Usage`, for estimates by the dozen."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    output_tokens: int


_FREE = Cost(0, 0, 0, 0, 0)


def rates_at(model: ModelInfo, *, now: datetime, prompt_tokens: int) -> Rates | None:
    """Find the rates for a request of `prompt_tokens`, cached ones included, sent at `now`.

    Among the prices in force at `now` the one listed last holds, as genai-prices has it; before
    the first comes into force the first holds. Returns None where the price is unknown.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("the time of a price needs a time zone")
    if not model.prices:
        return None
    tiers = _in_force(model.prices, now).tiers
    rates = tiers[0].rates
    if len(tiers) > 1:
        for tier in tiers[1:]:
            if prompt_tokens > tier.above:
                rates = tier.rates
    return rates


def cost_of(model: ModelInfo, usage: Usage | Buckets, *, now: datetime) -> Cost | None:
    """Price a usage, each bucket rounded half up to whole nano-dollars; None if unpriced.

    A local model without a price costs nothing, as it runs on a machine of the user's.
    Cached tokens choose the tier together with fresh ones, and where no rate is published for
    them they cost what fresh input costs. Reasoning costs what output costs.

    Raises:
        ValueError: `now` has no time zone.
    """
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    rates = rates_at(model, now=now, prompt_tokens=prompt)
    if rates is None:
        return _FREE if model.local else None
    read = rates.input if rates.cache_read is None else rates.cache_read
    write = rates.input if rates.cache_write is None else rates.cache_write
    return Cost(
        input=_nanos(usage.input_tokens, rates.input),
        cache_read=_nanos(usage.cache_read_tokens, read),
        cache_write=_nanos(usage.cache_write_tokens, write),
        reasoning=_nanos(usage.reasoning_tokens, rates.output),
        output=_nanos(usage.output_tokens, rates.output),
    )


def total_of(model: ModelInfo, usage: Buckets, *, now: datetime) -> int | None:
    """Price expected tokens as one sum: `sum(cost_of(...))` for estimates by the dozen.

    Raises:
        ValueError: `now` has no time zone.
    """
    fresh, read, written, thought, said = usage
    rates = rates_at(model, now=now, prompt_tokens=fresh + read + written)
    if rates is None:
        return 0 if model.local else None
    whole = _nanos(fresh, rates.input) + _nanos(said, rates.output)
    # Mostly nothing is kept and nothing is thought.
    if read:
        whole += _nanos(read, rates.input if rates.cache_read is None else rates.cache_read)
    if written:
        whole += _nanos(written, rates.input if rates.cache_write is None else rates.cache_write)
    return whole + _nanos(thought, rates.output) if thought else whole


def _nanos(tokens: int, rate: int) -> int:
    return (tokens * rate + TOKENS_PER_RATE // 2) // TOKENS_PER_RATE


def _in_force(prices: tuple[Price, ...], now: datetime) -> Price:
    # Most models have one price that always holds; this is asked for dozens of them at a time.
    if len(prices) == 1:
        return prices[0]
    now = now.astimezone(UTC)
    for price in reversed(prices):
        if _holds(price, now):
            return price
    return prices[0]


def _holds(price: Price, now: datetime) -> bool:
    if price.since is not None and now < price.since:
        return False
    if price.window is None:
        return True
    start, end = price.window
    minute = now.hour * 60 + now.minute
    if end < start:
        return minute >= start or minute < end
    return start <= minute < end
