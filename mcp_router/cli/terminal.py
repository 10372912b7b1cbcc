"""Draws a page on a terminal with rich; imported only where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from mcp_router.cli.layout import Style, lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from mcp_router.cli.layout import Drawn, Role
    from mcp_router.cli.page import Page

WIDEST = 100
"""Columns used at most: longer lines are hard to read."""

_FRAME_CELLS = 4
_LOOKS: Mapping[Role, str] = {
    "plain": "",
    "title": "bold",
    "name": "cyan",
    "marked": "bold green",
    "above": "bold",
    "below": "dim",
    "warning": "yellow",
    "hint": "dim",
}


def print_page(page: Page, *, file: TextIO, columns: int | None = None) -> None:
    """Draw the page on `file`, in colour where the terminal and NO_COLOR allow it."""
    console = Console(file=file, markup=False, emoji=False, highlight=False, width=columns)
    console.width = min(console.width, WIDEST)
    unicode = console.encoding.startswith("utf")
    bar, bullet = (("█", "░"), " • ") if unicode else (("#", "."), " - ")
    cells = console.width - (_FRAME_CELLS if page.card else 0)
    style = Style(cells=cells, bar=bar, bullet=bullet, breaks_words=True)
    drawn = [lines_of(block, style=style) for block in page.blocks]
    blocks = [Text("\n").join(map(_styled, lines)) for lines in drawn if lines]
    # Laid out already: rich must not break a line once more.
    body = Text("\n\n", no_wrap=True, overflow="ignore").join(blocks)
    if page.card:
        title = Text(page.card, style="bold")
        console.print(Panel(body, title=title, title_align="left", width=console.width))
    else:
        console.print(body, no_wrap=True, overflow="ignore", crop=False)


def _styled(line: Drawn) -> Text:
    return Text(line.head, style=_LOOKS[line.role]).append(line.rest, style="")
