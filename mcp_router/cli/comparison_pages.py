"""The page and JSON of a comparison of prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.cli.page import Column, Line, Notes, Page, Table
from mcp_router.cli.text import UNKNOWN
from mcp_router.money import format_usd, short_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.comparison import Priced
    from mcp_router.types import Usage

_BUCKETS = {
    "input": "In",
    "cache_read": "Cached",
    "cache_write": "Cache write",
    "reasoning": "Reasoning",
    "output": "Out",
}


def comparison_page(
    rows: Sequence[Priced], *, best: Priced | None, usage: Usage, needed: int
) -> Page:
    """Build the table of costs by model; buckets without tokens are left out."""
    used = [name for name in _BUCKETS if getattr(usage, f"{name}_tokens")]
    columns = (
        Column("Model", flexible=True),
        Column("Provider"),
        Column("Total", right=True),
        *(Column(_BUCKETS[name], right=True) for name in used),
        Column("Note"),
    )
    tokens = ", ".join(
        f"{getattr(usage, f'{name}_tokens'):,} {_BUCKETS[name].lower()}" for name in used
    )
    marked = frozenset(index for index, row in enumerate(rows) if row is best)
    table = Table(columns, tuple(_row(row, best=best, used=used) for row in rows), marked=marked)
    title = Line(f"US dollars for {tokens or 'no'} tokens; needs a window of {needed:,}.")
    hints = () if best else ("None of these can take the request.",)
    return Page((title, table, Notes("warning", hints)))


def comparison_json(
    rows: Sequence[Priced], *, best: Priced | None, usage: Usage, needed: int
) -> dict[str, Any]:
    """Build the JSON of a comparison: exact costs in USD, None where the price is unknown."""
    return {
        "usage": usage.model_dump(mode="json"),
        "needed_context": needed,
        "cheapest_that_fits": best.model.name if best else None,
        "models": [
            {
                "model": row.model.name,
                "provider": row.model.provider,
                "cost_usd": None if row.total is None else format_usd(row.total),
                "parts_usd": _parts(row) or None,
                "context": row.model.context,
                "fits": not row.obstacle,
                "obstacle": row.obstacle or None,
            }
            for row in rows
        ],
    }


def _parts(row: Priced) -> dict[str, str]:
    parts = {} if row.cost is None else row.cost._asdict()
    return {name: format_usd(part) for name, part in parts.items()}


def _row(row: Priced, *, best: Priced | None, used: Sequence[str]) -> tuple[str, ...]:
    total = UNKNOWN if row.total is None else short_usd(row.total)
    parts = ["" if row.cost is None else short_usd(getattr(row.cost, name)) for name in used]
    note = "cheapest" if row is best else row.obstacle
    return (
        row.model.name,
        row.model.provider,
        total,
        *parts,
        note,
    )
