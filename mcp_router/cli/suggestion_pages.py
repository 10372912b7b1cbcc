"""The page of suggestions: what was seen, what to do about it, and what that is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.page import Items, Line, Page
from mcp_router.cli.text import usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.page import Block
    from mcp_router.reporting.suggestions import Suggestion


def suggestions_page(found: Sequence[Suggestion], *, of: str) -> Page:
    """Build the page, those worth most first; `of` names what was looked at."""
    if not found:
        return Page((Line(f"Nothing to save was found in {of}."),))
    blocks: list[Block] = [Line(f"What could be saved in {of}:", tone="title")]
    for number, one in enumerate(found, start=1):
        blocks += (Line(f"{number}. {one.says}"), Items("", _lines(one)))
    return Page(tuple(blocks))


def _lines(one: Suggestion) -> tuple[str, ...]:
    worth = "" if one.saves_usd is None else f"Saves up to {usd(one.saves_usd)}."
    return tuple(line for line in (one.do, worth) if line)
