"""Suggestions that save tokens or money, from what the latest runs have in common."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mcp_router.catalog.pricing import cost_of
from mcp_router.errors import UnknownModelError
from mcp_router.money import to_usd
from mcp_router.reporting.suggestions import (
    MIN_PREFIX,
    MIN_TOKENS,
    ROOM,
    TOOLS_SHARE,
    Suggestion,
    marks_prefix,
    ordered,
    price,
)
from mcp_router.routing.tokens import input_tokens, request_counts
from mcp_router.types import Family, Request, ToolSpec, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.storage.runs import RecentRun
    from mcp_router.types import ModelInfo

MIN_RUNS = 5
"""Fewer runs are no habit."""


def for_history(
    runs: Sequence[RecentRun], *, catalog: Catalog, now: datetime
) -> tuple[Suggestion, ...]:
    """Look at the latest runs; what is worth most comes first.

    Prices are those of `now`. Savings are what the runs would have saved, at the most.
    """
    found = [
        *_asked_again(runs),
        *_unmarked(runs, catalog=catalog, now=now),
        *_thinking(runs, catalog=catalog, now=now),
        *_tools(runs, catalog=catalog, now=now),
        *_room(runs),
    ]
    return ordered(found)


def _asked_again(runs: Sequence[RecentRun]) -> Iterator[Suggestion]:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for run in runs:
        if run.prompt_hash:
            groups[run.model, run.prompt_hash].append(run.cost)
    again = sum(len(costs) - 1 for costs in groups.values())
    if again >= MIN_RUNS:
        saved = sum(sum(costs) - max(costs) for costs in groups.values())
        yield Suggestion(
            kind="answers",
            says=f"{again:,} of {len(runs):,} runs asked the same model the same once more.",
            do="Keep answers: mcp-router config --set cache.answers exact",
            saves_usd=to_usd(saved),
        )


def _unmarked(
    runs: Sequence[RecentRun], *, catalog: Catalog, now: datetime
) -> Iterator[Suggestion]:
    tokens, saved, count = 0, to_usd(0), 0
    for run in runs:
        model = _model(run, catalog)
        long = run.messages >= 3 and run.inputs >= MIN_PREFIX
        if model is None or not long or run.cache_read or run.request.get("cache"):
            continue
        fresh = price(model, now=now, fresh=run.inputs)
        cached = price(model, now=now, cached=run.inputs)
        if fresh is None or cached is None or cached >= fresh:
            continue
        if marks_prefix(model, catalog=catalog):
            count, tokens, saved = count + 1, tokens + run.inputs, saved + fresh - cached
    if count >= MIN_RUNS:
        yield Suggestion(
            kind="prefix",
            says=f"{count:,} calls went on with a conversation, {tokens:,} tokens of input, and "
            "nothing of it was read from a provider's cache.",
            do="Mark what the next call begins with: cache=True of the request.",
            tokens=tokens,
            saves_usd=saved,
        )


def _thinking(
    runs: Sequence[RecentRun], *, catalog: Catalog, now: datetime
) -> Iterator[Suggestion]:
    simple = [
        run
        for run in runs
        if run.complexity == "simple"
        and run.reasoning > run.outputs
        and not run.request.get("reasoning_effort")
    ]
    tokens = sum(run.reasoning for run in simple)
    if len(simple) >= MIN_RUNS and tokens >= MIN_TOKENS:
        yield Suggestion(
            kind="effort",
            says=f"On {len(simple):,} simple tasks models thought longer than they answered: "
            f"{tokens:,} tokens.",
            do="Ask them to think less: run --effort low, or reasoning_effort of the request.",
            tokens=tokens,
            saves_usd=_total([_thought(run, catalog=catalog, now=now) for run in simple]),
        )


def _tools(runs: Sequence[RecentRun], *, catalog: Catalog, now: datetime) -> Iterator[Suggestion]:
    sizes = [(run, _tool_tokens(run)) for run in runs if run.request.get("tools")]
    heavy = [(run, size) for run, size in sizes if size >= TOOLS_SHARE * run.inputs]
    tokens = sum(size for _, size in heavy)
    if len(heavy) >= MIN_RUNS and tokens >= MIN_TOKENS:
        models = [(_model(run, catalog), size) for run, size in heavy]
        costs = [
            None if model is None else price(model, now=now, fresh=size) for model, size in models
        ]
        yield Suggestion(
            kind="tools",
            says=f"In {len(heavy):,} calls the tools took {TOOLS_SHARE:.0%} of the input or more: "
            f"about {tokens:,} tokens.",
            do="Offer only those that a task needs, or shorten their descriptions.",
            tokens=tokens,
            saves_usd=_total(costs),
        )


def _room(runs: Sequence[RecentRun]) -> Iterator[Suggestion]:
    bounded = [(run, run.request.get("max_tokens")) for run in runs]
    limits = [(run.outputs + run.reasoning, most) for run, most in bounded if most]
    if len(limits) < MIN_RUNS:
        return
    longest = max(used for used, _ in limits)
    least = min(most for _, most in limits)
    if least >= MIN_TOKENS and least >= ROOM * longest:
        yield Suggestion(
            kind="max_tokens",
            says=f"max_tokens was {least:,} or more in {len(limits):,} calls, and no answer took "
            f"more than {longest:,}: more money than needed was set aside.",
            do=f"Set max_tokens to about {2 * longest:,}.",
        )


def _tool_tokens(run: RecentRun) -> int:
    tools = tuple(ToolSpec.model_validate(one) for one in run.request["tools"])
    return input_tokens(request_counts(Request(messages=(), tools=tools)), Family.O200K)


def _thought(run: RecentRun, *, catalog: Catalog, now: datetime) -> Decimal | None:
    model = _model(run, catalog)
    cost = None if model is None else cost_of(model, Usage(output_tokens=run.reasoning), now=now)
    return None if cost is None else to_usd(sum(cost))


def _model(run: RecentRun, catalog: Catalog) -> ModelInfo | None:
    try:
        return catalog.resolve(run.model)
    except UnknownModelError:
        return None


def _total(costs: Sequence[Decimal | None]) -> Decimal:
    return sum((cost for cost in costs if cost is not None), to_usd(0))
