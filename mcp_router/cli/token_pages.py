"""The page and the JSON of tokens; a token itself is in neither, nor its hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.cli.page import Column, Line, Notes, Page, Table
from mcp_router.money import format_usd, short_usd, to_nanos

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from mcp_router.storage.tokens import AccessToken

Spent = tuple["Decimal", "Decimal"]
"""US dollars today and this month."""


def token_json(token: AccessToken, *, now: int, spent: Spent | None = None) -> dict[str, Any]:
    """Write what is known of a token."""
    body: dict[str, Any] = {
        "name": token.name,
        "scope": token.scope,
        "state": "in force" if token.is_live(now) else _state(token, now=now),
        "models": list(token.models),
        "daily_usd": _usd(token.daily_nanos),
        "monthly_usd": _usd(token.monthly_nanos),
        "requests_per_minute": token.requests_per_minute,
        "tokens_per_minute": token.tokens_per_minute,
        "created_at": _time(token.created_ms),
        "expires_at": _time(token.expires_ms),
        "revoked_at": _time(token.revoked_ms),
    }
    if spent is not None:
        body |= {
            "spent_today_usd": format_usd(to_nanos(spent[0])),
            "spent_this_month_usd": format_usd(to_nanos(spent[1])),
        }
    return body


def tokens_page(tokens: Sequence[AccessToken], *, spent: Mapping[str, Spent], now: int) -> Page:
    """Build the list."""
    if not tokens:
        hint = ("Make one: mcp-router token create NAME --scope execute",)
        return Page((Line("There is no token."), Notes("hint", hint)))
    columns = (
        Column("Token", flexible=True),
        Column("May"),
        Column("Today", right=True),
        Column("Month", right=True),
        Column("Per minute", flexible=True),
        Column("Models", flexible=True),
        Column("State", flexible=True),
    )
    rows = tuple(
        (
            one.name,
            one.scope,
            _of(spent[one.name][0], one.daily_nanos),
            _of(spent[one.name][1], one.monthly_nanos),
            _rates(one),
            ", ".join(one.models) or "all",
            _state(one, now=now),
        )
        for one in tokens
    )
    return Page((Table(columns, rows),))


def _state(token: AccessToken, *, now: int) -> str:
    if token.revoked_ms is not None:
        return "revoked"
    if token.expires_ms is None:
        return "in force"
    return f"until {(_time(token.expires_ms) or '')[:10]}" if token.is_live(now) else "expired"


def _of(spent: Decimal, limit: int | None) -> str:
    told = f"${short_usd(to_nanos(spent))}"
    return told if limit is None else f"{told} of ${format_usd(limit)}"


def _rates(token: AccessToken) -> str:
    given = ((token.requests_per_minute, "req"), (token.tokens_per_minute, "tok"))
    return ", ".join(f"{count:,} {unit}" for count, unit in given if count is not None)


def _usd(nanos: int | None) -> str | None:
    return None if nanos is None else format_usd(nanos)


def _time(ms: int | None) -> str | None:
    from mcp_router.storage.periods import from_ms

    return None if ms is None else from_ms(ms).isoformat(timespec="seconds")
