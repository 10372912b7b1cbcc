"""The page and JSON of the chains as ladders."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.catalog.names import is_retired
from mcp_router.catalog.pricing import rates_at
from mcp_router.cli.page import Column, Line, Notes, Page, Table
from mcp_router.cli.text import UNKNOWN, duration
from mcp_router.money import format_usd, short_usd
from mcp_router.storage.periods import EPOCH, to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mcp_router.config.settings import FallbackSettings
    from mcp_router.storage.circuit import Verdict
    from mcp_router.types import ModelInfo

READY = ("set", "none needed")


class Rung(NamedTuple):
    """A model of a ladder; `key` is one of READY, or says what is missing."""

    model: ModelInfo
    key: str
    verdict: Verdict


class Ladder(NamedTuple):
    """A chain from the model tried first to the last."""

    name: str
    rungs: tuple[Rung, ...]


def ladders_page(ladders: Sequence[Ladder], *, rules: FallbackSettings, now: datetime) -> Page:
    """Build a table for each ladder, and say when the next model is tried."""
    columns = (
        Column("", right=True),
        Column("Model", flexible=True),
        Column("Provider"),
        Column("$/M in/out", right=True),
        Column("Key", flexible=True),
        Column("Breaker", flexible=True),
    )
    tables = tuple(
        Table(
            columns,
            tuple(_row(place, rung, now=now) for place, rung in enumerate(ladder.rungs, start=1)),
            title=ladder.name,
        )
        for ladder in ladders
    )
    told = (
        f"If one fails, the next is tried: {rules.max_attempts} attempts at most."
        if rules.enabled
        else "Fallback is off in your settings: only the first is tried."
    )
    hint = Notes("hint", ('Use one: mcp-router route "…" --chain NAME',))
    return Page((*tables, Line(told), hint))


def ladders_json(
    ladders: Sequence[Ladder], *, rules: FallbackSettings, now: datetime
) -> dict[str, Any]:
    """Build the JSON of the ladders; prices in USD per million tokens."""
    return {
        "enabled": rules.enabled,
        "max_attempts": rules.max_attempts,
        "chains": [
            {"name": ladder.name, "models": [_json(rung, now=now) for rung in ladder.rungs]}
            for ladder in ladders
        ],
    }


def _row(place: int, rung: Rung, *, now: datetime) -> tuple[str, ...]:
    model = rung.model
    rates = rates_at(model, now=now, prompt_tokens=0)
    price = UNKNOWN if rates is None else f"{short_usd(rates.input)}/{short_usd(rates.output)}"
    retired = "retired" if is_retired(model, on=now.date()) else _breaker(rung, now=now)
    return str(place), model.name, model.provider, price, rung.key, retired


def _breaker(rung: Rung, *, now: datetime) -> str:
    state, until = rung.verdict.state, rung.verdict.until
    if state == "closed":
        return "closed"
    if rung.verdict.allowed:
        return "open, may be tried"
    return f"{state.replace('_', ' ')}, {duration(max(0, until - to_ms(now)))} left"


def _json(rung: Rung, *, now: datetime) -> dict[str, Any]:
    model, verdict = rung.model, rung.verdict
    rates = rates_at(model, now=now, prompt_tokens=0)
    until = EPOCH + timedelta(milliseconds=verdict.until) if verdict.until else None
    return {
        "model": model.name,
        "provider": model.provider,
        "price": rates and {"input": format_usd(rates.input), "output": format_usd(rates.output)},
        "key": rung.key,
        "breaker": verdict.state,
        "blocked_until": until.isoformat() if until else None,
        "retired": is_retired(model, on=now.date()),
        "ready": rung.key in READY and verdict.allowed,
    }
