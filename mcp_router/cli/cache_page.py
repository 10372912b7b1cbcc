"""The page of kept answers: how they are used, what they hold, and what they saved."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from mcp_router.cli.page import Fields, Notes, Page
from mcp_router.cli.text import share, usd
from mcp_router.money import format_usd, to_nanos

if TYPE_CHECKING:
    from mcp_router.config.settings import CacheSettings
    from mcp_router.storage.answers import CacheStatistics

_MB = 1024 * 1024
_USES = {
    "off": "off, unless a call asks for it",
    "exact": "given again to the same request",
    "near": "given again to the same request, or one in other words of courtesy",
}


def cache_page(found: CacheStatistics, *, rules: CacheSettings) -> Page:
    """Build the page."""
    asked = found.hits + found.misses
    part = share(Decimal(found.hits), of=Decimal(asked))
    near = f", {found.near_hits:,} of them near" if found.near_hits else ""
    rows = (
        ("Answers", _USES[rules.answers]),
        ("Kept for", f"{rules.answers_ttl / 3600:,.4g} h"),
        ("Entries", f"{found.entries:,}"),
        ("Size", f"{found.bytes / _MB:,.1f} of {rules.answers_max_mb:,} MB"),
        ("Hits", f"{found.hits:,} of {asked:,}" + (f" ({part}){near}" if part else "")),
        ("Saved", usd(found.saved_usd)),
        ("Dropped", f"{found.evicted:,} for room, {found.expired:,} by age"),
    )
    hint = () if rules.answers != "off" else ("mcp-router config --set cache.answers exact",)
    return Page((Fields(rows), Notes("hint", hint)))


def cache_json(found: CacheStatistics, *, rules: CacheSettings) -> dict[str, object]:
    """Build the JSON of the same: bytes, seconds and USD."""
    return {
        "answers": rules.answers,
        "ttl_s": rules.answers_ttl,
        "max_bytes": rules.answers_max_mb * _MB,
        **found._asdict(),
        "saved_usd": format_usd(to_nanos(found.saved_usd)),
    }
