"""Draws a page as plain text, for pipes, files and whoever reads along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.layout import Style, lines_of
from mcp_router.cli.page import Notes

if TYPE_CHECKING:
    from mcp_router.cli.page import Page


def plain_text(page: Page, *, cells: int) -> str:
    """Draw the page in ASCII signs without colour or frames; notes are left out."""
    style = Style(cells=cells, bar=("#", "."), bullet="  - ", breaks_words=False)
    drawn = [lines_of(block, style=style) for block in page.blocks if not isinstance(block, Notes)]
    texts = ["\n".join((line.head + line.rest).rstrip() for line in lines) for lines in drawn]
    return "\n\n".join(filter(None, texts)) + "\n"
