"""The kinds of recorded rows, and the table that each is kept in."""

from __future__ import annotations

from typing import Literal

Kind = Literal["decisions", "outcomes", "fallbacks", "rate_limits"]

TABLES: dict[Kind, str] = {
    "decisions": "routing_decisions",
    "outcomes": "routing_outcomes",
    "fallbacks": "fallback_events",
    "rate_limits": "rate_limit_events",
}
