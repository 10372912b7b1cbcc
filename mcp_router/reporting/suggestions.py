"""Suggestions that save tokens or money, from one request as it would be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mcp_router.catalog.pricing import cost_of
from mcp_router.execution.sparing import spared
from mcp_router.money import Usd, to_usd
from mcp_router.routing.tokens import input_tokens, request_counts
from mcp_router.types import Request, Tokens, Usage, Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.types import Decision, ModelInfo

TOOLS_SHARE = 0.3
ROOM = 4
"""A limit so many times above what is needed is worth lowering."""

MIN_TOKENS = 500
# The shortest prefix that providers keep (platform.claude.com, prompt caching): 1,024 to 4,096.
MIN_PREFIX = 2_048


class Suggestion(Value):
    """One thing to change: what was seen, what to do, and what that is worth.

    `saves_usd` is for one call of a request, or for all the calls that were looked at; None where
    it is not money that is saved, or the price is unknown.
    """

    kind: Literal["repeats", "tools", "prefix", "max_tokens", "answers", "effort"]
    says: str
    do: str
    tokens: Tokens | None = None
    saves_usd: Usd | None = None


def for_request(
    request: Request, *, decision: Decision, catalog: Catalog, now: datetime
) -> tuple[Suggestion, ...]:
    """Look at one request as it would go to the model that was decided on, dearest first."""
    model = catalog.resolve(decision.model)
    found = [
        *_repeats(request, model, now=now),
        *_tools(request, model, now=now),
        *_prefix(request, model, catalog=catalog, now=now),
        *_max_tokens(request, decision=decision),
    ]
    return ordered(found)


def ordered(found: list[Suggestion]) -> tuple[Suggestion, ...]:
    """Sort suggestions by what they save, those without a figure last."""
    return tuple(sorted(found, key=lambda one: -(one.saves_usd or 0)))


def marks_prefix(model: ModelInfo, *, catalog: Catalog) -> bool:
    """Say whether a provider keeps the beginning of a request only where it is marked."""
    return catalog.providers[model.provider].wire == "anthropic"


def price(model: ModelInfo, *, now: datetime, fresh: int = 0, cached: int = 0) -> Decimal | None:
    """Price input tokens, fresh and read from a cache; None where the price is unknown."""
    cost = cost_of(model, Usage(input_tokens=fresh, cache_read_tokens=cached), now=now)
    return None if cost is None else to_usd(sum(cost))


def _repeats(request: Request, model: ModelInfo, *, now: datetime) -> Iterator[Suggestion]:
    found = spared(request)
    if found.tokens >= MIN_TOKENS and request.trim is not True:
        where = "; ".join(note.removeprefix("left out of ") for note in found.notes[:3])
        yield Suggestion(
            kind="repeats",
            says=f"{found.tokens:,} tokens of older turns stand further up word for word: {where}.",
            do="Leave them out: run --trim, or mcp-router config --set tokens.trim true",
            tokens=found.tokens,
            saves_usd=price(model, now=now, fresh=found.tokens),
        )


def _tools(request: Request, model: ModelInfo, *, now: datetime) -> Iterator[Suggestion]:
    whole = _tokens(request, model)
    tools = whole - _tokens(request.model_copy(update={"tools": ()}), model)
    if tools >= MIN_TOKENS and tools >= TOOLS_SHARE * whole:
        yield Suggestion(
            kind="tools",
            says=f"{len(request.tools)} tools take {tools / whole:.0%} of the input, "
            f"{tools:,} tokens.",
            do="Offer only those that this task needs, or shorten their descriptions.",
            tokens=tools,
            saves_usd=price(model, now=now, fresh=tools),
        )


def _prefix(
    request: Request, model: ModelInfo, *, catalog: Catalog, now: datetime
) -> Iterator[Suggestion]:
    before = request.model_copy(update={"messages": request.messages[:-1]})
    tokens = _tokens(before, model) - request.context_tokens
    if request.cache or tokens < MIN_PREFIX or not marks_prefix(model, catalog=catalog):
        return
    fresh = price(model, now=now, fresh=tokens)
    cached = price(model, now=now, cached=tokens)
    if fresh is not None and cached is not None and cached < fresh:
        yield Suggestion(
            kind="prefix",
            says=f"{tokens:,} tokens come before the last message; {model.name} reads them anew "
            "each time, as nothing is marked to be kept.",
            do="Mark them where the next call begins with the same: cache=True of the request.",
            tokens=tokens,
            saves_usd=fresh - cached,
        )


def _max_tokens(request: Request, *, decision: Decision) -> Iterator[Suggestion]:
    most, expected = request.max_tokens, decision.estimated.output_tokens
    if most is not None and most >= MIN_TOKENS and most >= ROOM * expected:
        yield Suggestion(
            kind="max_tokens",
            says=f"max_tokens is {most:,}, and an answer of about {expected:,} is expected: more "
            "money than needed is set aside.",
            do=f"Set max_tokens to about {2 * expected:,}.",
        )


def _tokens(request: Request, model: ModelInfo) -> int:
    return input_tokens(request_counts(request), model.family)
