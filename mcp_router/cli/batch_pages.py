"""The page of a batch: how many rows went which way, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.page import Fields, Notes, Page
from mcp_router.cli.text import usd

if TYPE_CHECKING:
    from mcp_router.workflows.batch import BatchSummary


def batch_page(summary: BatchSummary, *, output: str) -> Page:
    """Build the page; where something is left to do it ends with how to go on."""
    counts = (
        ("Done", summary.done),
        ("Done before", summary.reused),
        ("Failed", summary.failed),
        ("Not readable", summary.invalid),
        ("Left", summary.left),
    )
    cost = usd(summary.cost_usd)
    if summary.unpriced:
        cost += f", and {summary.unpriced} of unknown price"
    rows = [("Rows", f"{summary.total:,}")]
    rows += [(name, f"{count:,}") for name, count in counts if count or name == "Done"]
    fields = Fields((*rows, ("Cost", cost), ("Results", output)))
    notes = [Notes("warning", (f"Stopped: {summary.stopped}",))] if summary.stopped else []
    again = summary.left + summary.failed + summary.invalid
    if again:
        what = "the row that is" if again == 1 else f"the {again:,} rows that are"
        first = "Correct what is not readable, then run" if summary.invalid else "Run"
        said = f"{first} the same line with --resume to try {what}"
        notes.append(Notes("hint", (f"{said} not done; nothing else is paid for again.",)))
    return Page((fields, *notes))
