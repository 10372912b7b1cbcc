"""The page and JSON of a check of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.cli.page import Column, Items, Line, Page, Table
from mcp_router.cli.text import duration, usd
from mcp_router.money import format_usd, to_nanos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.checkup import Finding

_ASKED = ("ok", "failed")


def checkup_page(findings: Sequence[Finding]) -> Page:
    """Build the table of providers with what each said, and what would help."""
    columns = (
        Column("Provider"),
        Column("Status"),
        Column("Model asked", flexible=True),
        Column("Time", right=True),
        Column("Cost", right=True),
        Column("What is wrong", flexible=True),
    )
    marked = frozenset(n for n, one in enumerate(findings) if one.status == "ok")
    table = Table(columns, tuple(map(_row, findings)), marked=marked)
    mends = tuple(
        f"{one.provider}: {one.hint}" for one in findings if one.hint and one.status != "no key"
    )
    keys = [one.hint.removeprefix("Set ").rstrip(".") for one in findings if one.status == "no key"]
    blocks = (table, Items("To mend", mends), Line(_verdict(findings)), Line(_keys(keys)))
    return Page(tuple(block for block in blocks if block != Items("To mend", ())))


def checkup_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Build the JSON: one object for each provider, what is unknown as null."""
    return [
        {
            **one._asdict(),
            "cost_usd": None if one.cost_usd is None else format_usd(to_nanos(one.cost_usd)),
            "error": one.error or None,
            "hint": one.hint or None,
        }
        for one in findings
    ]


def _row(one: Finding) -> tuple[str, ...]:
    return (
        one.provider,
        one.status,
        one.model or "",
        "" if one.latency_ms is None else duration(one.latency_ms),
        "" if one.cost_usd is None else usd(one.cost_usd),
        one.error,
    )


def _verdict(findings: Sequence[Finding]) -> str:
    asked = [one for one in findings if one.status in _ASKED]
    if not asked:
        return "Nobody was asked: no provider has a key here."
    return f"{sum(one.status == 'ok' for one in asked)} of {len(asked)} providers asked answered."


def _keys(variables: Sequence[str]) -> str:
    return f"Others need a key: {', '.join(variables)}." if variables else ""
