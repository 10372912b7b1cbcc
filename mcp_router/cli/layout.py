"""Lays blocks out as lines of a given width, each with the part it plays."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from mcp_router.cli.page import Block, Fields, Items, Line, Notes, Plot, Table
from mcp_router.cli.text import clean, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_router.cli.page import Cell, Column

Role = Literal["plain", "title", "name", "marked", "above", "below", "warning", "hint"]


class Drawn(NamedTuple):
    """One line: `head` plays the role, `rest` is plain."""

    role: Role
    head: str
    rest: str = ""


class Style(NamedTuple):
    """How to draw: columns at most, the signs of bars and lists, and whether words may break.

    Where they may not, a table is wider than `cells` rather than to cut a name in two.
    """

    cells: int
    bar: tuple[str, str]
    bullet: str
    breaks_words: bool


_GAP = "  "
_INDENT = "   "
_BAR_CELLS = 12
_LEAST_CELLS = 8


def lines_of(block: Block, *, style: Style) -> list[Drawn]:
    """Lay out one block; an empty one has no lines."""
    if isinstance(block, Line):
        text = clean(block.text)
        return [Drawn(block.tone, line) for line in wrapped(text, cells=style.cells) if line]
    if isinstance(block, Notes):
        lines = [f"{block.kind}: {clean(line)}" for line in block.lines]
        return [
            Drawn(block.kind, part) for line in lines for part in wrapped(line, cells=style.cells)
        ]
    if isinstance(block, Plot):
        return _plot(block, style)
    if not (block.lines if isinstance(block, Items) else block.rows):
        return []
    title = _title(block.title, style)
    if isinstance(block, Items):
        return [*title, *_items(block, style)]
    return [*title, *(_fields(block, style) if isinstance(block, Fields) else _table(block, style))]


def _title(text: str, style: Style) -> list[Drawn]:
    return [Drawn("title", line) for line in wrapped(clean(text), cells=style.cells) if line]


def _plot(plot: Plot, style: Style) -> list[Drawn]:
    from mcp_router.cli.plot import plot_lines

    lines = plot_lines(plot, cells=style.cells, unicode=not style.bar[0].isascii())
    title = _title(plot.title, style) if lines else []
    return [*title, *(Drawn("plain", clean(line)) for line in lines)]


def _items(items: Items, style: Style) -> Iterator[Drawn]:
    for line in items.lines:
        first, *rest = wrapped(clean(line), cells=style.cells - len(style.bullet))
        yield Drawn("plain", style.bullet + first)
        yield from (Drawn("plain", " " * len(style.bullet) + more) for more in rest)


def _fields(fields: Fields, style: Style) -> Iterator[Drawn]:
    room = max(width(clean(name)) for name, _ in fields.rows)
    if style.breaks_words:
        room = min(room, max(_LEAST_CELLS, style.cells // 2))
    left = max(_LEAST_CELLS, style.cells - room - len(_GAP))
    for given, said in fields.rows:
        name, values = clean(given), wrapped(clean(said), cells=left)
        # Blanks before a name mark it as a part of the one above.
        names = [name] if width(name) <= room else wrapped(name, cells=room)
        for index, (head, rest) in enumerate(zip_longest(names, values, fillvalue="")):
            role: Role = "name" if index < len(names) else "plain"
            yield Drawn(role, _padded(head, room) + _GAP, rest)


def _table(table: Table, style: Style) -> Iterator[Drawn]:
    kept = [i for i, _ in enumerate(table.columns) if any(row[i] != "" for row in table.rows)]
    if not kept:
        return
    columns = [table.columns[i] for i in kept]
    titles = tuple(clean(column.title) for column in columns)
    rows = [tuple(_cell(row[i], style) for i in kept) for row in table.rows]
    indent = _INDENT if table.above or table.below else ""
    widths = _widths(
        columns, [titles, *rows], style=style._replace(cells=style.cells - len(indent))
    )
    for line in _row(titles, columns, widths):
        yield Drawn("name", indent + line)
    for index, row in enumerate(rows):
        yield from _across(table.above, index, "above", style=style, indent="")
        role: Role = "marked" if index in table.marked else "plain"
        for line in _row(row, columns, widths):
            yield Drawn(role, indent + line)
        yield from _across(table.below, index, "below", style=style, indent=indent)


def _across(
    texts: Sequence[str], index: int, role: Role, *, style: Style, indent: str
) -> Iterator[Drawn]:
    if texts:
        for line in wrapped(clean(texts[index]), cells=style.cells - len(indent)):
            yield Drawn(role, indent + line)


def _widths(
    columns: Sequence[Column], rows: Sequence[tuple[str, ...]], *, style: Style
) -> list[int]:
    """Measure each column; the widest flexible ones give way, words breaking only at last."""
    written = list(zip(*rows, strict=True))
    widths = [max(map(width, texts)) for texts in written]
    whole = [_longest_word(texts) for texts in written]
    least = [min(room, _LEAST_CELLS) for room in widths]
    for limits in (whole, least) if style.breaks_words else (whole,):
        surplus = sum(widths) + len(_GAP) * (len(widths) - 1) - style.cells
        for _ in range(surplus):
            able = [
                index
                for index, column in enumerate(columns)
                if column.flexible and widths[index] > limits[index]
            ]
            if not able:
                break
            widths[max(able, key=lambda index: widths[index])] -= 1
    return widths


def _longest_word(texts: Sequence[str]) -> int:
    words = [word for text in texts for word in text.split()]
    # Scripts without blanks may be broken anywhere.
    return max((len(word) for word in words if width(word) == len(word)), default=_LEAST_CELLS)


def _row(row: tuple[str, ...], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    broken = [wrapped(text, cells=room) for text, room in zip(row, widths, strict=True)]
    for index in range(max(map(len, broken))):
        parts = [
            _padded(lines[index] if index < len(lines) else "", room, right=column.right)
            for lines, room, column in zip(broken, widths, columns, strict=True)
        ]
        yield _GAP.join(parts).rstrip()


def _cell(cell: Cell, style: Style) -> str:
    if isinstance(cell, str):
        return clean(cell)
    full, empty = style.bar
    filled = round(max(0.0, min(1.0, cell.share)) * _BAR_CELLS)
    return full * filled + empty * (_BAR_CELLS - filled)


def _padded(text: str, room: int, *, right: bool = False) -> str:
    blank = " " * (room - width(text))
    return blank + text if right else text + blank
